#compdef ccci-bridge ccci-run
# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of ccci-bridge and ccci-run for zsh: what the program says of itself (--help).

_ccci() {
	local help
	local -a flags places
	help=$(_call_program help $words[1] --help 2>/dev/null) || return 1
	flags=(${(f)"$(sed -n 's/^  \(--[a-z-]*\).*/\1/p' <<<$help)"})
	places=(${(f)"$(sed -n 's/^  \([a-z][a-z-]*\)  *\([^ ].*\)/\1:\2/p' <<<$help)"})
	if [[ $PREFIX == -* ]]; then
		compadd -- $flags
	elif ((CURRENT == 2 && $#places)); then
		_describe word places
	else
		_files
	fi
}

_ccci "$@"
