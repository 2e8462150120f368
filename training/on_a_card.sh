#!/usr/bin/env bash
# Trains on a machine with a GPU, PyTorch and no network, in one run of under ten minutes.
#   on_a_card.sh --out DIR [--pack FILE] [--seconds N] [--preset NAME] [--init MODEL_FOLDER] [options of train.py]
#
# DIR gets the best weights (a model folder, in parts below 16 MB), the heads of training (heads.pt), log.txt and table.md.
# Weights are written every 90 seconds, so that a killed run leaves some. FILE is what pack.sh makes (default: pack.tar.xz
# beside this script). --init is the model to begin with: another run's DIR, or models/primer of the repository, the
# default. --preset is nano (default), or small, which grows from nano or goes on from models/primer-large.
set -euo pipefail
began=$(date +%s)
out="" pack="$(dirname "$0")/pack.tar.xz" seconds=540 init="$(dirname "$0")/../models/primer" preset=nano
more=()
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$2; shift 2 ;;
    --pack) pack=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --init) init=$2; shift 2 ;;
    --preset) preset=$2; shift 2 ;;
    *) more+=("$1"); shift ;;
  esac
done
[ -n "$out" ] || { echo "on_a_card: --out DIR is missing" >&2; exit 2; }
[ -e "$init/config.json" ] || { echo "on_a_card: $init is no model's folder; name one by --init" >&2; exit 2; }
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -xJf "$pack" -C "$work"
cores=$(nproc) # before OMP_NUM_THREADS is set, which nproc takes for its answer
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
# The last weights are evaluated twice and written after training has ended. A model of many layers takes longer to compile
# than that saves in so short a run.
batch=512 compile=--compile count=256 reserve=36
[ "$preset" = nano ] || { batch=128 compile="" count=80 reserve=66; }
[ "$seconds" -gt 200 ] || { count=$((count / 4)) reserve=$((reserve / 2)); }
train() {
  python3 "$work/train.py" --pack "$work" --out "$out" --state "$work/state.pt" --init "$init" \
    --preset "$preset" --minutes 100 --until $((began + seconds - reserve)) --every 1.5 --count "$count" --strips 0 --again 256 \
    --workers $((cores > 3 ? cores - 2 : 1)) "$@" "${more[@]}" 2>&1 | tee -a "$out/log.txt"
}
train --batch "$batch" $compile && exit 0
if [ $(($(date +%s) - began)) -lt $((seconds / 2)) ]; then
  echo "on_a_card: it failed; again, in the plainest way" | tee -a "$out/log.txt"
  train --batch $((batch / 4))
else
  exit 1
fi
