#!/bin/sh
# ccci-run's settings from the environment, abra's way to the same engine, then the agent. A step of a build has not this
# container's environment, hence the file.
set -eu
server=default
case ${DOCKER_HOST:?no compose.ssh.yml, compose.tls.yml or compose.socket.yml is in COMPOSE_FILE} in
unix://*) mkdir -p /root/.abra/servers/default ;;
*)
	server=elsewhere
	host="host=$DOCKER_HOST"
	if [ -n "${DOCKER_CERT_PATH:-}" ]; then
		host="$host,ca=$DOCKER_CERT_PATH/ca.pem,cert=$DOCKER_CERT_PATH/cert.pem,key=$DOCKER_CERT_PATH/key.pem"
	fi
	mkdir -p /root/.abra/servers/$server
	docker context inspect $server >/dev/null 2>&1 || docker context create $server --docker "$host" >/dev/null
	;;
esac
mkdir -p /etc/ccci
umask 077
{
	echo "gitea_url: \"$GITEA_URL\""
	echo "zone: \"$ZONE\""
	echo "docker_host: \"$DOCKER_HOST\""
	echo "abra_server: $server"
	[ -z "${RECIPE_ORG:-}" ] || echo "recipe_org: \"$RECIPE_ORG\""
	[ -z "${PROBE_CONNECT:-}" ] || echo "probe_connect: \"$PROBE_CONNECT\""
	[ -z "${DOCKER_CERT_PATH:-}" ] || echo "docker_cert_path: \"$DOCKER_CERT_PATH\""
} >/etc/ccci/run.yml
if [ -n "${DRONE_URL:-}" ]; then
	DRONE_RPC_SECRET=$(cat /run/secrets/agent)
	export DRONE_RPC_SECRET DRONE_RPC_PROTO="${DRONE_URL%%://*}" DRONE_RPC_HOST="${DRONE_URL#*://}" DRONE_RUNNER_CAPACITY=1
	exec drone-runner-exec daemon
fi
export WOODPECKER_BACKEND=local WOODPECKER_MAX_WORKFLOWS=1 WOODPECKER_SERVER="${AGENT_SERVER:?}" \
	WOODPECKER_AGENT_SECRET_FILE=/run/secrets/agent
exec woodpecker-agent
