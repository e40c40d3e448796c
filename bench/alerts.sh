#!/usr/bin/env bash
# A million alerts pulled from the mock, then pages of 100 at /alerts by each filter, one connection: p50, p99, worst. Usage: bench/alerts.sh [ALERTS] [REQUESTS]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl jq python3
alerts=${1:-1000000} requests=${2:-300}
machine "$@"
export ALERTS_URL=http://127.0.0.1:19001 ALERTS_USER=tocsin ALERTS_PASSWORD=tocsin
start_mock --alerts "$alerts"
mkdir -p "$tmp/data/sources"; { cat sources/alerts.yaml; echo 'identities: { get: /identities/ }'; } > "$tmp/data/sources/alerts.yaml"
serve "$tmp/data"
until [ "$(curl -s "$url/sources/alerts" | jq .last_success)" != null ]; do sleep 1; done
curl -s "$url/sources/alerts" | jq -c .counts
stop $mock; settle "$tmp/data"
python3 - "$url" "$requests" <<'PY'
import http.client, json, random, sys, time, urllib.parse
url, n = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2]); c = http.client.HTTPConnection(url.hostname, url.port); rnd = random.Random(5); worst = 0; every = []
def get(path):
    began = time.perf_counter(); c.request('GET', path); r = c.getresponse(); body = r.read(); took = (time.perf_counter() - began) * 1000
    assert r.status == 200 and 'tocsin-partial' not in r.headers, (path, r.status, body[:200]); return json.loads(body), took
some = [a for _ in range(5) for a in get(f'/alerts?limit=1000&hours={rnd.randint(2, 23)}')[0]]
of = lambda field: sorted({a[field] for a in some if a[field]})
users, countries, addresses, ids = of('user_id'), of('country'), of('dst_ip'), of('external_id')
kinds = {'(none)': lambda: '', 'limit': lambda: f'limit={rnd.randint(1, 100)}', 'hours': lambda: f'hours={rnd.randint(1, 24)}', 'country': lambda: 'country=' + rnd.choice(countries), 'user': lambda: 'user=' + rnd.choice(users),
  'criticality': lambda: 'criticality=' + rnd.choice(['low', 'medium', 'high', 'critical']), 'device': lambda: 'device=' + rnd.choice(of('device')), 'source': lambda: 'source=alerts', 'type': lambda: 'type=alert', 'ip': lambda: 'ip=' + rnd.choice(addresses),
  'ip network': lambda: 'ip=' + '.'.join(rnd.choice(addresses).split('.')[:2]) + '.0.0/16', 'external_id': lambda: 'external_id=' + rnd.choice(ids), 'nobody': lambda: 'user=nobody-here', 'unknown': lambda: 'user=unknown',
  'country+criticality': lambda: f'country={rnd.choice(countries)}&criticality=critical', 'country+hours': lambda: f'country={rnd.choice(countries)}&hours=2', 'user+criticality': lambda: f'user={rnd.choice(users)}&criticality=high', 'asc': lambda: 'order=asc&country=' + rnd.choice(countries)}
for name, query in kinds.items():
    times, hits = [], 0
    for _ in range(n): body, took = get('/alerts?' + query()); times.append(took); hits += len(body)
    times.sort(); every += times; worst = max(worst, times[int(n * .99)])
    print(f'{name:20} p50 {times[n // 2]:6.2f}  p99 {times[int(n * .99)]:6.2f}  max {times[-1]:6.2f} ms  {hits / n:6.1f} rows')
every.sort(); print(f'over all: p99 {every[int(len(every) * .99)]:.2f} ms; the worst kind\'s p99 {worst:.2f} ms')
PY
cost "$tmp/data"
