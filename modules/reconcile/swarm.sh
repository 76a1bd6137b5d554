#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A Docker Swarm of this one machine, and the network on which the proxy meets the apps.

# Packagers may put the common part in front instead.
# shellcheck source=modules/reconcile/common.sh
declare -F begin >/dev/null || . "$(dirname "$(readlink -f "$0")")/common.sh"

look() {
	local state kind
	want_engine
	check_lacks
	# Docker refuses the two together, and with both set it does not start again after a reboot.
	[[ $(docker info --format '{{.LiveRestoreEnabled}}') == false ]] ||
		lack 'a Docker without live-restore ("live-restore": false in /etc/docker/daemon.json, then systemctl restart docker)'
	state=$(swarm_state)
	case $state in
	"active true" | "inactive "*) ;;
	"active false") lack "a manager: this machine is a worker of another Swarm (docker swarm leave)" ;;
	*) lack "a Swarm that can be used: it is ${state% *} (docker swarm unlock, or docker swarm leave --force)" ;;
	esac
	kind=$(network_kind)
	case $kind in
	"" | "overlay swarm") ;;
	*) lack "the name of the network proxy: one of the kind '$kind' has it (docker network rm proxy)" ;;
	esac
	check_lacks
}

# A Swarm that was made just now has no network: what has the name is of the one before, and on its way out.
wait_for_the_old_network() {
	local end=$((SECONDS + DOCKER_WAIT))
	while ((!dry_run && SECONDS < end)) && [[ -n $(network_kind) ]]; do
		sleep 0.2
	done
}

begin "$@"
look
made=0
if [[ $(swarm_state) != "active true" ]]; then
	made=1
	change "Swarm initialised on $SWARM_ADDRESS" docker swarm init --advertise-addr "$SWARM_ADDRESS"
	wait_for_the_old_network
fi
if ((made)) || [[ -z $(network_kind) ]]; then
	change "overlay network proxy made" docker network create --driver overlay proxy
fi
finish
