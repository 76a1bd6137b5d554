#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What Drone's exec runner is started with: the server, the secret that drone.sh made, and as many builds at once as there
# are slots for tests. The operator's own lines of that file stay.

# Packagers may put the common part in front instead.
# shellcheck source=modules/reconcile/common.sh
declare -F begin >/dev/null || . "$(dirname "$(readlink -f "$0")")/common.sh"

look() {
	want_setting DRONE_DOMAIN "Drone's own domain"
	check_lacks
	want_domain DRONE_DOMAIN
	want_secret "$DRONE_RPC_SECRET_FILE" "Drone's secret for its runners (drone.sh makes it, or copy it from Drone's host)"
	if [[ -z $MAX_TESTS ]]; then
		want_program ccci-run
		MAX_TESTS=$(ccci-run --config "$CCCI_ETC/run.yml" --print-config 2>/dev/null | sed -n 's/^max_tests: //p' || true)
	fi
	[[ $MAX_TESTS =~ ^[1-9][0-9]?$ ]] ||
		lack "MAX_TESTS, the slots of this host: ccci-run --print-config says none (or set it in $CCCI_ETC/infra.conf)"
	[[ -z $RUNNER_NAME || $RUNNER_NAME =~ ^[A-Za-z0-9._-]+$ ]] || lack "RUNNER_NAME, a host's name: it is '$RUNNER_NAME'"
	check_lacks
}

line_of() { sed -nE "s/^$1=//p" "$RUNNER_ENV" 2>/dev/null | tail -n 1; }

# A value may be the secret: it goes to awk by the environment.
want_line() {
	[[ $(line_of "$1") == "$2" ]] && return
	change "$1 set in $RUNNER_ENV" write_line "$1" "$2"
}
write_line() {
	mkdir -p "$(dirname "$RUNNER_ENV")"
	[[ -e $RUNNER_ENV ]] || : >"$RUNNER_ENV"
	cp -p "$RUNNER_ENV" "$RUNNER_ENV.new" || return 1
	NAME=$1 VALUE=$2 awk 'index($0, ENVIRON["NAME"] "=") != 1 { print }
		END { print ENVIRON["NAME"] "=" ENVIRON["VALUE"] }' "$RUNNER_ENV" >"$RUNNER_ENV.new" || return 1
	mv "$RUNNER_ENV.new" "$RUNNER_ENV"
}

# What the runner has is in its environment; one that was started with something else is started again.
restart_when_stale() {
	local pid name line
	local -A running=()
	command -v systemctl >/dev/null || return 0
	pid=$(systemctl show --property MainPID --value "$RUNNER_UNIT" 2>/dev/null) || return 0
	[[ $pid =~ ^[1-9][0-9]*$ && -r /proc/$pid/environ ]] || return 0
	while IFS= read -r -d '' line; do
		running[${line%%=*}]=${line#*=}
	done <"/proc/$pid/environ"
	for name in DRONE_RPC_HOST DRONE_RPC_SECRET DRONE_RUNNER_CAPACITY; do
		if [[ ${running[$name]:-} != "$(line_of "$name")" ]]; then
			# Not waited for: systemd starts it only when ccci-drone-runner.service, which may be waiting here, is over.
			change "$RUNNER_UNIT restarted, it runs with another $name" systemctl --no-block try-restart "$RUNNER_UNIT"
			return
		fi
	done
}

begin "$@"
if ((dry_run)) && [[ -n ${CCCI_PLAN:-} && ! -e $DRONE_RPC_SECRET_FILE ]]; then
	change "$RUNNER_ENV written" :
	finish
fi
look
want_line DRONE_RPC_PROTO https
want_line DRONE_RPC_HOST "$DRONE_DOMAIN"
want_line DRONE_RPC_SECRET "$(<"$DRONE_RPC_SECRET_FILE")"
want_line DRONE_RUNNER_CAPACITY "$MAX_TESTS"
want_line DRONE_RUNNER_NAME "${RUNNER_NAME:-$(uname -n)}"
# Its own page would be open to everybody.
want_line DRONE_UI_DISABLE true
want_line DRONE_HTTP_BIND 127.0.0.1:3000
if [[ -e $RUNNER_ENV && $(stat -c %a "$RUNNER_ENV") != 600 ]]; then
	change "others may no longer read $RUNNER_ENV" chmod 600 "$RUNNER_ENV"
fi
restart_when_stale
finish
