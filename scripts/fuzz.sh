#!/bin/sh
# Fuzzes the parsers of untrusted files for a fixed short time each: scripts/fuzz.sh [seconds]
# Builds in build-fuzz/ with clang, both at a time; fails when an input crashes, hangs or leaks, and says where that input is.
set -eu

seconds=${1:-20}
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build-fuzz
clang=${CLANGXX:-clang++}
mkdir -p "$build"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fuzz NAME SOURCE...: tests/fuzz/NAME_fuzz.cpp with the sources it needs, on tests/fuzz/corpus/NAME
fuzz() {
  name=$1
  shift
  (cd "$root" && "$clang" -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    -DFMT_HEADER_ONLY -Isrc -Iinclude "tests/fuzz/${name}_fuzz.cpp" "$@" -lgumbo -lfribidi -o "$build/${name}_fuzz")
  cp -r "$root/tests/fuzz/corpus/$name" "$work/$name"
  rm -f "$build/$name-found-"*
  if ! "$build/${name}_fuzz" "$work/$name" -seed=1 -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$build/$name-found-" -print_final_stats=1 > "$work/$name.log" 2>&1; then
    cat "$work/$name.log" >&2
    echo "$name: a crash was found; the input is in $build/$name-found-*" >&2
    exit 1
  fi
  echo "$name: no crash in $seconds seconds, $(sed -n 's/^stat::number_of_executed_units: //p' "$work/$name.log") runs"
}

fuzz safetensors src/checkpoint/safetensors.cpp src/core/files/json_file.cpp src/core/files/file.cpp src/core/files/mapped_file.cpp &
safetensors=$!
fuzz layout src/core/confidence.cpp src/layout/page.cpp src/layout/layout.cpp src/layout/layout_tags.cpp \
  src/layout/markup.cpp src/layout/text/html_text.cpp \
  src/layout/text/inline_text.cpp src/layout/text/text_tree.cpp src/layout/text/block_text.cpp src/layout/text/formula_text.cpp \
  src/layout/text/shown_text.cpp \
  src/layout/word_boxes.cpp src/layout/word_wrap.cpp src/layout/text/visual_order.cpp src/layout/tag_filter.cpp \
  src/image/ink_lines.cpp src/image/ink_mask.cpp src/image/rules.cpp src/output/html/block_html.cpp src/output/text/markdown_text.cpp &
layout=$!
status=0
for process in "$safetensors" "$layout"; do wait "$process" || status=1; done
exit "$status"
