#!/usr/bin/env bash
# Has schemathesis ask build/lectern serve for what /openapi.json says that it takes, and for what it says that it does
# not: so many cases a call (default 25), the same ones every time. The last line is "N passed, N failed, N skipped".
#
#   scripts/test_api.sh [CASES]
set -euo pipefail
cd "$(dirname "$0")/.."

cases="${1:-25}"
clients=build/clients
scripts/install_clients.sh
work="$(mktemp -d)"
server=""
cleanup() {
  [[ -z "$server" ]] || kill "$server" 2>/dev/null || true
  [[ -z "$server" ]] || wait "$server" || true
  rm -rf "$work"
}
trap cleanup EXIT

build/lectern serve --port 0 --model models/primer --quiet --data "$work/data" --max-connections-per-address 0 >"$work/out" 2>"$work/err" &
server=$!
until grep -q '^listening on ' "$work/out"; do
  kill -0 "$server" || { cat "$work/err" >&2; exit 1; }
  sleep 0.05
done
url="$(sed -n 's/^listening on //p' "$work/out")"

# Not every picture that is a string is a picture: valid by the schema and refused.
checks=(--exclude-checks positive_data_acceptance)
status=0
( cd "$clients" && bin/schemathesis --config-file ../../tests/server/openai/schemathesis.toml run "$url/openapi.json" --no-color \
  --phases examples,coverage,fuzzing --max-examples "$cases" --generation-deterministic \
  --seed 1 --workers 1 --request-timeout 120 "${checks[@]}" ) || status=$?
kill -0 "$server" || { echo "the server ended"; status=1; }
if [[ "$status" -eq 0 ]]; then echo "1 passed, 0 failed, 0 skipped"; else echo "0 passed, 1 failed, 0 skipped"; fi
exit "$status"
