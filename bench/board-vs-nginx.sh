#!/usr/bin/env bash
# GET /incidents against nginx serving the same bytes as a file, plain and gzip: alternating runs in one go, ratios of medians.
# Needs nginx and wrk (Debian: apt-get install nginx-light wrk). Usage: bench/board-vs-nginx.sh capture DIR | bench/board-vs-nginx.sh PER_TYPE
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-5} seconds=${SECONDS_EACH:-4} connections=${CONNECTIONS:-64} workers=${NGINX_WORKERS:-2} threads=${WRK_THREADS:-2}
tmp=$(mktemp -d); trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$tmp"' EXIT
for tool in nginx wrk curl; do command -v $tool >/dev/null || { echo "$tool is missing" >&2; exit 2; }; done
dotnet build -c Release -v q --nologo src/Tocsin.Server >/dev/null
tocsin="dotnet src/Tocsin.Server/bin/Release/net10.0/Tocsin.Server.dll"
if [ "${1:-}" = capture ]; then mock_args=(--replay "$2"); else mock_args=(--per-type "${1:-1000}" --employees 5000); fi
mkdir -p "$tmp/data/sources"
$tocsin mock --port 19001 "${mock_args[@]}" 2>"$tmp/mock.log" &
sed -e 's|"${env:ELEVATE_URL}"|http://127.0.0.1:19001|' sources/elevate.yaml > "$tmp/data/sources/elevate.yaml"
echo "every: 1h" >> "$tmp/data/sources/elevate.yaml"
sed -i '0,/^every:.*$/{/^every:/d}' "$tmp/data/sources/elevate.yaml"
export ELEVATE_USER=tocsin ELEVATE_PASSWORD=tocsin TOCSIN__AUTH__ANONYMOUS_READ=true
for _ in $(seq 100); do curl -sf http://127.0.0.1:19001/ledger >/dev/null && break; sleep 0.1; done
$tocsin serve --data "$tmp/data" --port 19000 2>"$tmp/serve.log" &
for _ in $(seq 300); do curl -sf -D "$tmp/head" -o "$tmp/board.json" http://127.0.0.1:19000/incidents && ! grep -qi tocsin-incomplete "$tmp/head" && break; sleep 0.1; done
grep -qi tocsin-incomplete "$tmp/head" && { cat "$tmp/serve.log"; exit 1; }
mkdir -p "$tmp/www"; cp "$tmp/board.json" "$tmp/www/incidents"
curl -sf -H 'Accept-Encoding: gzip' -o "$tmp/www/incidents.gz" http://127.0.0.1:19000/incidents
gzip -dc "$tmp/www/incidents.gz" | cmp - "$tmp/www/incidents"
cat > "$tmp/nginx.conf" <<N
worker_processes $workers; daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.err;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; gzip_static on; default_type application/json; keepalive_requests 1000000000; open_file_cache max=10;
  client_body_temp_path $tmp; proxy_temp_path $tmp; fastcgi_temp_path $tmp; uwsgi_temp_path $tmp; scgi_temp_path $tmp;
  server { listen 127.0.0.1:19002; root $tmp/www; } }
N
nginx -c "$tmp/nginx.conf" -e "$tmp/nginx.err" & sleep 1
echo "body $(stat -c %s "$tmp/www/incidents") bytes, gzip $(stat -c %s "$tmp/www/incidents.gz"); nginx workers $workers, wrk $threads threads $connections connections, $runs runs of ${seconds}s each, $(nproc) cores"
run() { wrk -t"$threads" -c"$connections" -d"${seconds}s" --latency ${3:+-H "$3"} "http://127.0.0.1:$1/incidents" |
  awk -v who="$2" '/Requests\/sec/{r=$2} /99%/{p=$2} /Non-2xx/{bad=1} END{ if(bad) who=who"-ERRORS"; v=p; u=1; if(v~/us$/)u=.001; else if(v!~/ms$/)u=1000; sub(/[a-z]+$/,"",v); print who, r, v*u}'; }
for form in plain gzip; do
  header=""; [ $form = gzip ] && header="Accept-Encoding: gzip"
  run 19000 warm "$header" >/dev/null; run 19002 warm "$header" >/dev/null
  for _ in $(seq "$runs"); do run 19000 tocsin "$header"; run 19002 nginx "$header"; done | tee "$tmp/$form.txt" >/dev/null
  awk -v form=$form '{n[$1]++; r[$1,n[$1]]=$2; p[$1,n[$1]]=$3} function med(a,w,k, i,j,t,x){for(i=1;i<=k;i++)x[i]=a[w,i];for(i=1;i<=k;i++)for(j=i+1;j<=k;j++)if(x[j]<x[i]){t=x[i];x[i]=x[j];x[j]=t}; lo=x[1];hi=x[k]; return x[int((k+1)/2)]}
    END{for(w in n){m=med(r,w,n[w]); printf "%-6s %-7s req/s median %.0f (%.0f..%.0f)", form, w, m, lo, hi; mr[w]=m; q=med(p,w,n[w]); printf "   p99 ms median %.1f (%.1f..%.1f)\n", q, lo, hi; mp[w]=q}
        printf "%-6s ratio   req/s %.2f of nginx, p99 %.2f of nginx\n", form, mr["tocsin"]/mr["nginx"], mp["tocsin"]/mp["nginx"]}' "$tmp/$form.txt"
done
