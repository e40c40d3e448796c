#!/usr/bin/env bash
# A store of a million incidents of 10,000 employees: how long until ready, how much memory. Usage: bench/million.sh [RUNS]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl
"$bin/Tocsin.Benchmarks" fill "$tmp/data" 1000000 10000
ask() { curl -s -o /dev/null -w "$1: %{size_download} bytes in %{time_total} s, " "${@:2}"; echo "$(resident_mb $server) MB"; }
for _ in $(seq "${1:-3}"); do
  began=$(now_ms)
  "${tocsin[@]}" serve --data "$tmp/data" --port 19000 2>"$tmp/serve.log" & server=$!
  until curl -sf -o /dev/null http://127.0.0.1:19000/readyz; do kill -0 $server || { cat "$tmp/serve.log"; exit 1; }; sleep 0.01; done
  echo "ready after $(( $(now_ms) - began )) ms, $(resident_mb $server) MB resident"
  ask "whole board" http://127.0.0.1:19000/incidents
  ask "one employee" http://127.0.0.1:19000/incidents/4506
  ask "critical only" 'http://127.0.0.1:19000/incidents?priority=critical'
  ask "whole board, gzip" -H 'Accept-Encoding: gzip' http://127.0.0.1:19000/incidents
  stop $server
done
