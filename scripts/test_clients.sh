#!/usr/bin/env bash
# Has clients that nobody here wrote talk to build/lectern serve: OpenAI's Python and npm packages, and schemathesis,
# which makes requests of what /openapi.json says. The last line is "N passed, N failed, N skipped"; where the packages
# cannot be installed, all are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

clients=build/clients
if ! scripts/install_clients.sh; then
  echo "0 passed, 0 failed, 3 skipped"
  exit 0
fi

passed=0 failed=0 skipped=0
# run COMMAND...: its last line has the counts.
run() {
  local log p f s
  log="$(mktemp)"
  "$@" 2>&1 | tee "$log" || true
  if read -r p f s < <(tail -n 1 "$log" | sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p'); then
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  else
    failed=$((failed + 1))
  fi
  rm -f "$log"
}

run "$clients/bin/python" tests/server/openai/openai_client.py build/lectern
if [[ -d "$clients/node/node_modules/openai" ]]; then
  run "$clients/bin/python" tests/server/openai/openai_client.py build/lectern --node "$clients/node"
else
  skipped=$((skipped + 1))
fi
run scripts/test_api.sh
echo "$passed passed, $failed failed, $skipped skipped"
[[ "$failed" -eq 0 ]]
