# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of ccci-bridge for fish: what the program says of itself (--help).
complete -c ccci-bridge -a "(ccci-bridge --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\).*/\1/p')"
