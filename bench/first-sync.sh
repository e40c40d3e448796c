#!/usr/bin/env bash
# The first sync of an alert feed: pages of 1,000 from a mock without latency, until the last alert is stored with its country and its user.
# Usage: bench/first-sync.sh [RUNS] [ALERTS]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl jq
runs=${1:-3} alerts=${2:-100000}
machine "$@"
export ALERTS_URL=http://127.0.0.1:19001 ALERTS_USER=tocsin ALERTS_PASSWORD=tocsin
rates=()
start_mock --alerts "$alerts"
for _ in $(seq "$runs"); do
  rm -rf "$tmp/data"; mkdir -p "$tmp/data/sources"; { cat sources/alerts.yaml; echo 'identities: { get: /identities/ }'; } > "$tmp/data/sources/alerts.yaml"
  serve "$tmp/data"
  until [ "$(curl -s "$url/sources/alerts/syncs" | jq length)" != 0 ]; do sleep 0.1; done
  curl -s "$url/sources/alerts/syncs" | jq -r '.[0] | [.started_at, .finished_at, .counts.events, .counts.polls, .counts.unattributed] | @tsv' > "$tmp/run"
  read -r from to events polls nobody < "$tmp/run"
  took=$(( $(date -d "$to" +%s%3N) - $(date -d "$from" +%s%3N) ))
  with=$(curl -s "$url/stats?kind=alert&by=country" | jq '.values | length')
  rates+=($(( events * 1000 / took )))
  echo "$events alerts in $polls pages, $nobody without a user, $took ms: $(( events * 1000 / took ))/s; $with countries; $(cpu_seconds $server) s of CPU, $(resident_mb $server) MB"
  stop $server
done
echo "median $(median "${rates[@]}") alerts/s stored and enriched"
