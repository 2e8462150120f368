#!/usr/bin/env bash
# Builds Lectern and reads every picture in samples/ with the shipped model.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh
pictures=(samples/*.png samples/*.jpg)
unread=0
for picture in "${pictures[@]}"; do
  echo
  echo "== $picture"
  if text="$(build/lectern read "$picture" --model primer --prompt free --quiet)" && [[ -n "$text" ]]; then
    printf '%s\n' "$text"
  else
    echo "could not be read" >&2
    unread=$((unread + 1))
  fi
done
echo
if [[ "$unread" -gt 0 ]]; then
  echo "$unread of ${#pictures[@]} samples could not be read" >&2
  exit 1
fi
echo "To read a picture of your own: build/lectern read PICTURE (see README.md for its options and for other models)"
