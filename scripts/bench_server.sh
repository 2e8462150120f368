#!/usr/bin/env bash
# Measures build/lectern serve beside `lectern read` on the same pages, in turns; a table of Markdown on standard output.
# The machine should do nothing else.
#
#   scripts/bench_server.sh                                   the model that ships, at 1, 4, 16 and 64 clients
#   scripts/bench_server.sh --model FOLDER --mode tiny --max-tokens 64 --clients 1,4      one of full size
set -euo pipefail
cd "$(dirname "$0")/.."
exec /usr/bin/python3 tests/server/bench_server.py build/lectern "$@"
