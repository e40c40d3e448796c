#!/usr/bin/env bash
# The dashboard in a headless Chromium: the first page of a fresh browser, every page and filter with a million events behind it, the live table at 500 events/s and its memory.
# Usage: bench/dashboard.sh [--minutes 1] [--runs 7] [--events 1000000] [--only overview,people,a person,unresolved,alerts,events,sources,settings] [--parts cold,pages,live]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl chromium
called=("$@") minutes=1 runs=7 events=1000000 only= parts=cold,pages,live
while [ $# -gt 0 ]; do
  case $1 in
    --minutes) minutes=$2 ;; --runs) runs=$2 ;; --events) events=$2 ;; --only) only=$2 ;; --parts) parts=$2 ;;
    *) echo "$1 is not known; see the head of this script" >&2; exit 2 ;;
  esac
  shift 2
done
machine "${called[@]}"
browser=(--chromium "$(command -v chromium)")
part() { case ,$parts, in *,$1,*) ;; *) return 1 ;; esac; }
# The ready-made sources, of a mock with as much behind it as the demo's has.
mock_port=$(free_port)
export ELEVATE_URL=http://127.0.0.1:$mock_port ALERTS_URL=http://127.0.0.1:$mock_port ALERTS_USER=tocsin ALERTS_PASSWORD=tocsin
"${tocsin[@]}" mock --port "$mock_port" 2>"$tmp/mock.log" & mock=$!
until curl -sf -o /dev/null "$ELEVATE_URL/ledger"; do kill -0 $mock || { cat "$tmp/mock.log" >&2; exit 1; }; sleep 0.05; done
sources() { mkdir -p "$1/sources"; cp sources/elevate.yaml sources/alerts.yaml "$1/sources/"; }
if part cold; then
  echo "== a fresh browser at a store of the demo's size, load $(cut -d' ' -f1-3 /proc/loadavg)"
  sources "$tmp/small"; serve "$tmp/small"
  until [ -n "$(curl -s -o /dev/null -D - "$url/incidents" | grep -i '^tocsin-as-of')" ]; do sleep 0.2; done
  settle "$tmp/small"
  ask dashboard-cold --runs "$((runs * 2))" "${browser[@]}"
  stop $server
fi
if part pages || part live; then
  sources "$tmp/large"
  alone spread --dir "$tmp/large" --total "$events"
  serve "$tmp/large"; settle "$tmp/large"
fi
if part pages; then
  echo "== $events events behind it, load $(cut -d' ' -f1-3 /proc/loadavg)"
  ask dashboard-pages --runs "$runs" ${only:+--only "$only"} "${browser[@]}"
  cost "$tmp/large"
fi
if part live; then
  echo "== live, load $(cut -d' ' -f1-3 /proc/loadavg)"
  ask dashboard-live --rate 500 --minutes "$minutes" "${browser[@]}"
  cost "$tmp/large"
fi
echo "load after $(cut -d' ' -f1-3 /proc/loadavg)"
