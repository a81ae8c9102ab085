#!/usr/bin/env bash
# Builds the images of both services with Docker, Podman or Buildah, whichever is there.
#
#   REGISTRY=europe-west1-docker.pkg.dev/my-project/listening-together deploy/images/build.sh
#
# REGISTRY       where the images will be pushed: their names are REGISTRY/pipeline and REGISTRY/session-api (localhost)
# TAG            their tag (the version in Cargo.toml)
# PLATFORM       the system and processor that they are for, such as linux/arm64 (linux/amd64, whatever builds them)
# BUILDER        docker, podman or buildah (the first that is there)
# BUILDER_FLAGS  what the builder is told beside that, such as --pull-never
# REVISION       what of the sources the image says that it is built from (git's)
# SOURCE_DATE_EPOCH  seconds since 1970 that the image and its files are said to be from (the commit's)
# RUST_IMAGE, NODE_IMAGE, RUNTIME_IMAGE   the build arguments of the Dockerfile (its defaults)
# PROGRAMS, SITE  directories with what was built before, programs for PLATFORM (it is built)
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() { printf 'images: %s\n' "$*" >&2; exit 1; }

builder=${BUILDER:-}
for candidate in docker podman buildah; do
  [ -n "$builder" ] || ! command -v "$candidate" >/dev/null || builder=$candidate
done
[ -n "$builder" ] || fail "there is no docker, podman or buildah; install one of them (Debian: apt-get install buildah)"
case $builder in docker | podman | buildah) ;; *) fail "BUILDER=$builder: say docker, podman or buildah" ;; esac
command -v "$builder" >/dev/null || fail "BUILDER=$builder is not installed"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
registry=${REGISTRY:-localhost} tag=${TAG:-$version}
arguments=(--platform "${PLATFORM:-linux/amd64}" --build-arg "VERSION=$version")
if [ -z "${REVISION:-}" ] && REVISION=$(git rev-parse HEAD 2>/dev/null); then
  git diff --quiet HEAD -- || REVISION="$REVISION-modified"
fi
arguments+=(--build-arg "REVISION=${REVISION:-unknown}")
# The time of the commit, not of the build: the same programs and site make the same image.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
utc() { date -u -d "@$1" "$2" 2>/dev/null || date -u -r "$1" "$2"; } # GNU's date, or BSD's
arguments+=(--build-arg "CREATED=$(utc "$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)")
for name in RUST_IMAGE NODE_IMAGE RUNTIME_IMAGE; do
  [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}")
done
[ -z "${PROGRAMS:-}" ] || arguments+=(--build-context "programs=$PROGRAMS")
[ -z "${SITE:-}" ] || arguments+=(--build-context "site=$SITE")

export DOCKER_BUILDKIT=1
build=("$builder" build)
# Docker reads the time from the environment, and finds the ignore file beside the Dockerfile.
[ "$builder" = docker ] ||
  build+=(--layers --ignorefile deploy/images/Dockerfile.dockerignore --timestamp "$SOURCE_DATE_EPOCH")

for target in pipeline session-api; do
  # shellcheck disable=SC2086 # flags are words
  "${build[@]}" ${BUILDER_FLAGS:-} "${arguments[@]}" --file deploy/images/Dockerfile --target "$target" \
    --tag "$registry/$target:$tag" .
done
printf 'images: %s/{pipeline,session-api}:%s; push them with %s push\n' "$registry" "$tag" "$builder"
