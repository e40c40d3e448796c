#!/usr/bin/env bash
# Pages of 100 by every filter and pair of filters with many hits, few and none: in a small store and in a large one, and the ratio of their p99. Then q and data.path.
# Usage: bench/pages.sh [LARGE] [SMALL]     REQUESTS=200 FILL=push|raw (raw: straight into the engine, no countries of the door's)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl
large=${1:-10000000} small=${2:-100000}
machine "$@"
for total in "$small" "$large"; do
  echo "== $total events over 30 days"
  if [ "${FILL:-push}" = raw ]; then
    alone raw --keep "$tmp/data" --keyed --days 30 --total "$total" --every 1000000
    serve "$tmp/data"
  else
    serve "$tmp/data"
    ask push --keyed --days 30 --total "$total" --every 1000000
  fi
  settle "$tmp/data"
  compare=(); [ -f "$tmp/small.tsv" ] && compare=(--compare "$tmp/small.tsv")
  ask pages --total "$total" --requests "${REQUESTS:-200}" --out "$tmp/$([ "$total" = "$small" ] && echo small || echo large).tsv" "${compare[@]}"
  ask scans
  cost "$tmp/data"
  stop $server; rm -rf "$tmp/data"
done
