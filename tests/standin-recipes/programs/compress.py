# SPDX-License-Identifier: GPL-3.0-or-later
"""For synapse_auto_compressor: groups of state become differences to the one before."""

import subprocess
import sys

address = sys.argv[sys.argv.index("-p") + 1]


def ask(statements):
    done = subprocess.run(["/usr/lib/postgresql/15/bin/psql", address, "-At", "-q", "-w", "-F", "\x1f", "-v", "ON_ERROR_STOP=1"],
                          input=statements, text=True, stdout=subprocess.PIPE, check=True)
    return [line.split("\x1f") for line in done.stdout.splitlines()]


groups, made = {}, []
for group, room, *row in ask("SELECT state_group, room_id, type, state_key, event_id FROM state_groups_state WHERE state_group NOT IN "
                             "(SELECT state_group FROM state_group_edges)"):
    groups.setdefault(room, {}).setdefault(int(group), set()).add(tuple(row))
for room, states in groups.items():
    order = sorted(states)
    for before, group in zip(order, order[1:]):
        kept = states[before] - states[group]
        if {row[:2] for row in kept} - {row[:2] for row in states[group]}:
            continue  # something was taken away: it stays a snapshot
        same = ", ".join(f"($a${kind}$a$, $a${key}$a$)" for kind, key, _ in states[before] & states[group])
        made.append(f"INSERT INTO state_group_edges VALUES ({group}, {before});")
        if same:
            made.append(f"DELETE FROM state_groups_state WHERE state_group = {group} AND (type, state_key) IN ({same});")
ask("BEGIN;" + "\n".join(made) + "COMMIT;")
