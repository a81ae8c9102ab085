#!/usr/bin/env bash
# Runs each fuzz target, one after another, for so many seconds: `fuzz.sh SECONDS`. What a run learns is kept in
# fuzz/target, where the next run goes on; the committed corpus is read only.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1

# The targets are a workspace of their own, with the versions of this one. What it lacks, fuzz/Cargo.toml pins.
cp Cargo.lock fuzz/Cargo.lock
export TMPDIR=$PWD/fuzz/target/tmp
mkdir -p "$TMPDIR"

found=()
for target in $(cargo +nightly fuzz list --fuzz-dir fuzz); do
  learnt=fuzz/target/corpus/$target
  mkdir -p "$learnt"
  # No sanitizer: all of our code is safe Rust, and without one twice as much is tried. Overflows and debug assertions
  # are checked; what takes 10 seconds or a gigabyte counts as a finding.
  cargo +nightly fuzz run --fuzz-dir fuzz --sanitizer none "$target" "$learnt" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 || found+=("$target")
done
if [ ${#found[@]} -gt 0 ]; then
  echo "fuzz: findings of ${found[*]} are in fuzz/artifacts" >&2
  exit 1
fi
