#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ccci-rebuild [--flake REF] [--wait]: builds and switches this NixOS host, in a unit of systemd's own: neither a lost ssh
# connection nor a restart of what called it ends it half way. A generation that does not switch, or after which a unit fails
# that was well before or `ccci-run doctor` is not content, is rolled back.
#
#     ccci-rebuild                        from REBUILD_FLAKE, /etc/nixos when that is not set
#     journalctl -fu ccci-rebuild         what it does
#
# Exit: 0 it has begun (with --wait: the new generation is well), 1 failed, rolled back, 2 a precondition is missing.

set -euo pipefail

readonly UNIT=ccci-rebuild
flake=${REBUILD_FLAKE:-/etc/nixos}
mode=start

say() { printf 'rebuild: %s\n' "$*"; }
fail() {
	printf 'rebuild: failed: %s\n' "$*" >&2
	exit 1
}
lack() {
	printf 'rebuild: missing: %s\n' "$*" >&2
	exit 2
}

while (($#)); do
	case $1 in
	--flake)
		(($# > 1)) || lack "what --flake names"
		flake=$2
		shift
		;;
	--wait) mode=waiting ;;
	--inside) mode=inside ;; # how the unit calls it
	*) lack "an option that is known: --flake REF, --wait (not '$1')" ;;
	esac
	shift
done

failed_units() { systemctl list-units --state=failed --plain --no-legend | awk '{ print $1 }' | sort; }
generation() { readlink -f "$SYSTEM"; }
SYSTEM=${SYSTEM:-/nix/var/nix/profiles/system}

start() {
	local words=(--unit "$UNIT" --collect --service-type oneshot --setenv "PATH=$PATH" --setenv "SYSTEM=$SYSTEM"
		--property TimeoutStartSec=2h)
	command -v nixos-rebuild >/dev/null || lack "nixos-rebuild: this is no NixOS"
	((EUID == 0)) || lack "root"
	[[ $(systemctl is-active "$UNIT.service" 2>/dev/null) != activating ]] ||
		lack "the end of the rebuild that goes on (journalctl -fu $UNIT)"
	[[ $mode == waiting ]] || words+=(--no-block)
	systemd-run "${words[@]}" -- "$(readlink -f "$0")" --inside --flake "$flake" ||
		fail "the new generation is not in place (journalctl -u $UNIT)"
	say "begun: journalctl -fu $UNIT"
}

# With the old one back it is as before; what failed then is said.
back() {
	say "$1: going back"
	nixos-rebuild switch --rollback || fail "$1, and the generation before could not be switched to"
	[[ $(generation) == "$before" ]] || fail "$1, and $(generation) is in place, which is neither"
	fail "$1; the generation before is back"
}

inside() {
	local bad
	before=$(generation)
	old_failed=$(failed_units)
	say "building from $flake"
	nixos-rebuild build --flake "$flake" || fail "it does not build; nothing was changed"
	if ! nixos-rebuild switch --flake "$flake"; then
		[[ $(generation) == "$before" ]] && fail "it does not switch; the generation before is in place"
		back "it does not switch"
	fi
	if [[ $(generation) == "$before" ]]; then
		say "nothing to do"
		exit 0
	fi
	bad=$(comm -13 <(printf '%s\n' "$old_failed") <(failed_units) | tr '\n' ' ')
	[[ -z ${bad// /} ]] || back "failed now: ${bad% }"
	ccci-run doctor || back "ccci-run doctor is not content"
	say "in place: $(generation)"
}

if [[ $mode == inside ]]; then
	inside
else
	start
fi
