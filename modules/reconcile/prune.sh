#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Images that nothing needs go when the disk or its inodes are short. ccci-run knows what is needed: it keeps what a
# container, a service, a run or the newest green run of a recipe uses. Volumes, networks and containers are left alone.

# Packagers may put the common part in front instead.
# shellcheck source=modules/reconcile/common.sh
declare -F begin >/dev/null || . "$(dirname "$(readlink -f "$0")")/common.sh"

begin "$@"
want_switch PRUNE
want_program ccci-run
want_engine
check_lacks
words=(prune)
[[ ! -r $CCCI_ETC/run.yml ]] || words+=(--config "$CCCI_ETC/run.yml")
((dry_run)) && words+=(--dry-run)
ccci-run "${words[@]}" >"$work/output" 2>&1 || fail "ccci-run prune: $(tail -n 3 "$work/output" | tr '\n' ' ')"
while IFS= read -r line; do
	say "$line"
	[[ $line != removed\ * && $line != 'would remove '* ]] || changes=$((changes + 1))
done <"$work/output"
finish
