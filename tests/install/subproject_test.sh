#!/usr/bin/env bash
# Lectern inside of another project: subproject_test.sh SOURCE_FOLDER COMPILER
# Nothing of it is forced on the parent: no option, warning, type of build, launcher or folder.
set -euo pipefail
source_folder="$1" compiler="$2"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

fail() { echo "subproject_test: $*" >&2; exit 1; }

cat >"$folder/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(parent LANGUAGES C CXX)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
add_subdirectory($source_folder lectern)
add_library(parent_objects OBJECT parent.cpp)  # at the parent's own standard
add_executable(parent main.cpp)
target_link_libraries(parent PRIVATE lectern::engine)
get_target_property(runtime parent RUNTIME_OUTPUT_DIRECTORY)
message(STATUS "runtime folder: \${runtime}; type: '\${CMAKE_BUILD_TYPE}'; launcher: '\${CMAKE_CXX_COMPILER_LAUNCHER}'")
END
echo 'int unused_argument(int argument) { return 0; }' >"$folder/parent.cpp"  # a warning of -Wextra
cat >"$folder/main.cpp" <<'END'
#include <lectern/reader.h>
#include <lectern/version.h>
int main() { return lectern::version() == LECTERN_VERSION ? 0 : 1; }
END

for type in "" Debug; do
  build="$folder/build$type"
  cmake -S "$folder" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" ${type:+-DCMAKE_BUILD_TYPE=$type} \
    >"$folder/log" 2>&1 || { cat "$folder/log"; fail "cannot be configured"; }
  grep -qF "runtime folder: runtime-NOTFOUND; type: '$type'; launcher: ''" "$folder/log" ||
    { grep "runtime folder" "$folder/log"; fail "changes the parent"; }
  ! grep -q '^BUILD_SHARED_LIBS' "$build/CMakeCache.txt" || fail "decides for the parent whether libraries are shared"
  for option in CLI TESTS INSTALL WERROR UNITS; do
    grep -q "^LECTERN_$option:BOOL=OFF$" "$build/CMakeCache.txt" || fail "LECTERN_$option is not off in a parent"
  done
  cmake --build "$build" --target parent_objects >"$folder/log" 2>&1 || { cat "$folder/log"; fail "a parent's file"; }
  ! grep -q warning: "$folder/log" || fail "the parent gets warnings that it did not ask for"
  /usr/bin/python3 - "$build/compile_commands.json" <<'END' || fail "compiles what a shared library cannot hold"
import json, sys
of_engine = [c["command"] for c in json.load(open(sys.argv[1])) if "lectern_engine_objects" in c["command"]]
sys.exit(not of_engine or any("-fPIC" not in command for command in of_engine))
END
  cmake --build "$build" --target CMakeFiles/parent.dir/main.cpp.o >"$folder/log" 2>&1 ||
    { cat "$folder/log"; fail "the headers cannot be used"; }
done
cmake --install "$folder/build" --prefix "$folder/prefix" >"$folder/log" 2>&1 || { cat "$folder/log"; fail "install"; }
[[ ! -e "$folder/prefix" ]] || fail "is installed with the parent: $(find "$folder/prefix" -type f | head -n 3)"
