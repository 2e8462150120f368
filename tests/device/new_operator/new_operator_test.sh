#!/usr/bin/env bash
# Adds an operator to a copy of the sources as docs/devices.md says, in at most six files, and runs it on the CPU, as its
# own and as replaced: new_operator_test.sh SOURCE_FOLDER COMPILER [LAUNCHER]
set -euo pipefail
source_folder="$1" compiler="$2" launcher="${3:-}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
fail() { echo "new_operator_test: $*" >&2; exit 1; }

mkdir -p "$folder/src" "$folder/docs"
cp -r "$source_folder/include" "$folder/"
cp -r "$source_folder/src/core" "$source_folder/src/device" "$folder/src/"
cp "$source_folder/docs/devices.md" "$folder/docs/"
cd "$folder"

# after FILE PATTERN: the lines on standard input go behind the first line that the pattern matches.
after() {
  local file="$1" pattern="$2" line
  line="$(grep -n -m 1 -- "$pattern" "$file" | cut -d : -f 1)" || fail "$file has no line '$pattern'"
  sed -i "${line}r /dev/stdin" "$file"
}
after src/device/operators/primitives.h '^  X(sqrt, ' <<'TEXT'
  X(negate, UnaryArgs, f32)                         \
TEXT
after src/device/cpu/reference/strided_primitives.cpp '^}  // namespace$' <<'TEXT'
void negate(Device&, const UnaryArgs& args) {
  for_each_element(args, [](float x) { return -x; });
}
TEXT
after src/device/lowering/elementwise.cpp '^namespace lectern::lowering {' <<'TEXT'
void negate(Device& device, const UnaryArgs& args) {
  device.multiply({.a = args.in, .number = -1, .out = args.out});
}
TEXT
after src/device/lowering/lowerings.cpp 'LECTERN_LOWERING(softmax' <<'TEXT'
      LECTERN_LOWERING(negate, multiply),
TEXT
after src/device/cases/operator_cases.cpp 'OperatorCase{Operator::sqrt' <<'TEXT'
    OperatorCase{Operator::negate, unary<&Device::negate>},
TEXT
after docs/devices.md '^| subtract (f32)' <<'TEXT'
| negate (f32) | multiply |
TEXT

mapfile -t files < <(cd "$folder" && find src docs -type f | while read -r file; do
  cmp -s "$file" "$source_folder/$file" || echo "$file"
done)
(( ${#files[@]} <= 6 )) || fail "an operator takes ${#files[@]} files: ${files[*]}"
# The documentation names them all, or their folders.
section="$(sed -n '/^## Adding an operator/,$p' "$source_folder/docs/devices.md")"
for file in "${files[@]}"; do
  grep -qF "$(basename "$file")" <<<"$section" || grep -qF "$(dirname "${file#src/device/}")/" <<<"$section" ||
    fail "docs/devices.md does not name $file"
done

cat >main.cpp <<'TEXT'
#include <cstdio>

#include "device/cpu/cpu_device.h"
#include "device/host_values.h"
#include "device/cases/operator_cases.h"

using namespace lectern;

int check(Device& device, const char* expected) {
  const std::vector<float> values = {1, -2, 0.5f};
  const Tensor x = from_host(device, values, {3});
  device.negate({x, x});
  const bool same = floats_to_host(device, x) == std::vector<float>{-1, 2, -0.5f};
  const std::string how = device.operators().describe(Operator::negate, DataType::f32);
  std::printf("%s: %s\n", how.c_str(), same ? "right" : "wrong");
  return same && how == expected ? 0 : 1;
}

int main() {
  int failures = check(cpu_device(), "native") + check(*make_cpu_device(parse_operators("negate")), "multiply");
  if (is_called_by_model(Operator::negate) || name_of(Operator::negate) != "negate") ++failures;
  int cases = 0;
  for (const OperatorCase& one : operator_cases()) {
    if (one.which != Operator::negate) continue;
    OperatorTrial trial(cpu_device(), DataType::f32, OperatorTrial::Wants::result);
    one.run(trial);
    if (trial.result.size() == 320 * 100) ++cases;
  }
  return failures + (cases == 1 ? 0 : 1);
}
TEXT

# One instruction set is enough here. The header of version.cpp is made by CMake.
mapfile -t sources < <(find src/core src/device -name '*.cpp' -not -path '*/ascend/*' -not -name version.cpp; echo main.cpp)
read -ra flags <<<"$(pkg-config --cflags libhwy fmt spdlog 2>/dev/null || true)"
printf '%s\n' "${sources[@]}" | xargs -P 2 -I {} bash -c '
  object="$(tr / _ <<<"$1").o"; shift
  exec "$@" -o "$object"' _ {} $launcher "$compiler" -std=c++20 -O0 -fopenmp -DHWY_SHARED_DEFINE \
  -DHWY_COMPILE_ONLY_STATIC "${flags[@]}" -Iinclude -Isrc -c {} || fail "the new operator does not compile"
"$compiler" -fopenmp ./*.o -o negate -lhwy -lspdlog -lfmt -ldnnl -lpthread || fail "the new operator does not link"
./negate || fail "the new operator computes something else"
