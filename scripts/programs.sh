#!/usr/bin/env bash
# Compiles programs as the images have them: programs.sh DIRECTORY [NAME...], where a NAME is pipeline or session-api (both).
#
# Linked with all that they need, to an address that is known, so that no relocation is read and no pointer written when they
# start: a megabyte less in memory. Paths of this machine, which would make programs differ, stay out of them.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:?"say into which directory"}
shift
[ $# -gt 0 ] || set -- pipeline session-api

registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static"
RUSTFLAGS+=" --remap-path-prefix=$PWD=. --remap-path-prefix=$registry=registry"
export RUSTFLAGS
# Where no target is named, the flags would hold for macros too, which the compiler has to load.
target=$(rustc -vV | sed -n 's/^host: //p')

mkdir -p "$out"
for name in "$@"; do
  case $name in
    pipeline) profile=dist ;;
    session-api) profile=dist-small ;;
    *) printf 'programs: %s: say pipeline or session-api\n' "$name" >&2; exit 2 ;;
  esac
  cargo build --locked --profile "$profile" --target "$target" -p "$name" --bins
  cp "${CARGO_TARGET_DIR:-target}/$target/$profile/$name" "$out/"
done
