# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the reconcilers share. Each of them looks, changes what is not as it should be, and says so; a second run finds
# nothing to do. They keep no notes: what is so is asked of the engine and read in abra's own files, so a run that was
# killed half way is finished by the next one.
#
#     NAME.sh [--dry-run] [--config FILE]
#
# Settings are environment variables, or lines NAME=value of FILE (/etc/ccci/infra.conf when it is there); the environment
# wins. Exit: 0 converged or nothing to do, 1 failed, 2 a precondition is missing and nothing was changed.
# Secrets are read from files, never from arguments, and no value of one is printed. docs/install.md has the settings.

# With pipefail nothing may be piped to grep -q: it ends at the first match, and what it ended failed.
set -euo pipefail
shopt -s inherit_errexit

# Names of settings, each between spaces.
KNOWN=" ABRA ABRA_DIR ANSWER_WAIT DOCKER_WAIT DRONE_ADMIN DRONE_CLIENT_ID DRONE_CLIENT_SECRET_FILE DRONE_DOMAIN
 DRONE_RPC_SECRET_FILE GITEA_URL INFRA_UPDATE MAX_TESTS PROBE_CA_FILE PROBE_CONNECT PROXY_CERT PROXY_DOMAIN PROXY_KEY
 PRUNE REGISTRY_CACHE REGISTRY_CACHE_IMAGE REGISTRY_CACHE_PORT RUNNER_ENV RUNNER_NAME RUNNER_UNIT SETTLE_TIMEOUT STATE_DIR
 SWARM_ADDRESS WARM ZONE "
CCCI_ETC=${CCCI_ETC:-/etc/ccci}

