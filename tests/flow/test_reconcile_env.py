#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The env files of house apps as modules/reconcile/common.sh reads and writes them: as abra reads them (the stand-in's own
reader says how), and nothing in them changes but what was to change.
"""
import itertools
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, os.path.join(sys.path[0], "standin"))

from abra_standin import home  # noqa: E402
from lib import wanted  # noqa: E402
from lib.house import SCRIPTS  # noqa: E402

# DIRECTORY ENV_FILE FUNCTION ARGUMENT…; no app is deployed.
HARNESS = r"""
. "$1/common.sh"
work=$(mktemp -d) app_env=$2 app_stack=nobody app_checkout=/nonexistent
trap 'rm -rf "$work"' EXIT
docker() { return 1; }
shift 2
"$@"
"""

# (env file before, function, arguments, env file after)
WRITES = (
    ("A=1\n", "env_want", ("A", "2"), "A=2\n"),
    ("A=1\n", "env_want", ("A", "1"), "A=1\n"),
    ("A=1", "env_want", ("B", "2"), "A=1\nB=2\n"),
    ("", "env_want", ("A", ""), "A=\n"),
    ("A=\n", "env_want", ("A", ""), "A=\n"),
    ("#A=1\n", "env_want", ("A", ""), "#A=1\nA=\n"),
    ("A=1\nB=2\nA=3\n", "env_want", ("A", "4"), "A=1\nB=2\nA=4\n"),
    ("A=1\nA=2\n", "env_want", ("A", "2"), "A=1\nA=2\n"),
    ("export A = 1\n", "env_want", ("A", "2"), "A=2\n"),
    ("A=v1   # length=32 charset=hex\n", "env_want", ("A", "v2"), "A=v2 # length=32 charset=hex\n"),
    ("A=\"v 1\" # generate=false\n", "env_want", ("A", "v2"), "A=v2 # generate=false\n"),
    ("A='x # y'\n", "env_want", ("A", "z"), "A=z\n"),
    ("A=x#y\n", "env_want", ("A", "z"), "A=z\n"),
    ("A=# c\n", "env_want", ("A", "z"), "A=z # c\n"),
    ("AB=1\nXA=2\n", "env_want", ("A", "3"), "AB=1\nXA=2\nA=3\n"),
    ("A=a&b\\1\n", "env_want", ("A", "c+d"), "A=c+d\n"),
    ("", "env_want_compose", ("x.yml",), 'COMPOSE_FILE="compose.yml:x.yml"\n'),
    ("COMPOSE_FILE=\"compose.yml\"", "env_want_compose", ("x.yml",), 'COMPOSE_FILE="compose.yml"\nCOMPOSE_FILE="$COMPOSE_FILE:x.yml"\n'),
    ("COMPOSE_FILE=compose.yml:x.yml\n", "env_want_compose", ("x.yml",), "COMPOSE_FILE=compose.yml:x.yml\n"),
    ("COMPOSE_FILE=a.yml\nCOMPOSE_FILE=\"${COMPOSE_FILE}:x.yml\" # why\n", "env_want_compose", ("x.yml",),
     "COMPOSE_FILE=a.yml\nCOMPOSE_FILE=\"${COMPOSE_FILE}:x.yml\" # why\n"),
    # What is added before somebody begins anew is gone.
    ("COMPOSE_FILE=compose.yml:x.yml\nCOMPOSE_FILE=compose.yml\n", "env_want_compose", ("x.yml",),
     "COMPOSE_FILE=compose.yml:x.yml\nCOMPOSE_FILE=compose.yml\nCOMPOSE_FILE=\"$COMPOSE_FILE:x.yml\"\n"),
    ("COMPOSE_FILE='$COMPOSE_FILE:x.yml'\n", "env_want_compose", ("x.yml",), "COMPOSE_FILE='$COMPOSE_FILE:x.yml'\n"),
)
VALUES = ("", "1", "v1", "compose.yml", "a b", "a#b", "a # b", "# b", "'q r'", '"q r"', "'a' # c", '"a" # c k=v', "$A:x", "${A}:y",
          '"$A:z"', "'$A'", "$B", "x&y", "\\1", "a:b:c", "  s", "t  ")


class Env(unittest.TestCase):
    def call(self, text, function, *arguments):
        """(exit code, what it wrote, the env file afterwards)"""
        with tempfile.TemporaryDirectory(prefix="env-") as directory:
            path = os.path.join(directory, "app.env")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run(["bash", "-c", HARNESS, "harness", SCRIPTS, path, function, *arguments], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
            with open(path, encoding="utf-8") as file:
                after = file.read()
            self.assertEqual(os.listdir(directory), ["app.env"])
        return done.returncode, done.stdout, after

    def test_writes(self):
        for number, (before, function, arguments, after) in enumerate(WRITES):
            with self.subTest(row=number, before=before, arguments=arguments):
                code, output, found = self.call(before, function, *arguments)
                self.assertEqual((code, found), (0, after), output)
                self.assertEqual(output == "", before == after)
                # And abra reads what was meant.
                values, _ = home.parse_env(found)
                if function == "env_want":
                    self.assertEqual(values[arguments[0]], arguments[1])
                self.assertEqual(self.call(found, function, *arguments), (0, "", after))

    def test_a_value_that_would_be_read_otherwise(self):
        for value in ("a b", "$A", "a#b", "a'b", "a\nB=1", 'a"b'):
            code, output, after = self.call("A=1\n", "env_want", "A", value)
            self.assertEqual((code, after), (1, "A=1\n"), output)
            self.assertIn("has a character that an env file does not take", output)

    def test_reads_as_abra(self):
        """A file of made lines. What names another variable than itself is abra's affair: no setting of ours does."""
        chance = wanted.chance()
        counter = itertools.count()
        lines = [[f"{chance.choice(['', ' ', 'export '])}{name}{chance.choice(['=', ' =', '= '])}{value}"
                  for name, value in ((chance.choice("AAC"), chance.choice(VALUES)) for _ in range(chance.randrange(5)))]
                 for _ in range(60)]
        for made in lines:
            text = "".join(f"{line}\n" for line in made if "$B" not in line)
            with self.subTest(number=next(counter), text=text):
                for name in "AC":
                    own = "".join(line for line in text.splitlines(True) if name == "A" or "$A" not in line and "${A" not in line)
                    values, _ = home.parse_env(own)
                    self.assertEqual(self.call(own, "env_get", name)[:2], (0, values.get(name, "")))


