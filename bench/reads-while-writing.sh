#!/usr/bin/env bash
# Pages while NDJSON is pushed at full speed; then what that ingest loses while q and data.path searches run one after the other.
# Usage: bench/reads-while-writing.sh [FILLED] [STRETCH]     RUNS=3 SECONDS_EACH=60
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl
filled=${1:-2000000} stretch=${2:-1000000}
machine "$@"
serve "$tmp/data"
ask push --keyed --days 30 --total "$filled" --every 1000000
echo "== pages while written at full speed"
"$tool" push --url "$url" --total 1000000000 > "$tmp/writing" & writing=$!
sleep 2
ask pages --total "$filled" --requests 50 --seconds "${SECONDS_EACH:-60}"
kill $writing; wait $writing 2>/dev/null || true
echo "written meanwhile:"; cat "$tmp/writing"
settle "$tmp/data"
echo "== ingest alone and beside searches, in turn"
alone=() beside=()
for run in $(seq "${RUNS:-3}"); do
  ask push --total "$stretch" --every 1000000; alone+=("$(value rate)")
  "$tool" scans --url "$url" --requests 1 --seconds 100000 > "$tmp/scans" & scans=$!
  ask push --total "$stretch" --every 1000000; beside+=("$(value rate)")
  kill $scans; wait $scans 2>/dev/null || true
  echo "searches meanwhile:"; tail -7 "$tmp/scans"
done
cost "$tmp/data"
stop $server
echo "== medians"
echo "alone $(median "${alone[@]}") events/s, beside searches $(median "${beside[@]}") events/s"
