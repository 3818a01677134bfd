#!/usr/bin/env bash
# The daemons of many machines, from one of them: machines.sh start|stop|status FILE [--now]
#
# FILE has a line a machine: how ssh reaches it, the folder of its checkout, and its roles (deploy/scripts/machine.sh):
#
#   head   /opt/brigade  nats broker keeper
#   atlas  /opt/brigade  node
#   borg   /opt/brigade  standby node
#
# They are started in the order of the lines, and stopped in the opposite one. Keys go to each machine by hand, once. SSH names another program for ssh.
set -euo pipefail

doing="${1:-}"
file="${2:-}"
if [[ ! "$doing" =~ ^(start|stop|status)$ || ! -f "$file" ]]; then
  sed -n '2,11s/^# \{0,1\}//p' "$0"
  exit 1
fi
read -ra SSH <<<"${SSH:-ssh -o BatchMode=yes}"
mapfile -t lines < <(grep -vE '^[[:space:]]*(#|$)' "$file")
if [[ "$doing" == stop ]]; then mapfile -t lines < <(printf '%s\n' "${lines[@]}" | tac); fi

failed=0
for line in "${lines[@]}"; do
  read -r host folder roles <<<"$line"
  case "$doing" in
    start) told="start $roles" ;;
    stop) told="stop ${3:-}" ;;
    status) told=status ;;
  esac
  echo "$host"
  "${SSH[@]}" "$host" "cd $(printf '%q' "$folder") && deploy/scripts/machine.sh $told" </dev/null || failed=1
done
exit "$failed"
