#!/usr/bin/env bash
# What a newcomer does, from a clone of the last commit: builds with scripts/build.sh alone, reads a picture and a PDF,
# installs into an empty prefix and uses what is there; then the same with shared libraries.
#   clean_clone_test.sh SOURCE_FOLDER
set -euo pipefail
source_folder="$1"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
unset LECTERN_MODEL LECTERN_PDF

fail() { echo "clean_clone_test: $*" >&2; exit 1; }
passed=0
# step WHAT COMMAND...
step() {
  local what="$1" start=$SECONDS
  shift
  "$@" || fail "$what failed"
  passed=$((passed + 1))
  echo "$what: $((SECONDS - start)) s"
}
reads() { build/lectern read --quiet "samples/$1" | diff "samples/$2.txt" -; }

step clone git clone --quiet "$source_folder" "$folder/lectern"
cd "$folder/lectern"
export CCACHE_BASEDIR="$PWD"  # what was compiled elsewhere is found
step build scripts/build.sh
step "a picture" reads hello.png hello
step "a PDF" reads pages.pdf pages
step install tests/install/install_test.sh "$PWD" "$PWD/build" "${CXX:-c++}"
step "inside a parent" tests/install/subproject_test.sh "$PWD" "${CXX:-c++}"
share() {
  cmake -S . -B build -DBUILD_SHARED_LIBS=ON >"$folder/log" &&
    cmake --build build --target lectern_installed >>"$folder/log" || { cat "$folder/log"; return 1; }
}
step "shared libraries" share
step "install shared" tests/install/install_test.sh "$PWD" "$PWD/build" "${CXX:-c++}"
[[ -z "$(git status --porcelain)" ]] || fail "the clone is not clean after building"
passed=$((passed + 1))
echo "$passed passed, 0 failed, 0 skipped"
