#!/usr/bin/env bash
# What RabbitMQ in front of the store costs and brings: a burst of NDJSON, 1,000 events a request, accepted (Prefer: respond-async) and drained to the last, beside the
# store alone; single pushes with and without the broker. Starts one node of Debian's rabbitmq-server as a throw-away user (run as root), or uses TOCSIN_RABBITMQ.
# Usage: bench/rabbit.sh [TOTAL]     RUNS=3 CONNECTIONS=16 SECONDS_EACH=10
# Another store: TOCSIN__STORE__ENGINE=postgres TOCSIN__STORE__CONNECTION=..., and in FRESH the command that empties it before each start.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need curl jq
total=${1:-1000000}

# start_broker: a RabbitMQ of our own in $tmp/rabbit, on free ports, with its own port mapper; $broker is its process group.
start_broker() {
  need rabbitmqctl epmd setpriv
  local home=$tmp/rabbit amqp dist mapper
  amqp=$(free_port); dist=$(free_port); mapper=$(free_port)
  id tocsin-rabbit-test >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin tocsin-rabbit-test
  mkdir -p "$home"; chmod 755 "$tmp"; echo "[]." >"$home/enabled_plugins"; head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$home/.erlang.cookie"; chmod 400 "$home/.erlang.cookie"
  printf 'listeners.tcp.1 = 127.0.0.1:%s\ndisk_free_limit.absolute = 50MB\n' "$amqp" >"$home/rabbitmq.conf"
  chown -R tocsin-rabbit-test "$home"
  local run=(setsid setpriv --reuid tocsin-rabbit-test --regid nogroup --clear-groups env HOME="$home" ERL_EPMD_PORT="$mapper" ERL_EPMD_ADDRESS=127.0.0.1)
  "${run[@]}" epmd -port "$mapper" -address 127.0.0.1 >/dev/null 2>&1 & mapping=$!
  "${run[@]}" RABBITMQ_NODENAME=tocsin@localhost RABBITMQ_DIST_PORT="$dist" RABBITMQ_MNESIA_BASE="$home/data" RABBITMQ_LOG_BASE="$home/log" RABBITMQ_CONFIG_FILE="$home/rabbitmq.conf" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins" RABBITMQ_GENERATED_CONFIG_DIR="$home/generated" RABBITMQ_PID_FILE="$home/pid" RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none" \
    /usr/lib/rabbitmq/bin/rabbitmq-server >/dev/null 2>&1 & broker=$!
  trap 'kill -9 -$broker -$mapping 2>/dev/null || true; kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$tmp"' EXIT
  until (: </dev/tcp/127.0.0.1/"$amqp") 2>/dev/null; do kill -0 $broker || exit 1; sleep 0.2; done
  TOCSIN_RABBITMQ=amqp://guest:guest@127.0.0.1:$amqp
}
with_broker() { export TOCSIN__QUEUE__ENGINE=rabbitmq TOCSIN__QUEUE__URL=$TOCSIN_RABBITMQ; }
without_broker() { unset TOCSIN__QUEUE__ENGINE TOCSIN__QUEUE__URL; }
fresh() { rm -rf "$tmp/data"; [ -z "${FRESH:-}" ] || bash -c "$FRESH"; }
health() { curl -s -H "Authorization: Bearer $TOCSIN_ADMIN_TOKEN" "$url/health" | jq -r "$1"; }

machine "$@"
[ -n "${TOCSIN_RABBITMQ:-}" ] || start_broker
alone=() accepted=() factors=() drained=() single=() tails=() behind=() behind_tails=()
for run in $(seq "${RUNS:-3}"); do
  without_broker; fresh; serve "$tmp/data"
  ask push --total "$total" --connections "${CONNECTIONS:-16}"
  rate=$(value rate); alone+=("$rate")
  ask single --connections 1 --seconds "${SECONDS_EACH:-10}"
  single+=("$(value p50_ms)"); tails+=("$(value p99_ms)")
  stop $server

  with_broker; fresh; serve "$tmp/data"
  began=$(now_ms)
  ask push --total "$total" --connections "${CONNECTIONS:-16}" --async
  accepted+=("$(value rate)"); factors+=("$(ratio "$(value rate)" "$rate")")
  until [ "$(health .board.head)" -ge "$total" ]; do sleep 0.2; kill -0 $server; done
  took=$(( $(now_ms) - began )); drained+=("$took")
  echo "drained to the last after $took ms: $(health .board.head) events of $total, $(health .queue.depth) requests left"
  cost "$tmp/data"
  sleep 3
  ask single --connections 1 --seconds "${SECONDS_EACH:-10}"
  behind+=("$(value p50_ms)"); behind_tails+=("$(value p99_ms)")
  stop $server
done
echo "== medians of $total events"
echo "the store alone: $(median "${alone[@]}") events/s; accepted through RabbitMQ: $(median "${accepted[@]}") events/s, $(median "${factors[@]}") times; drained after $(median "${drained[@]}") ms"
echo "single pushes on one connection: p50 $(median "${single[@]}"), p99 $(median "${tails[@]}") ms; through RabbitMQ p50 $(median "${behind[@]}"), p99 $(median "${behind_tails[@]}") ms"