me=${0##*/} me=${me%.sh} me=${me#ccci-}
dry_run=0
changes=0
lacks=()
exec 3>&2 # what a person has to see, whatever a command's output is sent to

# ---- what is said ----------------------------------------------------------------------------------

say() { printf '%s: %s\n' "$me" "$*"; }
warn() { printf '%s: warning: %s\n' "$me" "$*" >&3; }
fail() {
	printf '%s: failed: %s\n' "$me" "$*" >&3
	exit 1
}
# lack TEXT: a precondition that is missing, and the way out. They are said together, by check_lacks.
lack() { lacks+=("$*"); }
check_lacks() {
	((${#lacks[@]} == 0)) && return
	printf "$me: missing: %s\n" "${lacks[@]}" >&3
	exit 2
}
# finish: the last line.
finish() {
	if ((changes == 0)); then
		say "nothing to do"
	elif ((dry_run)); then
		say "$changes changes would be made"
	else
		say "converged, $changes changes"
	fi
	exit 0
}

# change TEXT COMMAND…: says what it does and does it; with --dry-run it only says so. What fails ends the script, with
# the last lines of what the command wrote.
change() {
	local text=$1
	shift
	changes=$((changes + 1))
	if ((dry_run)); then
		say "would: $text"
		return
	fi
	say "$text"
	"$@" >"$work/output" 2>&1 </dev/null || fail "$text: $(tail -n 5 "$work/output" | tr '\n' ' ')"
}

# ---- start, settings -------------------------------------------------------------------------------

is_known() { [[ $KNOWN =~ [[:space:]]$1[[:space:]] ]]; }

# read_settings FILE: NAME=value lines; a name that the environment has keeps its value.
read_settings() {
	local line number=0 name value
	while IFS= read -r line || [[ -n $line ]]; do
		number=$((number + 1))
		[[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
		if ! [[ $line =~ ^([A-Z][A-Z0-9_]*)=(.*)$ ]]; then
			lack "$1:$number is no line of the form NAME=value"
			continue
		fi
		name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
		if ! is_known "$name"; then
			lack "$1:$number: there is no setting $name"
			continue
		fi
		if [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]]; then
			value=${BASH_REMATCH[1]}
		fi
		[[ -v $name ]] || printf -v "$name" '%s' "$value"
	done <"$1"
}

# begin ARGUMENT…: reads arguments and settings, and waits until no other reconciler runs: abra takes no lock.
begin() {
	local config=''
	while (($#)); do
		case $1 in
		--dry-run) dry_run=1 ;;
		--config)
			(($# > 1)) || usage
			config=$2
			shift
			;;
		*) usage ;;
		esac
		shift
	done
	if [[ -n $config && ! -r $config ]]; then
		lack "$config cannot be read (--config)"
	elif [[ -n $config || -r $CCCI_ETC/infra.conf ]]; then
		read_settings "${config:-$CCCI_ETC/infra.conf}"
	fi
	check_lacks
	fill_in_defaults
	export HOME=${HOME:-/root} LC_ALL=C.UTF-8 LANG=C.UTF-8 NO_COLOR=1 TERM=dumb
	export ABRA_DIR=${ABRA_DIR:-$HOME/.abra}
	umask 077
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	if ((!dry_run)); then
		mkdir -p /run/lock
		exec 9>/run/lock/ccci-reconcile
		flock -w 900 9 || fail "another reconciler has run for 15 min (lock /run/lock/ccci-reconcile)"
	fi
}

usage() {
	printf 'usage: %s [--dry-run] [--config FILE]\n' "${0##*/}" >&3
	exit 2
}

fill_in_defaults() {
	: "${ABRA:=abra}" "${ABRA_DIR:=}" "${SETTLE_TIMEOUT:=300}" "${ANSWER_WAIT:=60}" "${DOCKER_WAIT:=60}"
	: "${ZONE:=}" "${GITEA_URL:=}" "${SWARM_ADDRESS:=127.0.0.1}"
	: "${PROXY_DOMAIN:=}" "${PROXY_CERT:=$CCCI_ETC/tls/cert.pem}" "${PROXY_KEY:=$CCCI_ETC/tls/key.pem}"
	: "${PROBE_CONNECT:=127.0.0.1:443}" "${PROBE_CA_FILE:=}"
	: "${DRONE_DOMAIN:=}" "${DRONE_CLIENT_ID:=}" "${DRONE_ADMIN:=}"
	: "${DRONE_CLIENT_SECRET_FILE:=$CCCI_ETC/credentials/drone_client_secret}"
	: "${DRONE_RPC_SECRET_FILE:=$CCCI_ETC/credentials/drone_rpc_secret}"
	: "${RUNNER_ENV:=$CCCI_ETC/drone-runner.env}" "${RUNNER_NAME:=}" "${RUNNER_UNIT:=drone-runner-exec.service}"
	: "${MAX_TESTS:=}" "${STATE_DIR:=/var/lib/ccci}"
	: "${REGISTRY_CACHE:=0}" "${REGISTRY_CACHE_IMAGE:=registry:2.8.3}" "${REGISTRY_CACHE_PORT:=5000}"
	: "${WARM:=}" "${INFRA_UPDATE:=0}" "${PRUNE:=1}"
}

# want_switch NAME: ends here when the setting NAME is 0.
want_switch() {
	case ${!1} in
	1) ;;
	0)
		say "off ($1 is 0)"
		exit 0
		;;
	*)
		lack "$1 is ${!1}, neither 0 nor 1"
		check_lacks
		;;
	esac
}
# want_setting NAME WHAT
want_setting() { [[ -n ${!1} ]] || lack "$1, $2 ($CCCI_ETC/infra.conf)"; }
want_domain() { [[ ${!1} =~ ^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$ ]] || lack "$1 has to be a domain, in lower case: it is '${!1}'"; }
want_program() { command -v "$1" >/dev/null || lack "the program $1${2:+ ($2)}"; }
# want_secret FILE WHAT: a file that only its owner may read, and not empty.
want_secret() {
	local mode
	if [[ ! -s $1 ]]; then
		lack "$2: $1 is not there or empty"
	else
		mode=$(stat -L -c %a "$1")
		[[ $mode == [4-7]00 ]] || lack "$2: others may read $1 (chmod 600 $1)"
	fi
}

# ---- the engine ------------------------------------------------------------------------------------

# want_engine: at boot Docker may need a moment.
want_engine() {
	local end=$((SECONDS + DOCKER_WAIT)) reason
	[[ -z ${DOCKER_HOST:-} ]] || lack "DOCKER_HOST must not be set: abra's server default is this machine's own engine"
	export DOCKER_CONTEXT=default
	want_program docker "apt-get install docker.io"
	check_lacks
	until reason=$(docker version --format '{{.Server.Version}}' 2>&1); do
		if ((SECONDS >= end)); then
			lack "Docker does not answer (systemctl start docker): $(head -n 1 <<<"$reason")"
			return
		fi
		sleep 1
	done
}

swarm_state() { docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}'; }
network_kind() { docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}}' | sed -n 's/^proxy //p' | sort -u; }
want_swarm() {
	want_engine
	((${#lacks[@]} == 0)) || return 0
	# ccci-setup asks what would be done before there is a Swarm.
	[[ $dry_run == 0 || -z ${CCCI_PLAN:-} || $(swarm_state) == "active true" ]] || return 0
	[[ $(swarm_state) == "active true" ]] || {
		lack "a Swarm that this machine manages (swarm.sh makes one)"
		return 0
	}
	[[ $(network_kind) == "overlay swarm" ]] || lack "the overlay network proxy (swarm.sh makes it)"
}

# ---- an app of abra's ------------------------------------------------------------------------------

# Everything about it is in these; app_open fills them.
app_recipe='' app_domain='' app_env='' app_stack='' app_checkout=''
redeploy='' # why the app has to be deployed, when it has to

want_abra() { want_program "$ABRA" "abra of Co-op Cloud, 0.13"; }
run_abra() { "$ABRA" "$@" --no-input; }

# app_open RECIPE DOMAIN
app_open() {
	app_recipe=$1 app_domain=$2
	app_env=$ABRA_DIR/servers/default/$2.env
	app_checkout=$ABRA_DIR/recipes/$1
	app_stack=$(env_get STACK_NAME)
	app_stack=${app_stack:-${2//./_}}
	app_stack=${app_stack:0:45} # as abra cuts it
	redeploy=''
}

# app_create: abra's server, the recipe and the app's env file.
app_create() {
	local recipe
	[[ -d $ABRA_DIR/servers/default ]] || change "abra server default added" run_abra server add --local
	if [[ ! -e $app_env ]]; then
		change "app $app_domain created from the newest $app_recipe" \
			run_abra app new "$app_recipe" --server default --domain "$app_domain"
	elif [[ ! -d $app_checkout ]]; then
		change "recipe $app_recipe fetched" run_abra recipe fetch "$app_recipe"
	fi
	((dry_run)) && [[ ! -e $app_env ]] && return
	recipe=$(env_get RECIPE)
	recipe=${recipe:-$(env_get TYPE)}
	[[ ${recipe%%:*} == "$app_recipe" ]] || fail "$app_env is of the recipe '${recipe%%:*}', not of $app_recipe"
}

# env_lines NAME: the assignments of NAME, without what stands before the value.
env_lines() {
	[[ -e $app_env ]] || return 0
	sed -nE "s/^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=[[:space:]]*//p" "$app_env"
}
# env_get NAME: what abra reads. The last assignment counts, and may name what the ones before it gave.
env_get() {
	local value found=''
	while IFS= read -r value || [[ -n $value ]]; do
		case $value in
		\'*)
			value=${value#\'}
			found=${value%%\'*}
			continue
			;;
		\"*)
			value=${value#\"}
			value=${value%%\"*}
			;;
		'#'*) value='' ;;
		*)
			value=${value%%[[:space:]]#*}
			value=${value%"${value##*[![:space:]]}"}
			;;
		esac
		value=${value//"\${$1}"/"$found"}
		found=${value//"\$$1"/"$found"}
	done < <(env_lines "$1")
	printf '%s' "$found"
}
env_has() { [[ -n $(env_lines "$1" | sed 's/^$/x/') ]]; }

# env_want NAME VALUE: the env file says so; nothing else in it changes, a comment behind the old value neither. The app
# that runs has to have been deployed so.
env_want() {
	[[ $2 =~ ^[A-Za-z0-9._:,/@+-]*$ ]] || fail "$1: the value '$2' has a character that an env file does not take"
	if [[ -e $app_checkout/.env.sample ]] && ! grep -qE "\b$1=" "$app_checkout/.env.sample"; then
		warn "$1 is not in the .env.sample of $app_recipe: has the recipe changed?"
	fi
	if ! env_has "$1" || [[ $(env_get "$1") != "$2" ]]; then
		change "env $1=$2" env_write "$1" "$2"
	fi
	app_env_is_deployed "$1" "$2" || redeploy=${redeploy:-"it runs with another $1"}
}
env_write() {
	local at
	cp -p "$app_env" "$app_env.new" || return 1
	at=$(grep -nE "^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=" "$app_env" | tail -n 1 | cut -d: -f1)
	if [[ -z $at ]]; then
		[[ -z $(tail -c 1 "$app_env") ]] || echo >>"$app_env.new"
		echo "$1=$2" >>"$app_env.new" || return 1
	else
		NAME=$1 VALUE=$2 awk -v at="$at" 'NR != at { print; next }
			{
				rest = $0
				sub(/^[^=]*=[ \t]*/, "", rest)
				if (rest ~ /^"/) sub(/^"[^"]*"/, "", rest)
				else if (rest ~ /^\047/) sub(/^\047[^\047]*\047/, "", rest)
				comment = match(rest, /(^|[ \t])[ \t]*#/) ? substr(rest, RSTART) : ""
				sub(/^[ \t]*/, " ", comment)
				print ENVIRON["NAME"] "=" ENVIRON["VALUE"] (comment == " " ? "" : comment)
			}' "$app_env" >"$app_env.new" || return 1
	fi
	mv "$app_env.new" "$app_env"
}
# env_want_compose FILE: one more compose file.
env_want_compose() {
	local files
	files=$(env_get COMPOSE_FILE)
	[[ ":$files:" == *":$1:"* ]] || change "env COMPOSE_FILE gets $1" env_append_compose "$1" "$files"
}
env_append_compose() {
	local before="\$COMPOSE_FILE"
	[[ -n $2 ]] || before=compose.yml
	[[ -z $(tail -c 1 "$app_env") ]] || echo >>"$app_env"
	echo "COMPOSE_FILE=\"$before:$1\"" >>"$app_env"
}

# app_env_is_deployed NAME VALUE: abra puts the whole env file into the environment of the service app. Where it does
# not, DOMAIN is missing too and nothing is known.
app_env_is_deployed() {
	local have
	have=$(docker service inspect "${app_stack}_app" \
		--format '{{range .Spec.TaskTemplate.ContainerSpec.Env}}{{println .}}{{end}}' 2>/dev/null) || return 0
	grep -q '^DOMAIN=' <<<"$have" || return 0
	grep -qxF "$1=$2" <<<"$have"
}

is_deployed() { docker service inspect "${app_stack}_app" >/dev/null 2>&1; }
is_secret() { docker secret inspect "$1" >/dev/null 2>&1; }
# A secret's services, one a line.
secret_users() {
	local service
	for service in $(docker stack services --format '{{.ID}}' "$app_stack" 2>/dev/null); do
		docker service inspect "$service" \
			--format '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{println .SecretName}}{{end}}'
	done | grep -xF "$1" || true
}

# secret_key SECRET: the variable that says which version of a secret is used, as the recipe's compose files have it: no
# rule makes it from the secret's name.
secret_key() {
	local file text=''
	local -a files
	IFS=: read -ra files <<<"$(env_get COMPOSE_FILE)"
	for file in "${files[@]:-compose.yml}"; do
		[[ ! -r $app_checkout/$file ]] || text+=$(<"$app_checkout/$file")
	done
	[[ $text =~ _$1_\$\{?([A-Z][A-Z0-9_]*) ]] ||
		fail "the compose files of $app_recipe (${files[*]:-compose.yml}) name no secret $1: has the recipe changed?"
	printf '%s' "${BASH_REMATCH[1]}"
}

# version_of FILE: a secret's version is made from what is in it. So whether the engine has what the operator's file says
# can be seen without reading a secret, and a new file is a new version.
version_of() { printf 'v%s' "$(sha256sum <"$1" | cut -c 1-8)"; }

# app_want_secret SECRET VERSION FILE: the engine has it, the env file names it, the app that runs uses it.
app_want_secret() {
	local key name=${app_stack}_$1_$2
	if ((dry_run)) && [[ ! -d $app_checkout || ! -e $app_env ]]; then
		change "secret $name inserted" :
		return
	fi
	is_secret "$name" ||
		change "secret $name inserted" run_abra app secret insert "$app_domain" "$1" "$2" "$3" --file --offline
	key=$(secret_key "$1")
	env_want "$key" "$2"
	if is_deployed && [[ -z $(secret_users "$name") ]]; then
		redeploy=${redeploy:-"it runs with another $1"}
	fi
}
# app_drop_secrets SECRET VERSION: older ones that nothing uses. abra removes only the one that the env file names.
app_drop_secrets() {
	local name
	for name in $(docker secret ls --format '{{.Name}}' --filter "name=${app_stack}_$1_v"); do
		if [[ $name == "${app_stack}_$1_v"* && $name != "${app_stack}_$1_$2" && -z $(secret_users "$name") ]]; then
			change "secret $name removed, nothing uses it" docker secret rm "$name"
		fi
	done
}

# app_settle: deployed when it has to be, and all of it runs.
app_settle() {
	if ! is_deployed; then
		change "app $app_domain deployed" app_deploy
	elif [[ -n $redeploy ]]; then
		change "app $app_domain deployed again: $redeploy" app_deploy --force
	elif ((!dry_run)); then
		app_wait steady
	fi
}
# app_deploy WORD…: abra's exit status says when to look, not what is so. When it failed it still has to have begun.
app_deploy() {
	local before status=0
	before=$(app_index)
	run_abra app deploy "$app_domain" --no-domain-checks --offline "$@" >"$work/deploy" 2>&1 || status=$?
	if ((status)) && [[ $(app_index) == "$before" ]]; then
		tail -n 3 "$work/deploy"
		return 1
	fi
	app_wait deployed
}
app_index() { docker service inspect "${app_stack}_app" --format '{{.Version.Index}}' 2>/dev/null || true; }

# app_wait deployed|steady: until every service has as many tasks as it wants. A paused update lasts for ever. One that
# was rolled back is a failure of this deploy, and to a later look no more than history.
app_wait() {
	local end=$((SECONDS + SETTLE_TIMEOUT)) state
	while state=$(app_state "$1") && [[ -n $state ]]; do
		if [[ $state == *" is paused"* || $state == *" was rolled back"* ]] || ((SECONDS >= end)); then
			fail "$app_domain does not run: ${state//$'\n'/, }$(app_error)"
		fi
		sleep 1
	done
}
# app_state deployed|steady: a line for each thing that is not settled.
app_state() {
	local name replicas update
	while read -r name replicas _; do
		update=$(docker service inspect "$name" --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' 2>/dev/null) ||
			continue
		case $1-$update in
		*-updating | *-rollback_started) echo "the update of $name goes on" ;;
		*-paused | *-rollback_paused) echo "the update of $name is paused" ;;
		deployed-rollback_completed) echo "the update of $name was rolled back" ;;
		esac
		[[ ${replicas%%/*} == "${replicas#*/}" ]] || echo "$name has $replicas tasks"
	done < <(docker stack services --format '{{.Name}} {{.Replicas}}' "$app_stack" 2>/dev/null)
}
# app_error: why its newest failed task failed.
app_error() {
	docker stack ps --no-trunc --format '{{.Name}}: {{.Error}}' "$app_stack" 2>/dev/null |
		sed -nE '/: $/d; s/^/; /p; q'
}

# answers HOST PATH STATUS: through the proxy, by its name. '' for a status: any answer will do.
answers() {
	local status
	status=$(curl --silent --output /dev/null --max-time 10 --write-out '%{http_code}' ${PROBE_CA_FILE:+--cacert "$PROBE_CA_FILE"} \
		--connect-to "$1:443:$PROBE_CONNECT" "https://$1$2" 2>/dev/null) || return 1
	[[ -z $3 || $status == "$3" ]]
}
# wait_for_answer HOST PATH STATUS: the proxy takes some seconds to see a new task.
wait_for_answer() {
	local end=$((SECONDS + ANSWER_WAIT))
	until answers "$1" "$2" "$3"; do
		((SECONDS < end)) || return 1
		sleep 1
	done
}
