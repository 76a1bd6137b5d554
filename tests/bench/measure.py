# SPDX-License-Identifier: GPL-3.0-or-later
"""What the measurements share: a table with the budgets beside, and what a process used, read from /proc."""
import os
import statistics

PAGE = os.sysconf("SC_PAGE_SIZE")


class Table:
    """One line for each measurement, printed as soon as it is there."""

    def __init__(self):
        self.missed = []
        print(f"{'what':<48}{'measured':<50}{'budget':<34}", flush=True)

    def row(self, what, measured, budget, held):
        """held: None when the budget cannot be told from this machine's numbers."""
        word = {True: "held", False: "MISSED", None: "-"}[held]
        if held is False:
            self.missed.append(what)
        print(f"{what:<48}{measured:<50}{budget:<34}{word}", flush=True)


def cpu_ns(pid):
    """Nanoseconds that all threads of a process have been on a processor."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def resident_mib(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE / 2**20


def _status_mib(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(f"{name}:")) / 1024


def own_mib(pid):
    """What is the process's alone: without the pages of its libraries, which all processes share."""
    return _status_mib(pid, "RssAnon")


def peak_mib(pid):
    return _status_mib(pid, "VmHWM")


def proportional_mib(pid):
    """Resident, of what it shares with others its part: a fork shares nearly all."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def median_ms(values_ns):
    return statistics.median(values_ns) / 1e6
