#!/usr/bin/env bash
# A store of a million incidents of 10,000 employees: how long until ready, how much memory. Usage: bench/million.sh [RUNS]
set -euo pipefail
cd "$(dirname "$0")/.."
tmp=$(mktemp -d); trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$tmp"' EXIT
dotnet build -c Release -v q --nologo bench/Tocsin.Benchmarks >/dev/null
bench/Tocsin.Benchmarks/bin/Release/net10.0/Tocsin.Benchmarks fill "$tmp/data" 1000000 10000
export TOCSIN__AUTH__ANONYMOUS_READ=true
rss() { awk '/VmRSS/{printf "%d MB", $2/1024}' "/proc/$1/status"; }
for _ in $(seq "${1:-3}"); do
  start=$(date +%s%N)
  dotnet bench/Tocsin.Benchmarks/bin/Release/net10.0/Tocsin.Server.dll serve --data "$tmp/data" --port 19000 2>"$tmp/log" & pid=$!
  until curl -sf http://127.0.0.1:19000/readyz >/dev/null; do kill -0 $pid || { cat "$tmp/log"; exit 1; }; sleep 0.01; done
  echo "ready after $(( ($(date +%s%N) - start) / 1000000 )) ms, $(rss $pid) resident"
  curl -s -o /dev/null -w 'whole board: %{size_download} bytes in %{time_total} s, ' http://127.0.0.1:19000/incidents; rss $pid; echo
  curl -s -o /dev/null -w 'one employee: %{size_download} bytes in %{time_total} s, ' http://127.0.0.1:19000/incidents/4506; rss $pid; echo
  curl -s -o /dev/null -w 'critical only: %{size_download} bytes in %{time_total} s, ' 'http://127.0.0.1:19000/incidents?priority=critical'; rss $pid; echo
  curl -s -o /dev/null -w 'whole board, gzip: %{size_download} bytes in %{time_total} s, ' -H 'Accept-Encoding: gzip' http://127.0.0.1:19000/incidents; rss $pid; echo
  kill -TERM $pid; wait $pid || true
done
