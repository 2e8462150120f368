#!/usr/bin/env bash
# Has docling's client for remote models of vision ask build/lectern serve for a page, and docling's reader of DeepSeek-OCR's
# format read the answer: docling-slim in build/docling, from PyPI, 300 MB. No stage of test.sh: docling's whole pipeline
# needs PyTorch. The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."

folder=build/docling
[[ -x "$folder/bin/python" ]] || /usr/bin/python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check 'docling-slim[format-pdf]==2.143.0'
exec "$folder/bin/python" tests/server/openai/docling_client.py build/lectern
