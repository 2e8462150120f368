#!/usr/bin/env bash
# Has many clients, honest and hostile, use build/lectern serve with the model that ships, and looks at what becomes of
# it. The report is Markdown on standard output; what goes on meanwhile is on standard error.
#
#   scripts/soak.sh                 64 clients for ten minutes, 20,000 broken requests, 30 times kill -9
#   scripts/soak.sh --short         a minute of it, which scripts/test.sh runs
#   scripts/soak.sh --seconds N     so long, and else as --short; --seed N draws other requests
#
# What needs root (a file system that is full) or Debian's libfaketime (a clock that jumps) is left out where it lacks, and
# said so. The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."
exec /usr/bin/python3 tests/server/soak.py build/lectern "$@"
