#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of ./dev coverage: of each core what its own unit test runs of it, in a build with --coverage.

coverage.py BUILD LEAST (CORE TEST MUST)…

CORE is a path without ".c", TEST the program that tests it. A core fails below LEAST per cent of its lines, and with
MUST 1 (it decides a verdict) while an arm of one of its conditions is taken by no row. Each such arm is named below
the table: a condition that no situation makes so is dead, one that some situation does needs that row.

What no test can take is left out: the lines of an assert (its failing arm ends the program), and one arm of each
switch (house rule and -Wswitch: it has a case for every enumerator, so what is left over never comes).
"""
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Coverage:
    lines: int = 0
    lines_run: int = 0
    arms: int = 0
    arms_taken: int = 0
    untaken: list = field(default_factory=list)  # (line, how many arms, its text)


def count(lines, source):
    """lines as gcov's JSON has them, source the file's lines."""
    coverage = Coverage()
    for line in lines:
        text = source[line["line_number"] - 1].strip()
        coverage.lines += 1
        coverage.lines_run += line["count"] > 0
        arms = len(line["branches"])
        untaken = sum(branch["count"] == 0 for branch in line["branches"])
        if "assert(" in text:
            continue
        if text.startswith("switch (") and untaken:
            arms, untaken = arms - 1, untaken - 1
        coverage.arms += arms
        coverage.arms_taken += arms - untaken
        if untaken:
            coverage.untaken.append((line["line_number"], untaken, text))
    return coverage


def run_test(build, test):
    for data in build.rglob("*.gcda"):
        data.unlink()
    # One process: what a test that forks has counted is written when it ends, not when it is killed.
    ran = subprocess.run([build / "tests" / test], env={**os.environ, "CK_FORK": "no"}, text=True, errors="replace",
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if ran.returncode:
        sys.exit(f"dev: coverage: {test} fails:\n" + "\n".join(ran.stdout.splitlines()[-3:]))


def read_core(build, core):
    path = Path(f"{core}.c").resolve()
    notes = list(build.glob(f"CMakeFiles/*/{core}.c.gcno"))
    if not notes:
        sys.exit(f"dev: coverage: {core}.c was not built")
    said = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", "-o", notes[0], path],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    answer = json.loads(said)
    for file in answer["files"]:
        if (Path(answer["current_working_directory"]) / file["file"]).resolve() == path:
            return count(file["lines"], path.read_text(encoding="utf-8").splitlines())
    sys.exit(f"dev: coverage: gcov knows nothing of {core}.c")


def share(part, whole):
    return 100 * part / whole if whole else 100


def main(build, least, words):
    build, least, failures, untaken = Path(build), float(least), [], []
    print(f"\n{'core':<36} {'lines':>6} {'run':>7} {'branches':>9} {'taken':>7}")
    for core, test, must in zip(words[0::3], words[1::3], words[2::3]):
        run_test(build, test)
        coverage = read_core(build, core)
        run, taken = share(coverage.lines_run, coverage.lines), share(coverage.arms_taken, coverage.arms)
        print(f"{core:<36} {coverage.lines:>6} {run:>6.1f}% {coverage.arms:>9} {taken:>6.1f}%"
              f"{'  decides a verdict' if must == '1' else ''}")
        untaken += [f"  {core}.c:{line}: {arms} of {text}" for line, arms, text in coverage.untaken]
        if run < least:
            failures.append(f"{core}: less than {least:g}% of its lines are run by {test}")
        if must == "1" and coverage.untaken:
            failures.append(f"{core}: it decides a verdict, and {test} takes not every branch")
    if untaken:
        print("\nbranches that no test takes:")
        print("\n".join(untaken))
    for failure in failures:
        print(f"dev: coverage: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
