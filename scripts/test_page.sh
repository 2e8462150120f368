#!/usr/bin/env bash
# Opens the page of build/lectern serve in Debian's Chromium, driven by Playwright, which is in build/page-test, from PyPI:
# scripts/test_page.sh [--screenshots FOLDER]. Not a stage of test.sh: it takes minutes. The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."

command -v chromium >/dev/null || { echo "test_page: needs Debian's chromium (apt-get install chromium)" >&2; exit 3; }
place=build/page-test
[[ -x "$place/bin/python" ]] || /usr/bin/python3 -m venv "$place"
if ! "$place/bin/pip" install --quiet --disable-pip-version-check 'playwright==1.65.2' 'axe-playwright-python==0.1.8'; then
  echo "test_page: Playwright cannot be had from PyPI"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
exec timeout 600 "$place/bin/python" tests/server/page/page_test.py build/lectern "$@"
