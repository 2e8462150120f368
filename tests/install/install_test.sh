#!/usr/bin/env bash
# Installs what was built and uses it as a stranger would: install_test.sh SOURCE_FOLDER BUILD_FOLDER COMPILER
set -euo pipefail
source_folder="$1" build_folder="$2" compiler="$3"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
prefix="$folder/prefix"
unset LECTERN_MODEL
export XDG_CACHE_HOME="$folder/cache"

fail() { echo "install_test: $*" >&2; exit 1; }

# same WHAT COMMAND...: the command writes what is in samples/hello.txt
same() {
  local what="$1"
  shift
  "$@" >"$folder/text" || fail "$what: ends with an error"
  diff "$source_folder/samples/hello.txt" "$folder/text" || fail "$what: reads something else"
}

cmake --install "$build_folder" --prefix "$prefix" >"$folder/log" || { cat "$folder/log"; fail "cannot be installed"; }
libraries="$(dirname "$(find "$prefix" -name liblectern.a)")"
for file in bin/lectern include/lectern/reader.h share/lectern/models/primer/config.json \
            share/lectern/samples/hello.png share/man/man1/lectern.1 share/bash-completion/completions/lectern \
            share/zsh/site-functions/_lectern; do
  [[ -s "$prefix/$file" ]] || fail "$file is not installed"
done
mkdir "$folder/moved"
mv "$prefix" "$folder/moved/prefix"  # nothing may depend on where it was put first
libraries="$folder/moved/prefix/${libraries#"$prefix/"}"
prefix="$folder/moved/prefix"

cd "$folder"
model="$prefix/share/lectern/models/primer" picture="$prefix/share/lectern/samples/hello.png"
same "the program" "$prefix/bin/lectern" read --quiet "$picture"
[[ "$("$prefix/bin/lectern" models --json)" == *"\"$model\""* ]] || fail "the installed model is not the one that is used"

cmake -S "$source_folder/examples/read_page" -B example -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$compiler" \
  >log 2>&1 && cmake --build example >>log 2>&1 || { cat log; fail "the example cannot be built with CMake"; }
same "the example built with CMake" example/read_page "$model" "$picture"

export PKG_CONFIG_PATH="$libraries/pkgconfig"
read -ra flags <<<"$(pkg-config --cflags --libs lectern)"
"$compiler" -std=c++20 "$source_folder/examples/read_page/read_page.cpp" -o read_page "${flags[@]}" >log 2>&1 ||
  { cat log; fail "the example cannot be built with pkg-config"; }
same "the example built with pkg-config" ./read_page "$model" "$picture"
