#!/usr/bin/env bash
# The daemons of one machine without systemd:
#
#   machine.sh start ROLE...   nats, broker, standby, keeper, node, specialists; in this order they find one another
#   machine.sh stop [ROLE...]  lets each finish what it holds; --now after stop does not wait for that, and ends what does not go in $PATIENCE seconds
#   machine.sh status          what `brigade health` says of each; exit code 1 when one is not well
#
# Process numbers and logs lie in $STATE (default .brigade/machine), nats-server is told $NATS_CONF (default nats/n1.conf). What the daemons are told is
# brigade.yaml in this folder, or BRIGADE_NATS_URL, BRIGADE_KEYS and the rest in the environment; specialists want BRIGADE_RUN.
set -euo pipefail

STATE="${STATE:-.brigade/machine}"
NATS_CONF="${NATS_CONF:-nats/n1.conf}"
PATIENCE="${PATIENCE:-30}"
NODE_NAME="${BRIGADE_NODE:-$(hostname -s)}"
read -ra BRIGADE <<<"${BRIGADE:-brigade}" # as in BRIGADE="node dist/main.js"
mkdir -p "$STATE"

# One line for whoever reads along.
say() { printf '%-12s %s\n' "$1" "$2"; }

# The process number of a role, while it is still that process: a number may have found another owner.
running() {
  local pid
  pid="$(cat "$STATE/$1.pid" 2>/dev/null)" || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q "$(mark "$1")" && echo "$pid"
}

mark() {
  case "$1" in
    nats) echo "nats-server -c $NATS_CONF" ;;
    standby) echo "up broker --node $NODE_NAME-standby" ;;
    broker) echo "up broker --node $NODE_NAME " ;;
    specialists) echo "up specialist " ;;
    *) echo "up $1 " ;;
  esac
}

start() {
  if running "$1" >/dev/null; then say "$1" "is running already"; return; fi
  local -a command
  case "$1" in
    nats) command=(nats-server -c "$NATS_CONF") ;;
    standby) command=("${BRIGADE[@]}" up broker --node "$NODE_NAME-standby") ;;
    broker | keeper | node) command=("${BRIGADE[@]}" up "$1" --node "$NODE_NAME") ;;
    specialists) command=("${BRIGADE[@]}" up specialist --node "$NODE_NAME") ;;
    *) echo "machine.sh: no role $1: nats, broker, standby, keeper, node, specialists" >&2; exit 1 ;;
  esac
  setsid "${command[@]}" </dev/null >>"$STATE/$1.log" 2>&1 &
  echo "$!" >"$STATE/$1.pid"
  say "$1" "started, log $STATE/$1.log"
}

stop() {
  local pid
  pid="$(running "$1")" || { say "$1" "is not running"; return; }
  kill -TERM "$pid"
  if [[ "$2" == now && "$1" != nats ]]; then sleep 1; kill -TERM "$pid" 2>/dev/null || true; fi
  local since=$SECONDS told=""
  while running "$1" >/dev/null; do
    if [[ -z "$told" ]] && ((SECONDS - since >= 2)); then
      told=yes
      say "$1" "finishes what it holds: process $pid, log $STATE/$1.log; stop --now $1 does not wait for that"
    fi
    if [[ "$2" == now ]] && ((SECONDS - since >= PATIENCE)); then
      say "$1" "does not go, and is killed: nothing recorded is lost"
      kill -KILL "$pid" 2>/dev/null || true
      since=$SECONDS
    fi
    sleep 0.2
  done
  say "$1" "stopped"
}

status() {
  local -a probe
  case "$1" in
    nats) running nats >/dev/null && say nats "is running"; return ;;
    standby) probe=(health broker --node "$NODE_NAME-standby") ;;
    specialists) probe=(health specialist --node "$NODE_NAME") ;;
    *) probe=(health "$1" --node "$NODE_NAME") ;;
  esac
  "${BRIGADE[@]}" "${probe[@]}"
}

doing="${1:-}"
[[ $# -gt 0 ]] && shift
how=drain
roles=()
for role in "$@"; do
  if [[ "$role" == --now ]]; then how=now; else roles+=("$role"); fi
done

case "$doing" in
  start)
    for role in "${roles[@]}"; do start "$role"; done ;;
  stop) # who proposes goes first, and the server last
    [[ ${#roles[@]} -gt 0 ]] || roles=(specialists node standby broker keeper nats)
    for role in "${roles[@]}"; do stop "$role" "$how"; done ;;
  status)
    well=0
    for file in "$STATE"/*.pid; do
      role="$(basename "$file" .pid)"
      status "$role" || { say "$role" "is not well"; well=1; }
    done
    exit "$well" ;;
  *)
    sed -n '2,10s/^# \{0,1\}//p' "$0"
    exit 1 ;;
esac
