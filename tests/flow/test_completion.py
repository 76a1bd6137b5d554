#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shells offer behind ccci-bridge and ccci-run: every word and flag that the programs know, and no other. The
expected ones are read from --help in a way of its own; a handful is spelled out."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from lib.installed import Installed

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.environ.get("CCCI_BUILD", os.path.join(ROOT, "build", "dev"))
PROGRAMS = ("ccci-bridge", "ccci-run")
FILE_WORDS = "a file"                    # what a shell says that leaves a place to file names

BASH = """
compopt() { echo "a file"; }
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_ccci "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""

# A terminal of zsh's own, as nothing else can be asked what it would show; told by a file, as the terminal also has
# what the line editor draws. Until the prompt is there the kernel still edits the line, and C-u would take all of it.
ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D"
zpty -w shell "compadd() { local -a hits; builtin compadd -O hits \"\$@\"; printf '%s\\n' \$hits >>$3; }"
zpty -w shell "PS1=the''prompt"
zpty -r shell line '*theprompt*'
zpty -n -w shell "$2"$'\t'
zpty -n -w shell $'\x15'"print the''end"$'\n'
while zpty -r shell line; do [[ $line == *theend* ]] && break; done
zpty -d shell
"""


def run(*words, env=None):
    done = subprocess.run(words, env=env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=30, check=False)
    return done.stdout


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = cls.enterClassContext(Installed(BUILD))
        cls.env = os.environ | {"PATH": f"{cls.root.path('bin')}:{os.environ['PATH']}", "TERM": "dumb"}
        helps = {program: run(program, "--help", env=cls.env) for program in PROGRAMS}
        cls.flags = {program: set(re.findall(r"^  (--[a-z-]+)", text, re.M)) for program, text in helps.items()}
        cls.words = {program: set(re.findall(r"^  ([a-z][a-z-]*) +\S", text, re.M)) for program, text in helps.items()}

    def test_what_help_is_read_for(self):
        self.assertLess({"prepare", "install", "check-suite", "teardown"}, self.words["ccci-run"])
        self.assertLess({"--config", "--poll-interval", "--gitea-token-file"}, self.flags["ccci-bridge"])
        self.assertLess({"--dry-run", "--max-tests"}, self.flags["ccci-run"])
        self.assertEqual(set(), self.words["ccci-bridge"])

    def bash(self, *line):
        script = self.root.path(f"share/bash-completion/completions/{line[0]}")
        return set(run("bash", "--norc", "-c", BASH, "bash", script, *line, env=self.env).split("\n")) - {""}

    def test_bash_offers_flags_and_words(self):
        for program in PROGRAMS:
            self.assertEqual(self.flags[program], self.bash(program, "--"))
        self.assertEqual(self.words["ccci-run"], self.bash("ccci-run", ""))
        self.assertEqual({"recreate", "recipe", "report", "reap"}, self.bash("ccci-run", "re"))
        self.assertEqual({"--gitea-url"}, self.bash("ccci-run", "plan", "--gitea-u"))

    def test_bash_offers_values_and_files(self):
        self.assertEqual({"drone", "woodpecker"}, self.bash("ccci-bridge", "--ci-engine", ""))
        self.assertEqual({"debug"}, self.bash("ccci-bridge", "--log-level", "=", "d"))
        self.assertEqual({"0", "1"}, self.bash("ccci-run", "--picture", "="))
        for line in (("ccci-run", "--config", ""), ("ccci-run", "plan", ""), ("ccci-bridge", "--gitea-token-file", "/e")):
            self.assertEqual({FILE_WORDS}, self.bash(*line), line)

    @unittest.skipUnless(shutil.which("fish"), "no fish here")
    def test_fish(self):
        def fish(line):
            script = self.root.path(f"share/fish/vendor_completions.d/{line.split()[0]}.fish")
            out = run("fish", "--no-config", "-c", f"source {script}; complete -C '{line}'", env=self.env)
            return {row.split("\t")[0] for row in out.splitlines()}
        for program in PROGRAMS:
            self.assertEqual(self.flags[program], fish(f"{program} --"))
        self.assertEqual(self.words["ccci-run"], fish("ccci-run ") - self.flags["ccci-run"])

    @unittest.skipUnless(shutil.which("zsh"), "no zsh here")
    def test_zsh(self):
        def zsh(line):
            with tempfile.NamedTemporaryFile("r", encoding="utf-8") as told:
                run("zsh", "-f", "-c", ZSH, "zsh", self.root.path("share/zsh/site-functions"), line, told.name, env=self.env)
                return set(told.read().split("\n")) - {""}
        for program in PROGRAMS:
            self.assertEqual(self.flags[program], zsh(f"{program} --"))
        self.assertEqual(self.words["ccci-run"], zsh("ccci-run "))


if __name__ == "__main__":
    unittest.main()
