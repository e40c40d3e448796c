#!/usr/bin/env bash
# One event a request: at 256 connections, and on one beside what the disk alone takes. Usage: bench/single.sh     RUNS=3 SECONDS_EACH=10
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl
machine "$@"
rates=() tails=() ones=() above=()
for run in $(seq "${RUNS:-3}"); do
  serve "$tmp/data"
  ask single --connections 256 --seconds "${SECONDS_EACH:-10}"
  rates+=("$(value rate)"); tails+=("$(value p99_ms)")
  ask single --connections 1 --seconds "${SECONDS_EACH:-10}" --disk "$tmp"
  ones+=("$(value p50_ms)"); above+=("$(sed -n 's/.*p50 is \([-0-9.]*\) ms above the lower.*/\1/p' "$tmp/last")")
  cost "$tmp/data"
  stop $server; rm -rf "$tmp/data"
done
echo "== medians"
echo "256 connections: $(median "${rates[@]}") events/s, p99 $(median "${tails[@]}") ms"
echo "one connection: p50 $(median "${ones[@]}") ms, above the disk's sync $(median "${above[@]}") ms"
