#!/usr/bin/env bash
# How often the shipped model errs on printed text in fonts that it was not trained on:
#   scripts/accuracy.sh [--model DIR] [--weights FORMAT] [--count N] [--limit RATE] [--keep DIR] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_packages.sh test
[[ -x build/lectern ]] || scripts/build.sh
exec /usr/bin/python3 -B scripts/accuracy.py "$@"
