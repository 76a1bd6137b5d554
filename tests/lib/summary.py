#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table at the end of ./dev test.

summary.py DIRECTORY (LABEL MUST_RUN NOTE)…

Reads DIRECTORY/LABEL.xml as ctest wrote it; labels that ran side by side share host.xml, where a test's name begins
with its label. A test program counts as the checks it reports itself (Check's and unittest's closing lines); one
that says nothing counts as one. Its lines "compared: …" are shown again: what an oracle's test counted. A label with
MUST_RUN 1 was asked for by name and could not run: that is a failure; 0 was left out. The last line is the closing
line alone.
"""
import re
import sys
import xml.etree.ElementTree
from dataclasses import dataclass, field
from pathlib import Path

CHECK_LINE = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.M)
UNITTEST_LINE = re.compile(r"^Ran (\d+) tests? in [\d.]+s$", re.M)
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.M)
COMPARED_LINE = re.compile(r"^compared: (.*)$", re.M)
# "name (where) ... skipped 'why'"; a docstring puts a line of its own before the dots.
UNITTEST_SKIP = re.compile(r"^(\w+) \([\w.]+\)(?:\n[^\n]*)? \.\.\. skipped (['\"])(.*)\2$", re.M)


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failures: list = field(default_factory=list)
    skips: list = field(default_factory=list)
    compared: list = field(default_factory=list)


def count_program(case, count):
    name = case.get("name")
    out = case.findtext("system-out") or ""
    state = case.get("status")
    count.seconds += float(case.get("time") or 0)
    if state in ("notrun", "disabled"):
        reason = case.find("skipped")
        count.skipped += 1
        count.skips.append(f"{name}: {reason.get('message') if reason is not None else 'not run'}")
        return
    count.compared += COMPARED_LINE.findall(out)
    passed, failed, skipped = 0, 0, 0
    for total, failures, errors in CHECK_LINE.findall(out):
        failed += int(failures) + int(errors)
        passed += int(total) - int(failures) - int(errors)
    for total, end in zip(UNITTEST_LINE.findall(out), UNITTEST_END.findall(out)):
        said = dict(re.findall(r"([a-z ]+)=(\d+)", end or ""))
        bad = sum(int(said.get(word, 0)) for word in ("failures", "errors", "unexpected successes"))
        left = int(said.get("skipped", 0))
        failed, skipped, passed = failed + bad, skipped + left, passed + int(total) - bad - left
    reasons = {}
    for test, _, reason in UNITTEST_SKIP.findall(out):
        reasons.setdefault(reason, []).append(test)
    count.skips += [f"{name}: {', '.join(tests)}: {reason}" for reason, tests in reasons.items()]
    if state != "run":
        # It died, ran into its time limit, or failed after its last check.
        failed = max(failed, 1)
        count.failures.append(name)
    elif not passed + failed + skipped:
        passed = 1
    count.passed += passed
    count.failed += failed
    count.skipped += skipped


def count_label(path, label):
    count = Count()
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        if path.stem == label or case.get("name").startswith(f"{label}."):
            count_program(case, count)
    return count


def main(directory, words):
    total = Count()
    print(f"\n{'label':<8}{'passed':>8}{'failed':>8}{'skipped':>9}{'time':>9}  left out")
    for label, must_run, note in zip(words[0::3], words[1::3], words[2::3]):
        path = Path(directory) / f"{label}.xml"
        path = path if path.exists() else Path(directory) / "host.xml"
        count = count_label(path, label) if path.exists() else Count()
        if must_run == "1":
            count.failed += 1
            count.failures.append(f"{label}: {note}")
        elif must_run == "" and not path.exists():
            count.failed += 1
            count.failures.append(f"{label}: ctest wrote no results")
        elif must_run == "" and not count.passed + count.failed + count.skipped:
            note = "no test has this label"
        if must_run == "":
            print(f"{label:<8}{count.passed:>8}{count.failed:>8}{count.skipped:>9}"
                  f"{count.seconds:>7.0f} s  {note}")
        else:
            print(f"{label:<8}{'-':>8}{count.failed or '-':>8}{'-':>9}{'-':>9}  {note}")
        for name in ("passed", "failed", "skipped", "failures", "skips", "compared"):
            setattr(total, name, getattr(total, name) + getattr(count, name))
    for title, lines in (("compared", total.compared), ("skipped", total.skips), ("failed", total.failures)):
        if lines:
            print(f"\n{title}:")
            print("\n".join(f"  {line}" for line in lines))
    print(f"\n{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
