#!/usr/bin/env bash
# Builds in build/ everything that is installed, build/lectern first of all, installing what the build needs first.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_packages.sh build
SECONDS=0
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
# The tests need further packages; scripts/test.sh switches them on. Files are compiled together, which is quicker once.
if [[ ! -f build/build.ninja ]] && ! cmake --preset release -DLECTERN_TESTS=OFF -DLECTERN_UNITS=ON >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "build: cmake could not configure build/" >&2
  exit 1
fi
if ! cmake --build build --target lectern_installed --parallel "$(nproc)" >"$log" 2>&1; then
  tail -n 60 "$log" >&2
  echo "build: compiling failed" >&2
  exit 1
fi
version="$(sed -n 's/^CMAKE_PROJECT_VERSION:.*=//p' build/CMakeCache.txt)"
echo "build/lectern $version, built in $SECONDS s"
