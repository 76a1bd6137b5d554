#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The images of what was green last are on this machine, off unless WARM names recipes ("custom-html,ghost", or "*"): after
# a new disk or a long prune the first run need not wait for them. An app that runs share is ccci-run's own (SHARED_NEEDS).

# Packagers may put the common part in front instead.
# shellcheck source=modules/reconcile/common.sh
declare -F begin >/dev/null || . "$(dirname "$(readlink -f "$0")")/common.sh"

readonly LEAST_FREE=30 # per cent of the disk

recipes() {
	local recipe
	if [[ $WARM == '*' ]]; then
		ls -- "$notes" 2>/dev/null || true
		return
	fi
	for recipe in ${WARM//,/ }; do
		[[ $recipe =~ ^[a-z0-9][a-z0-9-]*$ ]] && echo "$recipe"
	done
}
images() {
	local recipe
	for recipe in $(recipes); do
		[[ ! -r $notes/$recipe ]] || cat -- "$notes/$recipe"
	done | grep -E '^[A-Za-z0-9]' | sort -u
}
free_percent() { df --output=pcent "$1" | awk 'NR == 2 { print 100 - $1 }'; }

begin "$@"
if [[ -z $WARM ]]; then
	say "off (WARM is empty)"
	exit 0
fi
[[ $WARM =~ ^(\*|[a-z0-9-]+(,[a-z0-9-]+)*)$ ]] || lack "WARM, recipes with commas between, or *: it is '$WARM'"
want_engine
check_lacks
notes=$STATE_DIR/canonical/images
root=$(docker info --format '{{.DockerRootDir}}')
for image in $(images); do
	docker image inspect "$image" >/dev/null 2>&1 && continue
	if (($(free_percent "$root") < LEAST_FREE)); then
		warn "less than $LEAST_FREE % of $root is free: no more images are pulled"
		break
	fi
	change "image $image pulled" docker pull --quiet "$image"
done
finish
