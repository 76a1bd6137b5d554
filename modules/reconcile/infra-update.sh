#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Newer versions of proxy and Drone, off unless INFRA_UPDATE=1. What a person has to decide stays: a new major version of
# the recipe, and one with release notes, which is where recipes say what has to be done by hand. Before the update the app
# has to be well, and what is not well after it goes back to the version before.

# Packagers may put the common part in front instead.
# shellcheck source=modules/reconcile/common.sh
declare -F begin >/dev/null || . "$(dirname "$(readlink -f "$0")")/common.sh"

# "DOMAIN RECIPE HEALTH", for each that this host has. The proxy has no page of its own that it always answers.
apps() {
	[[ -z $PROXY_DOMAIN ]] || echo "$PROXY_DOMAIN traefik -"
	[[ -z $DRONE_DOMAIN ]] || echo "$DRONE_DOMAIN drone /healthz"
}

look() {
	[[ -n $PROXY_DOMAIN$DRONE_DOMAIN ]] || lack "PROXY_DOMAIN or DRONE_DOMAIN ($CCCI_ETC/infra.conf)"
	want_abra
	want_program git
	want_program curl
	want_swarm
	check_lacks
	while read -r domain recipe _; do
		app_open "$recipe" "$domain"
		[[ -e $app_env && -d $app_checkout ]] || lack "the app $domain ($recipe.sh makes it: proxy.sh, drone.sh)"
		is_deployed || lack "$domain, deployed (proxy.sh, drone.sh)"
	done < <(apps)
	check_lacks
}

# versions NEWER_THAN: the recipe's published ones, oldest first. What follows the plus sign is the app's.
versions() { git -c safe.directory='*' -C "$app_checkout" tag --list | grep -E '^[0-9]+\.[0-9]+\.[0-9]+\+' | sort -V | awk -v after="$1" 'seen; $0 == after { seen = 1 }'; }
# notes_of VERSION: whether its release notes say anything.
notes_of() { [[ -n $(git -c safe.directory='*' -C "$app_checkout" show "$1:release/$1" 2>/dev/null) ]]; }

# choose PIN: the newest version that may be taken; what stops there is in `held`.
choose() {
	local version
	target='' held=''
	while read -r version; do
		if [[ ${version%%.*} != "${1%%.*}" ]]; then
			held="$version is a new major version"
		elif notes_of "$version"; then
			held="$version has release notes"
		else
			target=$version
			continue
		fi
		return
	done < <(versions "$1")
}

is_well() {
	local end=$((SECONDS + SETTLE_TIMEOUT)) state
	while state=$(app_state "$1") && [[ -n $state ]]; do
		[[ $state != *" is paused"* && $state != *" was rolled back"* ]] || return 1
		((SECONDS < end)) || return 1
		sleep 1
	done
	if [[ $health == - ]]; then
		[[ -z $ZONE ]] || wait_for_answer "some-app.$ZONE" / ''
	else
		wait_for_answer "$app_domain" "$health" 200
	fi
}

pin() {
	local recipe
	recipe=$(env_get RECIPE)
	recipe=${recipe:-$(env_get TYPE)}
	[[ $recipe == *:* ]] && printf '%s' "${recipe##*:}"
}

# update FROM
update() {
	local before status=0
	before=$(app_index)
	run_abra app upgrade "$app_domain" "$target" --no-domain-checks --offline >"$work/upgrade" 2>&1 || status=$?
	if ((status)) && [[ $(app_index) == "$before" ]]; then
		fail "abra app upgrade $app_domain $target did not begin: $(tail -n 2 "$work/upgrade" | tr '\n' ' ')"
	fi
	if is_well deployed && [[ $(pin) == "$target" ]]; then
		return
	fi
	say "$app_domain is not well with $target$(app_error)" >&3
	# A deploy of the old one and no rollback: where Swarm went back by itself abra would see nothing to roll back.
	run_abra app deploy "$app_domain" "$1" --force --no-domain-checks --offline >"$work/back" 2>&1 || true
	if is_well deployed && [[ $(pin) == "$1" ]]; then
		fail "$app_domain: $target does not do, $1 is back and well"
	fi
	fail "$app_domain: $target does not do, and $1 did not come back: $(tail -n 3 "$work/back" | tr '\n' ' ')"
}

begin "$@"
want_switch INFRA_UPDATE
look
while read -r domain recipe health <&4; do
	app_open "$recipe" "$domain"
	now=$(pin)
	if [[ $now != *+* || $now == *+U ]]; then
		lack "a published version of $domain: it is pinned to '$now' (abra app deploy $domain VERSION)"
		continue
	fi
	is_well steady || fail "$domain is not well before any update$(app_error)"
	if ((dry_run)); then
		say "$domain: looking at what was fetched last"
	else
		run_abra recipe fetch "$recipe" >"$work/fetch" 2>&1 </dev/null ||
			fail "abra recipe fetch $recipe: $(tail -n 1 "$work/fetch")"
	fi
	choose "$now"
	[[ -z $target ]] || change "$domain from $now to $target" update "$now"
	[[ -z $held ]] || lack "a person for $domain: $held. Read it, then: abra app upgrade $domain ${held%% *}"
done 4< <(apps)
if ((${#lacks[@]})); then
	((changes == 0)) || say "$changes changes"
	check_lacks
fi
finish
