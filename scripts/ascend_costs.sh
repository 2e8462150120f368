#!/usr/bin/env bash
# What reading a page asks of an Ascend card and its host: launches, calls, copies, waits and the time predicted for
# them, stage by stage, at the sizes of the published model. No card is needed, nor a model: only shapes count.
#   scripts/ascend_costs.sh [--json] [--calls] [--profile 8.1.RC1|8.3.RC1|8.5.0] [--type bf16|f16] [--no-graphs]
#                           [--tensor-parallel N | --ranks]
# --calls lists them by operator. --tensor-parallel: of one model over N cards, on the slowest of them. --ranks: the
# table of docs/parallel.md. BUILD_DIR (build) is where the program is built, or is already.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${BUILD_DIR:-build}
program=$build/ascend_costs
if [[ ! -x $program ]]; then
  scripts/install_packages.sh test >&2
  [[ -e $build/CMakeCache.txt ]] || cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >&2
  cmake -B "$build" -DLECTERN_TESTS=ON >&2
  cmake --build "$build" --target ascend_costs --parallel >&2
fi
folder=$(mktemp -d "$build/ascend_costs.XXXXXX")
trap 'rm -rf "$folder"' EXIT
"$program" "$folder" "$@"
