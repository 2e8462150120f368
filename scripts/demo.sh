#!/usr/bin/env bash
# Builds Lectern and reads everything in samples/, pictures and a PDF, with the shipped model.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh
samples=(samples/*.png samples/*.jpg samples/*.pdf)
unread=0
for sample in "${samples[@]}"; do
  echo
  echo "== $sample"
  if text="$(build/lectern read "$sample" --model primer --prompt free --quiet)" && [[ -n "$text" ]]; then
    printf '%s\n' "$text"
  else
    echo "could not be read" >&2
    unread=$((unread + 1))
  fi
done
echo
if [[ "$unread" -gt 0 ]]; then
  echo "$unread of ${#samples[@]} samples could not be read" >&2
  exit 1
fi
echo "To read a page of your own: build/lectern read PAGE (see README.md for its options and for other models)"
