# Shared by the scripts of this folder: a private folder, servers that end with the script, and waiting for them.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tmp=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$tmp"' EXIT
need() { for tool in "$@"; do command -v "$tool" >/dev/null || { echo "$tool is missing (Debian: apt-get install nginx-light wrk curl jq)" >&2; exit 2; }; done; }
dotnet build -c Release -v q --nologo bench/Tocsin.Benchmarks >/dev/null
bin=bench/Tocsin.Benchmarks/bin/Release/net10.0
tocsin=(dotnet "$bin/Tocsin.Server.dll")
export ELEVATE_URL=http://127.0.0.1:19001 ELEVATE_USER=tocsin ELEVATE_PASSWORD=tocsin TOCSIN__AUTH__ANONYMOUS_READ=true

# write_source EVERY: the ready-made source, polled so often
write_source() { mkdir -p "$tmp/data/sources"; sed "s/^every: 30s.*/every: $1/" sources/elevate.yaml > "$tmp/data/sources/elevate.yaml"; }
start_mock() { "${tocsin[@]}" mock --port 19001 "$@" 2>"$tmp/mock.log" & mock=$!; until curl -sf -o /dev/null http://127.0.0.1:19001/ledger; do kill -0 $mock || { cat "$tmp/mock.log"; exit 1; }; sleep 0.05; done; }
start_tocsin() { "${tocsin[@]}" serve --data "$tmp/data" --port 19000 2>"$tmp/serve.log" & server=$!; until curl -sf -o /dev/null http://127.0.0.1:19000/livez; do kill -0 $server || { cat "$tmp/serve.log"; exit 1; }; sleep 0.01; done; }
stop() { kill -TERM "$1"; wait "$1" 2>/dev/null || true; }
now_ms() { echo $(( $(date +%s%N) / 1000000 )); }
header() { curl -s -o /dev/null -D - http://127.0.0.1:19000/incidents | tr -d '\r' | awk -F': ' -v name="$1" 'tolower($1)==tolower(name){print $2}'; }
complete() { until [ -n "$(header Tocsin-As-Of)" ]; do sleep 0.02; done; }
resident_mb() { awk '/VmRSS/{printf "%d", $2/1024}' "/proc/$1/status"; }
