# SPDX-License-Identifier: GPL-3.0-or-later
"""Many inputs, each read by docker's or godotenv's code and by ours: counts, and each difference as small as it gets.

    tally = differences.generated("env files", compare, make)       1,000 of them, or 100,000 with CCCI_ALL
    tally.check(self)                                               prints the counts, fails on a difference

compare(input) returns an Outcome; make(random) returns an input. Both run in several processes. The seed is CCCI_SEED:
input n of a seed is always the same.
"""

import concurrent.futures
import itertools
import multiprocessing
import os
import random
import sys
import time

from lib import wanted

SHOWN_MAX = 20  # differences; where one rule is broken there are thousands
SHRINK_S = 20  # for one of them
PROGRESS_S = 15
CHUNK = 25


class Outcome:
    """kind is "accepted" or "refused" when both agree, "apart" for what ours alone refuses on purpose, else "different"."""

    def __init__(self, kind, theirs, ours):
        self.kind, self.theirs, self.ours = kind, theirs, ours


def compare(theirs, ours, on_purpose=()):
    """The Outcome of two readings, each ("model", value) or ("refused", why)."""
    if theirs[0] == ours[0] == "refused":
        return Outcome("refused", theirs, ours)
    if theirs == ours:
        return Outcome("accepted", theirs, ours)
    if ours[0] == "refused" and any(word in ours[1] for word in on_purpose):
        return Outcome("apart", theirs, ours)
    return Outcome("different", theirs, ours)


class Tally:
    def __init__(self, name):
        self.name = name
        self.counts = dict.fromkeys(("accepted", "refused", "apart", "different"), 0)
        self.shown = []  # (label, input, Outcome)

    def add(self, label, data, outcome):
        self.counts[outcome.kind] += 1
        if outcome.kind == "different" and len(self.shown) < SHOWN_MAX:
            self.shown.append((label, data, outcome))

    def merge(self, other):
        for kind, count in other.counts.items():
            self.counts[kind] += count
        self.shown = (self.shown + other.shown)[:SHOWN_MAX]

    def __str__(self):
        apart = f", {self.counts['apart']} refused by ours alone on purpose" if self.counts["apart"] else ""
        return (f"{self.name}: {sum(self.counts.values())} inputs, {self.counts['accepted']} accepted by both, "
                f"{self.counts['refused']} refused by both{apart}, {self.counts['different']} differences")

    def check(self, case):
        print(f"\ncompared: {self}", flush=True)
        for label, data, outcome in self.shown:
            print(f"  {label}: {data!r}\n    theirs {outcome.theirs}\n    ours   {outcome.ours}", flush=True)
        case.assertEqual(self.counts["different"], 0, str(self))


def shrink(data, compare_one):
    """A smaller input that still differs, of a text, bytes or a list; of anything else the input itself."""
    if not isinstance(data, (str, bytes, list)):
        return data
    end = time.monotonic() + SHRINK_S
    size = max(len(data) // 2, 1)
    while size:
        for at in range(0, len(data), size):
            less = data[:at] + data[at + size:]
            if time.monotonic() > end:
                return data
            if compare_one(less).kind == "different":
                data = less
                break
        else:
            size //= 2
    return data


def _run(arguments):
    name, seed, numbers, compare_one, make = arguments
    tally = Tally(name)
    for number in numbers:
        data = make(random.Random(f"{seed}/{number}"))
        outcome = compare_one(data)
        if outcome.kind == "different" and len(tally.shown) < 2:
            data = shrink(data, compare_one)
            outcome = Outcome("different", *(lambda o: (o.theirs, o.ours))(compare_one(data)))
        tally.add(f"number {number}", data, outcome)
    return tally


def generated(name, compare_one, make, share=1.0):
    """share: of the usual number, for inputs that hold many in one."""
    count = int((100000 if wanted.everything() else 1000) * share)
    seed = os.environ.get("CCCI_SEED") or str(random.randrange(10 ** 6))
    whole = Tally(f"{name}, seed {seed[:12]}")
    chunks = [(name, seed, range(first, min(first + CHUNK, count)), compare_one, make)
              for first in range(0, count, CHUNK)]
    said = time.monotonic()
    # forked, so that what is unpacked once serves all
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork")) as pool:
        for done, part in zip(itertools.count(1), pool.map(_run, chunks)):
            whole.merge(part)
            if time.monotonic() - said > PROGRESS_S:
                said = time.monotonic()
                print(f"{done * CHUNK} of {count}: {whole}", file=sys.stderr, flush=True)
    return whole


def corpus(name, compare_one, is_wanted):
    """The files below CCCI_CORPUS whose name is wanted; None when there is no such folder."""
    folder = os.environ.get("CCCI_CORPUS")
    if not folder:
        return None
    tally = Tally(f"{name} of {folder}")
    for root, _, files in os.walk(folder):
        for path in sorted(os.path.join(root, file) for file in files if is_wanted(file)):
            tally.add(path, path, compare_one(path))
    return tally
