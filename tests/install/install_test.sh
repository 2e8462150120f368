#!/usr/bin/env bash
# Installs what was built, archives or shared libraries, and uses it as a stranger would:
# install_test.sh SOURCE_FOLDER BUILD_FOLDER COMPILER
set -euo pipefail
source_folder="$1" build_folder="$2" compiler="$3"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
prefix="$folder/prefix"
unset LECTERN_MODEL LECTERN_PDF
export XDG_CACHE_HOME="$folder/cache"

fail() { echo "install_test: $*" >&2; exit 1; }

# same NAME WHAT COMMAND...: the command writes what is in samples/NAME.txt
same() {
  local name="$1" what="$2"
  shift 2
  "$@" >"$folder/text" || fail "$what: ends with an error"
  diff "$source_folder/samples/$name.txt" "$folder/text" || fail "$what: reads something else"
}

# needs FILE PATTERN: whether the file is linked to a library of that name; what other libraries need does not count.
needs() { objdump -p "$1" | grep -qE "NEEDED +lib($2)[.-]"; }

setting() { sed -n "s/^$1:[A-Z]*=//p" "$build_folder/CMakeCache.txt"; }

cmake --install "$build_folder" --prefix "$prefix" >"$folder/log" || { cat "$folder/log"; fail "cannot be installed"; }
config="$(find "$prefix" -name lecternConfig.cmake)"
libraries="$(dirname "$(dirname "$(dirname "$config")")")"
for file in bin/lectern include/lectern/reader.h include/lectern/version.h share/lectern/models/primer/config.json share/lectern/models/primer-large/config.json \
            share/lectern/samples/hello.png share/man/man1/lectern.1 share/bash-completion/completions/lectern \
            share/zsh/site-functions/_lectern; do
  [[ -s "$prefix/$file" ]] || fail "$file is not installed"
done
mkdir "$folder/moved"
mv "$prefix" "$folder/moved/prefix"  # nothing may depend on where it was put first
libraries="$folder/moved/prefix/${libraries#"$prefix/"}"
prefix="$folder/moved/prefix"
shared=false
[[ -z "$(find "$libraries" -name 'liblectern.so')" ]] || shared=true

# Each component brings its own alone.
component() {
  cmake --install "$build_folder" --prefix "$folder/$1" --component "$1" >"$folder/log" || { cat "$folder/log"; fail "component $1"; }
  (cd "$folder/$1" 2>/dev/null && find . -type f | sort) || true
}
for name in program library development; do component "$name" >"$folder/files-$name"; done
! grep -qE '/include/|\.a$|\.so|\.cmake$|\.pc$' "$folder/files-program" || fail "component program holds the library"
! grep -qE '/bin/|/models/|/share/(man|doc)' "$folder/files-development" || fail "component development holds programs"
[[ -z "$(grep -vE '\.so\.' "$folder/files-library")" ]] || fail "component library holds more than shared libraries"
! $shared || [[ -s "$folder/files-library" ]] || fail "component library is empty"
(cd "$prefix" && find . -type f | sort) | diff <(sort "$folder"/files-*) - || fail "the components are not the whole"

# What README.md names is installed beside it.
readme="$(find "$prefix/share" -name README.md -path '*doc*')"
[[ -n "$readme" ]] || fail "README.md is not installed"
for named in $(grep -oE '(docs|examples)/[a-z_/]+(\.md)?' "$readme" | sort -u); do
  [[ -e "$(dirname "$readme")/$named" ]] || fail "README.md names $named, which is not installed"
done

