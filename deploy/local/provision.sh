#!/usr/bin/env bash
# Makes on a Pub/Sub emulator what deploy/terraform makes on Google Cloud, as far as an emulator knows it: topics,
# subscriptions, retention and deadlines. What is there already stays as it is.
#
#   PUBSUB_EMULATOR_HOST=localhost:8085 GOOGLE_CLOUD_PROJECT=demo deploy/local/provision.sh
set -euo pipefail

fail() { printf 'provision: %s\n' "$*" >&2; exit 1; }

host=${PUBSUB_EMULATOR_HOST:-} project=${GOOGLE_CLOUD_PROJECT:-}
[ -n "$host" ] || fail "set PUBSUB_EMULATOR_HOST to the emulator's host:port"
[ -n "$project" ] || fail "set GOOGLE_CLOUD_PROJECT to the project's id, such as demo"
command -v curl >/dev/null || fail "curl is missing; install the package curl"

make() { # collection id body
  local status
  status=$(curl -sS -o /dev/null -w '%{http_code}' --max-time 10 -X PUT -H 'Content-Type: application/json' \
    --data "$3" "http://$host/v1/projects/$project/$1/$2") || fail "no emulator answers at $host"
  case $status in
    200) printf 'provision: made %s/%s\n' "$1" "$2" ;;
    409) printf 'provision: %s/%s is there already\n' "$1" "$2" ;;
    *) fail "$host refused to make $1/$2 (HTTP $status)" ;;
  esac
}

topic() { printf '"topic": "projects/%s/topics/%s"' "$project" "$1"; }

make topics plays '{}'
make topics sessions '{"messageRetentionDuration": "600s"}'
make topics located-plays '{}'
make topics plays-rejected '{}'
make subscriptions plays-pipeline \
  "{$(topic plays), \"ackDeadlineSeconds\": 10, \"messageRetentionDuration\": \"86400s\"}"
make subscriptions located-plays-curate \
  "{$(topic located-plays), \"ackDeadlineSeconds\": 10, \"messageRetentionDuration\": \"86400s\"}"
make subscriptions plays-rejected \
  "{$(topic plays-rejected), \"ackDeadlineSeconds\": 60, \"messageRetentionDuration\": \"604800s\"}"
