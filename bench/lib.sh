# Shared by the scripts of this folder: a private folder, servers that end with the script, and waiting for them.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Where the data of a run goes, on the disk that is meant: TOCSIN_BENCH_DIR, else the folder for temporary files.
tmp=$(mktemp -d -p "${TOCSIN_BENCH_DIR:-${TMPDIR:-/tmp}}" tocsin-bench.XXXXXX)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$tmp"' EXIT
need() { local tool; for tool in "$@"; do command -v "$tool" >/dev/null || { echo "$tool is missing (Debian: apt-get install nginx-light wrk curl jq)" >&2; exit 2; }; done; }
dotnet build -c Release -v q --nologo bench/Tocsin.Benchmarks >/dev/null
bin=bench/Tocsin.Benchmarks/bin/Release/net10.0
tocsin=(dotnet "$bin/Tocsin.Server.dll")
tool="$bin/Tocsin.Benchmarks"
pin=()
TOCSIN_ADMIN_TOKEN=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
export TOCSIN_ADMIN_TOKEN
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

# serve DIR: the service with that data folder and nothing else, on a free port, in $server and $url; the command in the array pin goes before it.
serve() {
  port=$(free_port); url=http://127.0.0.1:$port
  mkdir -p "$1"
  "${pin[@]}" "${tocsin[@]}" serve --data "$1" --port "$port" 2>"$tmp/serve.log" & server=$!
  until curl -sf -o /dev/null "$url/readyz"; do kill -0 $server 2>/dev/null || { cat "$tmp/serve.log" >&2; exit 1; }; sleep 0.05; done
}
free_port() { local try; while :; do try=$((20000 + RANDOM % 10000)); (: </dev/tcp/127.0.0.1/$try) 2>/dev/null || { echo $try; return; }; done; }
# ask TOOL OPTIONS: one of the tools against that service, the command in the array generator before it; what it prints also goes to $tmp/last, for value.
ask() {
  local name=$1; shift; echo "-- $name $*"
  "${generator[@]}" "$tool" "$name" --url "$url" "$@" | tee "$tmp/last" || echo "!! NOT AS IT SHOULD BE: $name $*"
}
generator=()
# alone TOOL OPTIONS: the same without a service.
alone() { echo "-- $*"; "$tool" "$@" | tee "$tmp/last"; }
# value NAME [FILE]: a figure of the last line "result ..." that has it.
value() { sed -n "s/^result .*\\b$1=\\([-0-9.]*\\).*/\\1/p" "${2:-$tmp/last}" | tail -1; }
# median NUMBERS: the median and the spread.
median() { printf '%s\n' "$@" | sort -n | awk '{a[NR]=$1} END{printf "%s (%s..%s, %d runs)", a[int((NR+1)/2)], a[1], a[NR], NR}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN{printf "%.2f", a/b}'; }
cpu_seconds() { awk -v hz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); printf "%.1f", ($12+$13)/hz}' "/proc/$1/stat"; }
folder_mb() { du -sm "$1" | cut -f1; }
cost() { echo "the service: $(resident_mb $server) MB resident, $(awk '/VmHWM/{printf "%d", $2/1024}' /proc/$server/status) MB at most, $(cpu_seconds $server) s of CPU, $(folder_mb "$1") MB on disk"; }
# settle: until the service has nothing to do any more (what it does behind a load is not what a read is measured beside), 5 minutes at most.
settle() {
  local before after began=$SECONDS
  while [ $((SECONDS - began)) -lt 300 ]; do
    before=$(cpu_seconds $server); sleep 3; after=$(cpu_seconds $server)
    awk -v a="$before" -v b="$after" 'BEGIN{exit !(b - a < 0.2)}' && break
  done
  echo "the service has come to rest after $((SECONDS - began)) s; $(folder_mb "$1") MB on disk"
}
# machine ARGS: what was called, and where.
machine() {
  echo "\$ bench/$(basename "$0") $*"
  echo "$(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(awk '/MemTotal/{printf "%d GB", $2/1048576+0.5}' /proc/meminfo), $(df --output=fstype "$tmp" | tail -1), Linux $(uname -r), .NET SDK $(dotnet --version), load before $(cut -d' ' -f1 /proc/loadavg)"
  "$tool" disk --dir "$tmp" --count 2000 | head -1
}