class Contract(unittest.TestCase):
    def test_settings(self):
        """Every setting has a row in docs/contracts.md, section 11, with its default."""
        root = os.path.dirname(os.path.dirname(SCRIPTS))
        with open(os.path.join(root, "docs/contracts.md"), encoding="utf-8") as file:
            section = file.read().split("## 11. ")[1].split("\n## ")[0]
        told = {}
        for names, default in re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", section, re.M):
            parts = re.split(r", (?=`|empty)", default)
            names = re.findall(r"`(\w+)`", names)
            told.update(zip(names, parts if len(parts) == len(names) else [default] * len(names)))
        shown = subprocess.run(
            ["bash", "-c", '. "$1/common.sh"; fill_in_defaults; for name in $KNOWN; do echo "$name ${!name}"; done', "show", SCRIPTS],
            env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
        have = dict(line.partition(" ")[::2] for line in shown.splitlines())
        self.assertEqual(set(told), set(have))
        for name, default in have.items():
            with self.subTest(name):
                if name == "ABRA_DIR":
                    self.assertEqual((told[name], default), ("`~/.abra`", ""))  # it depends on HOME
                elif default:
                    self.assertEqual(told[name], f"`{default}`")
                else:
                    self.assertRegex(told[name], "^(required|empty)")


if __name__ == "__main__":
    unittest.main()
