#!/usr/bin/env bash
# What we depend on: known licences, one source, versions that fit together, no known vulnerability, and nothing that is not
# used. Rules are in deny.toml. Only what was looked at is called good: without RustSec's database this says so.
set -euo pipefail
cd "$(dirname "$0")/.."

database=https://github.com/RustSec/advisory-db
# Where scripts/prerequisites.sh puts its tools.
export PATH="$PWD/target/lint/venv/bin:$PATH"

say() { printf 'dependencies: %s\n' "$*" >&2; }

cargo deny --locked check --hide-inclusion-graph bans licenses sources
cargo shear

# A proxy may neither refuse nor answer.
if timeout 60 cargo deny fetch db >/dev/null 2>&1; then
  cargo deny --locked check advisories
else
  say "known vulnerabilities NOT CHECKED: $database cannot be fetched here"
fi
