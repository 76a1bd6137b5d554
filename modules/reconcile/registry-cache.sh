#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A pull-through cache of Docker Hub on this machine, off unless REGISTRY_CACHE=1: for more than one host, or when a cold
# pull was measured to matter. It holds what anybody may pull; Docker asks it first and the Hub when it is down.

# Packagers may put the common part in front instead.
# shellcheck source=modules/reconcile/common.sh
declare -F begin >/dev/null || . "$(dirname "$(readlink -f "$0")")/common.sh"

readonly NAME=ccci-registry-cache

look() {
	[[ $REGISTRY_CACHE_PORT =~ ^[1-9][0-9]{0,4}$ ]] || lack "REGISTRY_CACHE_PORT, a port: it is '$REGISTRY_CACHE_PORT'"
	want_program curl
	want_engine
	check_lacks
	mirror=http://127.0.0.1:$REGISTRY_CACHE_PORT
	mirrors=$(docker info --format '{{range .RegistryConfig.Mirrors}}{{println .}}{{end}}')
	grep -qxF -e "$mirror" -e "$mirror/" <<<"$mirrors" ||
		lack "a Docker that asks the cache (\"registry-mirrors\": [\"$mirror\"] in /etc/docker/daemon.json," \
			"then systemctl reload docker)"
	check_lacks
}

# The image, and where it listens; nothing when there is no such container.
have() {
	docker container inspect "$NAME" --format \
		'{{.Config.Image}} {{(index (index .HostConfig.PortBindings "5000/tcp") 0).HostPort}} {{.State.Running}}' 2>/dev/null || true
}
start() {
	docker run --detach --name "$NAME" --restart always --publish "127.0.0.1:$REGISTRY_CACHE_PORT:5000" \
		--env REGISTRY_PROXY_REMOTEURL=https://registry-1.docker.io --env REGISTRY_STORAGE_DELETE_ENABLED=true \
		--volume "$NAME:/var/lib/registry" "$REGISTRY_CACHE_IMAGE"
}
wait_until_it_answers() {
	local end=$((SECONDS + ANSWER_WAIT))
	until curl --silent --fail --output /dev/null --max-time 5 "$mirror/v2/"; do
		((SECONDS < end)) || fail "the cache does not answer at $mirror/v2/ (docker logs $NAME)"
		sleep 1
	done
}

begin "$@"
want_switch REGISTRY_CACHE
look
case $(have) in
"$REGISTRY_CACHE_IMAGE $REGISTRY_CACHE_PORT true") ;;
"$REGISTRY_CACHE_IMAGE $REGISTRY_CACHE_PORT false") change "container $NAME started" docker start "$NAME" ;;
*)
	[[ -z $(have) ]] || change "container $NAME removed, it is another one; its volume stays" docker rm --force "$NAME"
	change "container $NAME made from $REGISTRY_CACHE_IMAGE" start
	;;
esac
((dry_run)) || wait_until_it_answers
finish
