#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Drone: the recipe drone by abra, its people those of the forge. Its secret for the runner is made once, in a file that
# drone-runner.sh reads too.

# Packagers may put the common part in front instead.
# shellcheck source=modules/reconcile/common.sh
declare -F begin >/dev/null || . "$(dirname "$(readlink -f "$0")")/common.sh"

readonly GITEA_HOST_OF_URL='^https?://([a-z0-9.-]+)(:[0-9]+)?/?$'

look() {
	want_setting DRONE_DOMAIN "Drone's own domain"
	want_setting GITEA_URL "the forge's address"
	want_setting DRONE_CLIENT_ID \
		"of an OAuth2 application in the forge with the redirect URL https://${DRONE_DOMAIN:-DRONE_DOMAIN}/login"
	want_setting DRONE_ADMIN "the forge's user who is to be Drone's administrator"
	check_lacks
	want_domain DRONE_DOMAIN
	[[ $GITEA_URL =~ $GITEA_HOST_OF_URL ]] || lack "GITEA_URL, as https://git.example.org: it is '$GITEA_URL'"
	gitea_domain=${BASH_REMATCH[1]:-}${BASH_REMATCH[2]:-}
	[[ $DRONE_ADMIN =~ ^[A-Za-z0-9._-]+$ ]] || lack "DRONE_ADMIN, one user's name: it is '$DRONE_ADMIN'"
	want_secret "$DRONE_CLIENT_SECRET_FILE" "the secret of Drone's OAuth2 application (DRONE_CLIENT_SECRET_FILE)"
	[[ ! -e $DRONE_RPC_SECRET_FILE ]] || want_secret "$DRONE_RPC_SECRET_FILE" "the runner's secret (DRONE_RPC_SECRET_FILE)"
	want_abra
	want_program openssl
	want_program curl
	want_swarm
	check_lacks
}

make_rpc_secret() {
	mkdir -p "$(dirname "$DRONE_RPC_SECRET_FILE")"
	openssl rand -hex 24 >"$DRONE_RPC_SECRET_FILE.new" && mv "$DRONE_RPC_SECRET_FILE.new" "$DRONE_RPC_SECRET_FILE"
}

# want_line SECRET FILE: a secret is a line; its end is not part of it.
want_line() {
	local bare=$work/$1
	if [[ ! -e $2 ]]; then # a dry run, before there is one
		change "secret ${app_stack}_$1 inserted" :
		return
	fi
	printf '%s' "$(<"$2")" >"$bare"
	app_want_secret "$1" "$(version_of "$bare")" "$bare"
}

converge() {
	[[ -e $DRONE_RPC_SECRET_FILE ]] || change "secret for the runner made in $DRONE_RPC_SECRET_FILE" make_rpc_secret
	app_open drone "$DRONE_DOMAIN"
	app_create
	env_want LETS_ENCRYPT_ENV ''
	env_want_compose compose.gitea.yml
	env_want GITEA_DOMAIN "$gitea_domain"
	env_want GITEA_CLIENT_ID "$DRONE_CLIENT_ID"
	env_want DRONE_USER_CREATE "username:$DRONE_ADMIN,admin:true"
	want_line client_secret "$DRONE_CLIENT_SECRET_FILE"
	want_line rpc_secret "$DRONE_RPC_SECRET_FILE"
	app_settle
	((dry_run)) && return
	app_drop_secrets client_secret "v$(printf '%s' "$(<"$DRONE_CLIENT_SECRET_FILE")" | sha256sum | cut -c 1-8)"
	app_drop_secrets rpc_secret "v$(printf '%s' "$(<"$DRONE_RPC_SECRET_FILE")" | sha256sum | cut -c 1-8)"
}

begin "$@"
look
converge
if ((!dry_run)); then
	wait_for_answer "$DRONE_DOMAIN" /healthz 200 ||
		fail "Drone does not answer https://$DRONE_DOMAIN/healthz with 200, asked at $PROBE_CONNECT"
fi
finish
