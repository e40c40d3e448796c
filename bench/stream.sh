#!/usr/bin/env bash
# The live tail: one reader, then 1,000 readers with the service on one core and the generator on another. Usage: bench/stream.sh     RUNS=3 SECONDS_EACH=10 READERS=1000
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl taskset
ulimit -n "$(ulimit -H -n)"
machine "$@"
one=() many=()
for run in $(seq "${RUNS:-3}"); do
  pin=() generator=()
  serve "$tmp/data"
  ask stream --readers 1 --rate 1000 --seconds "${SECONDS_EACH:-10}"
  one+=("$(value commit_p99_ms)")
  stop $server; rm -rf "$tmp/data"
  pin=(taskset -c 0); [ "$(nproc)" -gt 1 ] && generator=(taskset -c 1)
  serve "$tmp/data"
  ask stream --readers "${READERS:-1000}" --rate 500 --connections 32 --seconds "${SECONDS_EACH:-10}"
  many+=("$(value post_p99_ms)")
  cost "$tmp/data"
  stop $server; rm -rf "$tmp/data"
done
echo "== medians"
echo "one reader, commit to receipt: p99 $(median "${one[@]}") ms"
echo "${READERS:-1000} readers at 500 events/s, the service on one core, POST to receipt: p99 $(median "${many[@]}") ms"
