#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manuals say what the programs say of themselves: every setting with its default, every option of --help, and no
setting that does not exist."""
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


def section(text, name):
    return text.partition(f".Sh {name}\n")[2].partition("\n.Sh ")[0]


def setting(flag):
    """The setting's name; of a secret the flag takes a path, and so has _FILE behind."""
    name = flag.replace("-", "_").upper()
    return name.removesuffix("_FILE") if name.endswith(("_TOKEN_FILE", "_SECRET_FILE")) else name


class Manuals(unittest.TestCase):
    def check_settings(self, program):
        rows = {setting(flag) for flag, *_ in SETTING.findall(help_text(program))}
        self.assertGreater(len(rows), 10)
        entries = re.findall(r"^\.It Ev (.*)$", section(manual(program), "SETTINGS"), re.M)
        self.assertEqual({name for entry in entries for name in entry.split(" , ")}, rows)

    def check_defaults(self, program):
        items = re.split(r"^\.It Ev ", section(manual(program), "SETTINGS"), flags=re.M)[1:]
        for flag, _, _, default in SETTING.findall(help_text(program)):
            if default in ("", "required"):
                continue
            item = next(item for item in items if setting(flag) in item.partition("\n")[0].split(" , "))
            self.assertRegex(item, rf"(?<![\w.]){re.escape(default)}(?!\w)", f"default of {setting(flag)}")

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
