#!/usr/bin/env bash
# GET /incidents against nginx serving the same bytes as a file, plain and gzip: alternating runs in one go, ratios of medians.
# Twice: nginx as it is by default (sendfile off), and with sendfile, tcp_nopush and open_file_cache.
# Usage: bench/board-vs-nginx.sh capture DIR | bench/board-vs-nginx.sh [PER_TYPE]
set -euo pipefail
mode=${1:-1000} dir=${2:+$(realpath "$2")}
. "$(dirname "$0")/lib.sh"
need nginx wrk curl gzip
runs=${RUNS:-5} seconds=${SECONDS_EACH:-4} connections=${CONNECTIONS:-64} workers=${NGINX_WORKERS:-2} threads=${WRK_THREADS:-2}
write_source 1h
if [ "$mode" = capture ]; then start_mock --replay "$dir"; else start_mock --per-type "$mode" --employees 5000; fi
start_tocsin
complete
mkdir -p "$tmp/www"
curl -sf -o "$tmp/www/incidents" http://127.0.0.1:19000/incidents
curl -sf -H 'Accept-Encoding: gzip' -o "$tmp/www/incidents.gz" http://127.0.0.1:19000/incidents
gzip -dc "$tmp/www/incidents.gz" | cmp - "$tmp/www/incidents"
server_block() { echo "server { listen 127.0.0.1:$1; root $tmp/www; $2 }"; }
cat > "$tmp/nginx.conf" <<N
worker_processes $workers; daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.err;
events { worker_connections 1024; }
http { access_log off; gzip_static on; default_type application/json; keepalive_requests 1000000000;
  client_body_temp_path $tmp; proxy_temp_path $tmp; fastcgi_temp_path $tmp; uwsgi_temp_path $tmp; scgi_temp_path $tmp;
  $(server_block 19002 "") $(server_block 19003 "sendfile on; tcp_nopush on; open_file_cache max=10;") }
N
nginx -c "$tmp/nginx.conf" -e "$tmp/nginx.err" &
until curl -sf -o /dev/null http://127.0.0.1:19003/incidents; do sleep 0.05; done
echo "body $(stat -c %s "$tmp/www/incidents") bytes, gzip $(stat -c %s "$tmp/www/incidents.gz"); nginx $(nginx -v 2>&1 | cut -d/ -f2) with $workers workers, wrk with $threads threads and $connections connections, $runs runs of ${seconds} s each, $(nproc) cores"
run() {
  wrk -t"$threads" -c"$connections" -d"${seconds}s" --latency ${3:+-H "$3"} "http://127.0.0.1:$1/incidents" |
    awk -v who="$2" '/Requests\/sec/{r=$2} /99%/{p=$2} /Non-2xx/{who=who"-ERRORS"} END{u=1; if(p~/us$/)u=.001; else if(p!~/ms$/)u=1000; sub(/[a-z]+$/,"",p); print who, r, p*u}'
}
for form in plain gzip; do
  accept=""; [ $form = gzip ] && accept="Accept-Encoding: gzip"
  for port in 19000 19002 19003; do run $port warm "$accept" >/dev/null; done
  for _ in $(seq "$runs"); do run 19000 tocsin "$accept"; run 19002 nginx "$accept"; run 19003 nginx+sendfile "$accept"; done > "$tmp/$form.txt"
  awk -v form=$form '
    function median(a, w, k,   i, j, t, x) { for (i=1;i<=k;i++) x[i]=a[w,i]; for (i=1;i<=k;i++) for (j=i+1;j<=k;j++) if (x[j]<x[i]) {t=x[i];x[i]=x[j];x[j]=t}; low=x[1]; high=x[k]; return x[int((k+1)/2)] }
    { n[$1]++; r[$1,n[$1]]=$2; p[$1,n[$1]]=$3 }
    END { split("tocsin nginx nginx+sendfile", order, " ")
      for (o=1;o<=3;o++) { w=order[o]; rate[w]=median(r,w,n[w]); printf "%-5s %-14s %8.0f req/s (%.0f..%.0f)", form, w, rate[w], low, high; tail[w]=median(p,w,n[w]); printf "   p99 %6.1f ms (%.1f..%.1f)\n", tail[w], low, high }
      for (o=2;o<=3;o++) printf "%-5s ratio to %-14s req/s %.2f, p99 %.2f\n", form, order[o], rate["tocsin"]/rate[order[o]], tail["tocsin"]/tail[order[o]] }' "$tmp/$form.txt"
done
