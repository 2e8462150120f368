#!/usr/bin/env bash
# Has clients that nobody here wrote talk to build/lectern serve: OpenAI's Python package, in build/clients, from PyPI.
# The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."

clients=build/clients
[[ -x "$clients/bin/python" ]] || /usr/bin/python3 -m venv "$clients"
"$clients/bin/pip" install --quiet --disable-pip-version-check 'openai==1.109.1'
exec "$clients/bin/python" tests/server/openai/openai_client.py build/lectern
