#!/usr/bin/env bash
# The main job's figures: first complete board, answers while the upstream is slow, sick or down, a thousand polls, a new record's way.
# Usage: bench/main-job.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl wrk jq
p99() { wrk -t1 -c8 -d"$1"s --latency http://127.0.0.1:19000/incidents | awk '/50%/{a=$2} /99%/{b=$2} /requests in/{n=$1} /Non-2xx/{bad=" NOT ALL 2xx"} END{print n " answers, p50 " a ", p99 " b bad}'; }

echo "== upstream with 1,500 ms a call"
start_mock --latency 1500ms
write_source 5s
began=$(now_ms); start_tocsin; listening=$(now_ms); complete
echo "first complete board $(( $(now_ms) - listening )) ms after the port listens ($(( $(now_ms) - began )) ms after the process starts)"
echo "answers while it is polled: $(p99 10)"
stop $server; rm -rf "$tmp/data"; write_source 5s
echo "== the same, asked from the first second on"
start_tocsin; echo "Tocsin-Incomplete: $(header Tocsin-Incomplete)"; sleep 1; echo "answers: $(p99 5)"; echo "Tocsin-Incomplete now: '$(header Tocsin-Incomplete)'"
echo "== faults at 30 % each, mixed"
curl -sf -o /dev/null -d '{"latency_ms":100,"faults":{"http_500":0.1,"http_429":0.1,"truncate":0.1,"malformed":0.1,"timeout":0.1,"redirect":0.1,"wrong_type":0.1}}' http://127.0.0.1:19001/config
echo "answers: $(p99 10)"
echo "== upstream down"
stop $mock; asof=$(header Tocsin-As-Of); echo "answers: $(p99 5)"; echo "Tocsin-As-Of stays: $([ "$asof" = "$(header Tocsin-As-Of)" ] && echo yes || echo no)"
stop $server; rm -rf "$tmp/data"; write_source 5s
start_tocsin; sleep 1; echo "down from the start: $(p99 5), Tocsin-Incomplete: $(header Tocsin-Incomplete)"; stop $server

echo "== a thousand polls of the same snapshot"
rm -rf "$tmp/data"; write_source 100ms; start_mock; start_tocsin; complete
before=$(header Tocsin-Sequence); first=$(curl -s http://127.0.0.1:19000/sources | jq '.[0].counts.polls')
until [ $(( $(curl -s http://127.0.0.1:19000/sources | jq '.[0].counts.polls') - first )) -ge 8000 ]; do sleep 1; done
echo "polls of each of 8 feeds: $(( ($(curl -s http://127.0.0.1:19000/sources | jq '.[0].counts.polls') - first) / 8 )); entries added: $(( $(header Tocsin-Sequence) - before ))"
echo "== a new record, polled every 100 ms (interval + 100 ms = 200 ms)"
for _ in $(seq 20); do
  old=$(header Tocsin-Sequence); began=$(now_ms); curl -sf -o /dev/null -X POST 'http://127.0.0.1:19001/add?n=1'
  until [ "$(header Tocsin-Sequence)" != "$old" ]; do :; done; echo $(( $(now_ms) - began ))
done | sort -n | awk '{a[NR]=$1} END{print "on the board after median " a[int((NR+1)/2)] " ms, worst " a[NR] " ms"}'