# A shared library shows what the headers declare, and of its inside nothing.
if $shared; then
  for file in "$libraries"/liblectern*.so; do
    shown="$(nm --dynamic --defined-only --demangle "$file" | grep -E ' lectern::' || true)"
    grep -q ' lectern::Reader::read(' <<<"$shown" || fail "$file does not show lectern::Reader"
    own='s/^[0-9a-f]+ [A-Za-z] ((vtable|typeinfo|typeinfo name) for )?lectern::([A-Za-z_]+).*/\3/p'
    for name in $(sed -nE "$own" <<<"$shown" | sort -u); do
      grep -qw "$name" "$prefix"/include/lectern/*.h || fail "$file shows $name, which no header declares"
    done
  done
fi

for file in "$prefix"/bin/* "$libraries"/liblectern*; do
  if [[ "$(setting CMAKE_BUILD_TYPE)" == Release ]] && grep -qF "$source_folder/" "$file"; then
    fail "$file bears the path of the source tree"
  fi
  if [[ -z "$(setting LECTERN_DEVICES)" ]] && grep -q aclnn "$file"; then
    fail "$file holds the device for Ascend, whose toolkit is not there"
  fi
done

cd "$folder"
model="$prefix/share/lectern/models/primer" samples="$prefix/share/lectern/samples"
program="$prefix/bin/lectern"
same hello "the program" "$program" read --quiet "$samples/hello.png"
[[ ! -x "$prefix/bin/lectern-pdf" ]] || same pages "the program" "$program" read --quiet "$samples/pages.pdf"
[[ "$("$program" models --json)" == *"\"$model\""* ]] || fail "the installed model is not the one that is used"
env -u HOME -u XDG_CACHE_HOME "$program" models >models 2>&1 || { cat models; fail "models are not listed without HOME"; }

# check_example NAME: the program ./NAME/NAME reads what it should and is linked to nothing that it does not need.
check_example() {
  local name="$1" how="$2"
  if [[ "$name" == read_page ]]; then
    same hello "$name built with $how" "./$name/$name" "$model" "$samples/hello.png"
    ! needs "$name/$name" "curl|ssl|crypto|qpdf" || fail "$name built with $how links TLS or a PDF writer"
    ! needs "$name/$name" lectern || ! needs "$libraries"/liblectern-engine.so "curl|ssl|crypto|qpdf" ||
      fail "liblectern-engine links TLS or a PDF writer"
  else
    PATH="$prefix/bin:$PATH" same pages "$name built with $how" "./$name/$name" "$model" "$samples/pages.pdf"
  fi
}

# Archives: programs that are linked to them hold everything. Shared: where they are is told by the run path.
flags_of() {
  export PKG_CONFIG_PATH="$libraries/pkgconfig"
  pkg-config --cflags --libs "$1"
  ! $shared || echo "-Wl,-rpath,$libraries"
}
for example in read_page:lectern-engine read_documents:lectern; do
  name="${example%:*}" package="${example#*:}"
  cmake -S "$source_folder/examples/$name" -B "$name" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$compiler" \
    >log 2>&1 && cmake --build "$name" >>log 2>&1 || { cat log; fail "$name cannot be built with CMake"; }
  check_example "$name" CMake
  read -ra flags <<<"$(flags_of "$package" | tr '\n' ' ')"
  "$compiler" -std=c++20 "$source_folder/examples/$name/$name.cpp" -o "$name/$name" "${flags[@]}" >log 2>&1 ||
    { cat log; fail "$name cannot be built with pkg-config"; }
  check_example "$name" pkg-config
done

# The programs of docs/library.md: each begins with a comment that names it.
awk '/^```cpp$/ { inside = 1; next } /^```$/ { inside = 0; next }
     inside && /^\/\/ [a-z]+\.cpp:/ { file = $2; sub(":", "", file) } inside { print > file }' "$source_folder/docs/library.md"
read -ra flags <<<"$(flags_of lectern | tr '\n' ' ')"
for program in picture stream threads pdf job; do
  [[ -s "$program.cpp" ]] || fail "docs/library.md has no program $program.cpp"
  "$compiler" -std=c++20 -Wall -Wextra -Werror "$program.cpp" -o "$program" "${flags[@]}" >log 2>&1 ||
    { cat log; fail "$program of docs/library.md cannot be built"; }
done
"$compiler" -std=c++20 -Wall -Wextra -Werror "$source_folder/tests/install/stranger.cpp" -o stranger "${flags[@]}" >log 2>&1 ||
  { cat log; fail "stranger cannot be built"; }
same hello "stranger" ./stranger "$model" "$samples/hello.png"
[[ "$(ls ./*.cpp | wc -l)" == 5 ]] || fail "docs/library.md has a program that is not run here"
same hello "picture of docs/library.md" ./picture "$model" "$samples/hello.png"
same hello "stream of docs/library.md" ./stream "$model" "$samples/hello.png"
cat "$samples/hello.txt" "$samples/sign.txt" >expected
./threads "$model" "$samples/hello.png" "$samples/sign.png" >text || fail "threads of docs/library.md: ends with an error"
diff expected text || fail "threads of docs/library.md: reads something else"
! ./picture "$model" nothing.png 2>log || fail "picture of docs/library.md: reads a file that is not there"
grep -q "nothing.png: " log || fail "picture of docs/library.md: does not name the file that is not there"
if [[ -x "$prefix/bin/lectern-pdf" ]]; then
  PATH="$prefix/bin:$PATH" same pages "pdf of docs/library.md" ./pdf "$model" <"$samples/pages.pdf"
fi
./job "$model" "$samples/hello.png" texts >text || fail "job of docs/library.md: ends with an error"
[[ -s texts/hello.md && -s texts/hello.json ]] || fail "job of docs/library.md: writes no files"
