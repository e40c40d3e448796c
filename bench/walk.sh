#!/usr/bin/env bash
# Every event of a store, page by page in both orders, while 1,000/s are written: each earlier event exactly once. Usage: bench/walk.sh [TOTAL]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl
total=${1:-1000000}
machine "$@"
serve "$tmp/data"
ask push --keyed --total "$total" --every 1000000
ask walk --total "$total" --rate "${RATE:-1000}"
cost "$tmp/data"
stop $server
