#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manuals say what the programs say of themselves: every option and word of --help. (Settings and exit codes:
tests/unit/test_manuals.c.)"""
import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.environ.get("CCCI_BUILD", os.path.join(ROOT, "build", "dev"))
MANUALS = {"ccci-run": "docs/ccci-run.1", "ccci-bridge": "docs/ccci-bridge.8"}
SETTING = re.compile(r"^  --([a-z-]+) (\S+)\n      (.*?)(?: \(([^()]*)\))?$", re.M)


def help_text(program):
    return subprocess.run([os.path.join(BUILD, program), "--help"], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=True).stdout


def manual(program):
    with open(os.path.join(ROOT, MANUALS[program]), encoding="utf-8") as file:
        return file.read()


class Manuals(unittest.TestCase):
    def check_options(self, program):
        text, page = help_text(program), manual(program)
        for flag in set(re.findall(r"--([a-z-]+)", text)) - {flag for flag, *_ in SETTING.findall(text)}:
            self.assertRegex(page, rf"Fl -{flag}\b", f"--{flag}")

    def check_words(self, program):
        for word in re.findall(r"^  ([a-z]+)  +\S", help_text(program), re.M):
            self.assertRegex(manual(program), rf"\b{word}\b")


def add_tests():
    for check in [name for name in dir(Manuals) if name.startswith("check_")]:
        for program in MANUALS:
            name = f"test_{check.removeprefix('check_')}_of_{program.replace('-', '_')}"
            setattr(Manuals, name, lambda self, check=check, program=program: getattr(self, check)(program))


add_tests()

if __name__ == "__main__":
    unittest.main()
