#!/usr/bin/env bash
# Builds the images of both services with Docker, Podman or Buildah, whichever is there.
#
#   REGISTRY=europe-west1-docker.pkg.dev/my-project/listening-together deploy/images/build.sh
#
# REGISTRY       where the images will be pushed: their names are REGISTRY/pipeline and REGISTRY/session-api (localhost)
# TAG            their tag (the version in Cargo.toml)
# BUILDER        docker, podman or buildah (the first that is there)
# BUILDER_FLAGS  what the builder is told beside that, such as --pull-never
# RUST_IMAGE, NODE_IMAGE, RUNTIME_IMAGE, PROGRAMS, SITE   the build arguments of the Dockerfile (its defaults)
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() { printf 'images: %s\n' "$*" >&2; exit 1; }

builder=${BUILDER:-}
for candidate in docker podman buildah; do
  [ -n "$builder" ] || ! command -v "$candidate" >/dev/null || builder=$candidate
done
[ -n "$builder" ] || fail "there is no docker, podman or buildah; install one of them (Debian: apt-get install buildah)"
command -v "$builder" >/dev/null || fail "BUILDER=$builder is not installed"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
registry=${REGISTRY:-localhost} tag=${TAG:-$version}
arguments=(--build-arg "VERSION=$version")
# The time of the commit, not of the build: the same sources give the same image.
if revision=$(git rev-parse HEAD 2>/dev/null); then
  git diff --quiet HEAD -- || revision="$revision-modified"
  arguments+=(--build-arg "REVISION=$revision"
    --build-arg "CREATED=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)")
fi
for name in RUST_IMAGE NODE_IMAGE RUNTIME_IMAGE PROGRAMS SITE; do
  [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}")
done

case $builder in
  docker) export DOCKER_BUILDKIT=1; build=(docker build) ;;
  podman) build=(podman build --layers --ignorefile deploy/images/Dockerfile.dockerignore) ;;
  buildah) build=(buildah build --layers --ignorefile deploy/images/Dockerfile.dockerignore) ;;
  *) fail "BUILDER=$builder: say docker, podman or buildah" ;;
esac

for target in pipeline session-api; do
  # shellcheck disable=SC2086 # flags are words
  "${build[@]}" ${BUILDER_FLAGS:-} "${arguments[@]}" --file deploy/images/Dockerfile --target "$target" \
    --tag "$registry/$target:$tag" .
done
printf 'images: %s/{pipeline,session-api}:%s; push them with %s push\n' "$registry" "$tag" "$builder"
