# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Completion of ccci-bridge and ccci-run for bash. What there is to complete the program itself says (--help), so that
# nothing has to be kept here when a word or a setting is added.

# The words that a flag takes, where they are few: "--ci-engine WORD" and below it "...: drone, woodpecker (drone)".
_ccci_values() {
	sed -n "/^  $1 0|1\$/s/.*/0 1/p; /^  $1 WORD\$/{n;s/ ([^()]*)\$//;s/.*: //;s/, */ /gp}" <<<"$2"
}

_ccci() {
	local program=$1 word=$2 before=$3 help words i has_word=
	help=$("$program" --help 2>/dev/null) || return 0
	# "--flag=value" arrives in three parts.
	if [[ $word == = ]]; then
		word=
	elif [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $before in
	--config | --*-file | --*-dir | --*-path | --json | --junit | --suites)
		compopt -o default
		return 0
		;;
	--*)
		words=$(_ccci_values "$before" "$help")
		if [[ -n $words ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
			return 0
		fi
		;;
	esac
	if [[ $word == -* ]]; then
		words=$(sed -n 's/^  \(--[a-z-]*\).*/\1/p' <<<"$help")
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
		return 0
	fi
	words=$(sed -n 's/^  \([a-z][a-z-]*\)  *[^ ].*/\1/p' <<<"$help")
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ $'\n'$words$'\n' != *$'\n'"${COMP_WORDS[i]}"$'\n'* ]] || has_word=1
	done
	if [[ -n $has_word || -z $words ]]; then
		compopt -o default
	else
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	fi
}
complete -F _ccci ccci-bridge ccci-run
