#!/usr/bin/env bash
# How often the shipped model errs on printed text in fonts that it was not trained on. Labels:
#   scripts/accuracy.sh [--model DIR] [--weights FORMAT] [--count N] [--limit RATE] [--keep DIR] [--seed N]
# Whole pages, in font families that it was not trained on, and Tesseract beside it where that is installed:
#   scripts/accuracy.sh --pages [--model DIR] [--weights FORMAT] [--rounds N] [--limit RATE] [--keep DIR] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_packages.sh test
[[ -x build/lectern ]] || scripts/build.sh
[[ "${1:-}" == --pages ]] || exec /usr/bin/python3 -B scripts/accuracy.py "$@"
shift

fonts=build/accuracy/fonts
if [[ ! -e $fonts/done ]]; then
  mkdir -p "$fonts/debs"
  (cd "$fonts/debs" && apt-get -q download fonts-linuxlibertine fonts-paratype fonts-lmodern fonts-oldstandard fonts-stix \
                         fonts-karla fonts-sil-andika fonts-tuffy fonts-inconsolata fonts-league-mono) >&2
  for package in "$fonts"/debs/*.deb; do dpkg -x "$package" "$fonts"; done
  touch "$fonts/done"
fi
exec /usr/bin/python3 -B scripts/accuracy_pages.py "$@"
