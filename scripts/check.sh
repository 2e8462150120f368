#!/usr/bin/env bash
# Checks the sources without running them: format, layers, clang-tidy, scripts. clang-tidy looks at the files
# changed since the branch left main, with --all at every file, and never again at what was clean (scripts/tidy.py).
# The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."

all=false
case "${1:-}" in
  "") ;;
  --all) all=true ;;
  *) echo "usage: scripts/check.sh [--all]" >&2; exit 2 ;;
esac
passed=0 failed=0 skipped=0
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

folders=()
for folder in include src tests bench examples; do [[ ! -d "$folder" ]] || folders+=("$folder"); done

formatted() {
  find "${folders[@]}" \( -name '*.h' -o -name '*.cpp' \) -print0 | xargs -0 -r clang-format --dry-run -Werror
}

layers() { /usr/bin/python3 -B scripts/check_layers.py --self-test && /usr/bin/python3 -B scripts/check_layers.py; }

shell_scripts() {
  local file status=0
  for file in scripts/*.sh tests/*/*.sh .ci/run; do bash -n "$file" || status=1; done
  return "$status"
}

python_scripts() {
  find scripts training "${folders[@]}" -name '*.py' -print0 | xargs -0 -r /usr/bin/python3 -c '
import sys
status = 0
for name in sys.argv[1:]:
    try:
        compile(open(name, encoding="utf-8").read(), name, "exec")
    except SyntaxError as error:
        print(f"{name}:{error.lineno}: {error.msg}")
        status = 1
sys.exit(status)'
}

# The .cpp files to look at; a changed header stands for the .cpp of its name.
tidy_files() {
  local base
  if ! $all && base="$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse --verify -q HEAD)"; then
    { git diff --name-only "$base" -- src; git ls-files --others --exclude-standard -- src; } |
      sed -nE 's/\.(h|cpp)$/.cpp/p' | sort -u | while read -r file; do [[ ! -f "$file" ]] || echo "$file"; done
  else
    find src -name '*.cpp' | sort
  fi
}

# Files one by one, whatever build/ compiles together.
commands() { cmake --preset release -B build/tidy -DLECTERN_UNITS=OFF; }

tidy() {
  commands || return 1
  /usr/bin/python3 -B scripts/tidy.py --self-test || return 1
  tidy_files | tr '\n' '\0' | xargs -0 -r /usr/bin/python3 -B scripts/tidy.py --jobs "$(nproc)"
}

# check NAME COMMAND...
check() {
  local name="$1" start=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    printf '%-12s ok     %4d s\n' "$name" $((SECONDS - start))
  else
    failed=$((failed + 1))
    printf '%-12s FAILED %4d s\n' "$name" $((SECONDS - start))
    grep -vE '^[0-9]+ warnings? (treated as errors?|generated)' "$log" | tail -n 50 || true
  fi
}

check format formatted
check layers layers
check shell shell_scripts
check python python_scripts
check clang-tidy tidy
echo "$passed passed, $failed failed, $skipped skipped"
[[ "$failed" -eq 0 ]]
