#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench [bridge|runner]…: the budgets of docs/architecture.md, measured on this machine, each beside its budget."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from bench import bridge, runner
from bench.measure import Table

PARTS = {"bridge": bridge.measure, "runner": runner.measure}


def main(names):
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"bench: unknown part {unknown[0]} (there are: {', '.join(PARTS)})")
    table = Table()
    for name in names or PARTS:
        PARTS[name](table)
    if table.missed:
        print(f"\nmissed: {', '.join(table.missed)}")
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
