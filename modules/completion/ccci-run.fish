# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of ccci-run for fish: what the program says of itself (--help).
complete -c ccci-run -a "(ccci-run --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\).*/\1/p')"
complete -c ccci-run -n __fish_use_subcommand -f \
	-a "(ccci-run --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  *\([^ ].*\)/\1\t\2/p')"
