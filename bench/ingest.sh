#!/usr/bin/env bash
# NDJSON through the push door, 1,000 events a request, 16 connections, then the same events raw into the same engine: rates and their ratio.
# Usage: bench/ingest.sh [TOTAL] [keyed]     RUNS=1 CONNECTIONS=16
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl
total=${1:-10000000} keyed=(); [ "${2:-}" = keyed ] && keyed=(--keyed)
machine "$@"
pushed=() raw=() ratios=() decay=()
for run in $(seq "${RUNS:-1}"); do
  serve "$tmp/data"
  ask push --total "$total" --connections "${CONNECTIONS:-16}" "${keyed[@]}"
  rate=$(value rate); pushed+=("$rate"); decay+=("$(value ratio)")
  cost "$tmp/data"
  stop $server; rm -rf "$tmp/data"
  alone raw --dir "$tmp" --total "$total" "${keyed[@]}"
  raw+=("$(value rate)"); ratios+=("$(ratio "$rate" "$(value rate)")")
done
echo "== medians of $total events ${keyed[*]}"
echo "through the door: $(median "${pushed[@]}") events/s; last million to first: $(median "${decay[@]}")"
echo "raw: $(median "${raw[@]}") events/s; door to raw: $(median "${ratios[@]}")"
