#!/usr/bin/env bash
# Builds everything and runs every test, in the program as it ships, with sanitizers, and as a newcomer finds it in a
# clean clone of the last commit; those of threads, the engine and its workers with ThreadSanitizer too. From nothing on
# two cores under 40 minutes, of which compiling takes 15.
# The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."

logs="$PWD/build/test-logs"
rm -rf "$logs"
mkdir -p "$logs"
passed=0 failed=0 skipped=0
failing=()
jobs="$(nproc)"
[[ "$jobs" -gt 2 ]] || jobs=2
export OMP_WAIT_POLICY=passive  # tests that run at a time share the cores
export CCACHE_BASEDIR="$PWD"    # the clone finds what was compiled here
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="suppressions=$PWD/tests/threads.supp:halt_on_error=1"
export LSAN_OPTIONS="suppressions=$PWD/tests/leaks.supp:print_suppressions=0"

# The counts a stage leaves: ctest's XML, or a last line "N passed, N failed, N skipped". Where a test of ctest is a shard
# of tests, what it prints has theirs; one that died counts as a failed one.
counts_of() {
  if [[ -f "$logs/$1.xml" ]]; then
    /usr/bin/python3 -c '
import re, sys
import xml.etree.ElementTree as tree
passed = failed = skipped = 0
for test in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    printed = "".join(part.text or "" for part in test.iter("system-out"))
    told = {word: int(n) for word, n in re.findall(r"^\[  (PASSED|SKIPPED) +\] (\d+) test", printed, re.M)}
    bad = int(test.get("status") == "fail")
    passed += told.get("PASSED", 0 if bad else int(test.get("status") == "run"))
    skipped += told.get("SKIPPED", int(test.get("status") in ("notrun", "disabled")))
    failed += max(bad, len(re.findall(r"^\[  FAILED  \] .* \(\d+ ms\)$", printed, re.M)))
print(passed, failed, skipped)' "$logs/$1.xml"
  else
    tail -n 1 "$logs/$1.log" | sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p'
  fi
}

# begin NAME COMMAND...: starts a stage beside others.
declare -A running=()
begin() {
  local name="$1"
  shift
  {
    start=$SECONDS status=0
    "$@" >"$logs/$name.log" 2>&1 </dev/null || status=$?
    echo "$status $((SECONDS - start))" >"$logs/$name.status"
  } &
  running[$name]=$!
}

# finish NAME: one line of output; the log is kept for the end.
finish() {
  local name="$1" status=1 seconds=0 counts p=0 f=0 s=0
  wait "${running[$name]}" || true
  [[ ! -s "$logs/$name.status" ]] || read -r status seconds <"$logs/$name.status"
  counts="$(counts_of "$name")"
  if [[ -n "$counts" ]]; then
    read -r p f s <<<"$counts"
    [[ "$status" -eq 0 || "$f" -gt 0 ]] || f=1
  elif [[ "$status" -ne 0 ]]; then
    f=1
  elif [[ "$name" == fuzz ]]; then
    p=1
  fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  [[ "$f" -eq 0 ]] || failing+=("$name")
  printf '%-20s %-6s %4d s' "$name" "$([[ "$f" -eq 0 ]] && echo ok || echo FAILED)" "$seconds"
  [[ -z "$counts" ]] && echo || echo "   $p passed, $f failed, $s skipped"
  [[ "$f" -eq 0 ]]
}

# stage NAME COMMAND...
stage() { begin "$@" && finish "$1"; }

# build_preset NAME [OPTIONS OF CMAKE...]
build_preset() { cmake --preset "$@" && cmake --build --preset "$1" --parallel "$jobs"; }
# One more than cores at a time, since some wait: for processes, clients, files.
# run_tests BUILD_FOLDER NAME [OPTIONS OF CTEST...]
run_tests() {
  local build="$1" name="$2"
  shift 2
  ctest --test-dir "$build" --parallel $((jobs + 1)) --timeout 300 --no-tests=error --output-on-failure \
    --test-output-size-passed 100000 --output-junit "$logs/$name.xml" "$@"
}

if stage packages scripts/install_packages.sh test; then
  scripts/install_clients.sh >"$logs/install-clients.log" 2>&1 & # from the net, while the compiler works
  # From nothing, files are compiled together; a folder that is there is built as it was.
  units=()
  [[ -f build/build.ninja ]] || units=(-DLECTERN_UNITS=ON)
  if stage build build_preset release "${units[@]}"; then
    stage tests run_tests build tests --label-exclude install || true  # the clean clone installs
    begin clients scripts/test_clients.sh  # which wait for each other, while the clone links and compiles
    stage clean-clone tests/install/clean_clone_test.sh "$PWD" || true
    finish clients || true
    stage soak scripts/soak.sh --short || true
  fi
  if stage sanitized-build build_preset sanitize; then
    # Without the goldens for each operator replaced alone: here EveryStageWithEveryOperatorReplaced goes through all;
    # without the long texts that ask how time grows, and without measuring; of the pages in tiles with one of each model,
    # and of what goes the same way through several processes, cards or retries with one of each way.
    left_out=(Goldens/Without\* \*TimeInProportion\* \*/\*/{banner_gundam,noise_gundam,page_large,slip_gundam}
      Goldens/UnlimitedOcrOnDevices\*/page_gundam Tokenizer.RoundTripsAMegabyte TraceCommand.RefusesTilesThatChangeNothing
      ModelPageReader.{APageThatLoopsIsReadAgainInHalvesAndMarked,ReadsALoopingPageOnceWhereItMayNotBeReadAgain}
      \*OnTheLeastDevice/receipt_gundam DoctorCommand.{ChecksAnAscendCard,ChecksEveryCard}
      BenchCommand.WritesEveryFigureAsJson BrokenPdf.AHundredThousandPages
      ReadOnDevices.{ReadsItsSamplesOnAnAscendCard,ReadsNothingWrongWhereF16Overflows,ReadsWithAProcessForEachSocket}
      ReadOnDevices.{ReadsOnCardsThatAreTooSmallForTheModelAlone,ReadsEveryPageThoughTheProcessOfACardIsKilled})
    filter="-$(IFS=:; echo "${left_out[*]}")"
    GTEST_FILTER="$filter" stage sanitized-tests run_tests build-asan sanitized-tests || true
  fi
  if stage thread-build build_preset thread; then
    stage thread-tests run_tests build-tsan thread-tests || true
  fi
  stage fuzz scripts/fuzz.sh 20 || true
  stage check scripts/check.sh --all || true
fi

for name in "${failing[@]}"; do
  echo
  echo "== $name: the end of its log (all of it: build/test-logs/$name.log)"
  tail -n 60 "$logs/$name.log"
done
echo
echo "$passed passed, $failed failed, $skipped skipped"
[[ "$failed" -eq 0 ]]
