#!/usr/bin/env bash
# What the programs and the site are made of, as CycloneDX in target/sbom: one bill for each service, of what is compiled into
# it for Linux, and one for the site, of all that makes it: its bundle has no other parts.
set -euo pipefail
cd "$(dirname "$0")/.."

out=target/sbom
rm -rf "$out" && mkdir -p "$out"

# It writes beside every Cargo.toml of the workspace, whichever it is asked for.
written() { find . \( -name target -o -name node_modules \) -prune -o -name '*.cdx.json' -print; }
trap 'written | xargs -r rm' EXIT
cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --target x86_64-unknown-linux-gnu
for service in pipeline session-api; do
  mv "$service/$service.cdx.json" "$out/"
done

(cd website && npm sbom --package-lock-only --sbom-format cyclonedx) >"$out/website.cdx.json"
ls "$out"/*
