#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents quote and tell people to type is what the programs say and take."""
import glob
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib.installed import Installed  # noqa: E402

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.environ["CCCI_BUILD"]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def sentences():
    """All sentences of the programs: adjacent literals put together, a number or text in them a gap."""
    paths = [path for room in ("common", "bridge", "runner-plugin")
             for path in glob.glob(os.path.join(SOURCE, room, "**/*.c"), recursive=True)]
    text = "\n".join(read(path) for path in paths)
    return re.findall(r'"((?:[^"\\\n]|\\.)*)"', re.sub(r'"\s*\n?\s*"', "", text))


def commands(text):
    """Each command in a fenced block of sh, or between backticks."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.S):
        for line in block.splitlines():
            yield line.split("  #")[0].strip()
    for code in re.findall(r"`([^`\n]+)`", text):
        yield code


def documents():
    """{name: text} of what people read."""
    return {os.path.basename(path): read(path) for path in [*glob.glob(os.path.join(SOURCE, "docs/*.md")),
                                                            os.path.join(SOURCE, "README.md")]}


def usage(program):
    return subprocess.run([os.path.join(BUILD, program), "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True).stdout


class Documents(unittest.TestCase):
    def test_quotes(self):
        """A quote of troubleshooting.md is a sentence of ours: who searches for it finds it."""
        said, count = sentences(), 0
        text = re.sub(r"```.*?```", "", read(os.path.join(SOURCE, "docs/troubleshooting.md")), flags=re.S)
        for quote in re.findall(r'"([^"\n]+)"', text):
            if "pinged" in quote:  # Drone's own runner says that
                continue
            form = ".*".join(re.escape(part.strip().rstrip(",")) for part in quote.split("…"))
            self.assertTrue(any(re.search(form, sentence) for sentence in said), f"no program says: {quote}")
            count += 1
        self.assertGreater(count, 8)

    def test_words_and_options(self):
        """Every ccci-run and ccci-bridge that a document names has such a word, and such options."""
        helps = {program: usage(program) for program in ("ccci-run", "ccci-bridge")}
        count = 0
        for name, text in documents().items():
            for command in commands(text):
                at = re.search(r"(?:^|\s|/)(ccci-run|ccci-bridge) (.+)", command)
                if not at:
                    continue
                with self.subTest(document=name, command=command):
                    self.check(helps[at[1]], at[2], takes_word=at[1] == "ccci-run")
                    count += 1
        self.assertGreater(count, 30)

    def test_installed_files(self):
        """Each file of ours that a document names by its path is where the packages have it, and install.md tells of every
        example."""
        with Installed(BUILD) as root:
            files = root.files()
        count = 0
        for name, text in documents().items():
            for prefix, path in re.findall(r"(/usr(?:/local)?)/((?:lib|share|share/doc)/ccci/[\w./-]*[\w-])", text):
                with self.subTest(document=name, path=path):
                    self.assertEqual("/usr", prefix)
                    self.assertTrue(any(file == path or file.startswith(f"{path}/") for file in files))
                    count += 1
        self.assertGreater(count, 5)
        told = documents()["install.md"]
        for name in (os.path.basename(file) for file in files if file.startswith("share/doc/ccci/examples/")):
            self.assertIn(name, told)

    def test_settings_as_the_file_has_them(self):
        """Who copies `key: value` into a file has a setting: there they are in lower case."""
        rows = "\n".join(read(os.path.join(SOURCE, path)) for path in ("bridge/settings.c", "runner-plugin/settings.c"))
        names = set(re.findall(r'\{"([A-Z_]+)", CONF_', rows))
        self.assertIn("TRIGGER", names)
        for name, text in documents().items():
            for setting in re.findall(r"`([A-Z_]+): ", text):
                with self.subTest(document=name):
                    self.assertNotIn(setting, names)

    def test_the_ci_repository_has_an_owner_of_its_own(self):
        """As upgrade-bots.md and security.md want it: who copies an example has it so."""
        count = 0
        for kind in ("docs/*.md", "docs/*.[58]", "docs/examples/*"):
            for path in glob.glob(os.path.join(SOURCE, kind)):
                for owner in re.findall(r"^ *(?:ci_repo: |CI_REPO=|.*ciRepo = \")([\w-]+)/", read(path), re.M):
                    with self.subTest(document=os.path.basename(path)):
                        self.assertEqual("ci-maintainers", owner)
                        count += 1
        self.assertGreater(count, 4)

    def test_units_are_read_anew(self):
        """What lays a file into /etc/systemd has systemd read it, in the same block."""
        count = 0
        for name, text in documents().items():
            for block in [*re.findall(r"^ *```sh\n(.*?)```", text, re.S | re.M), *re.findall(r"`([^`\n]+)`", text)]:
                if re.search(r"install .*/etc/systemd/system/", block):
                    with self.subTest(document=name, block=block):
                        self.assertIn("systemctl daemon-reload", block)
                        count += 1
        self.assertGreater(count, 1)

    def check(self, text, rest, takes_word):
        rest = re.split(r"\s[|>&;]\s?", rest)[0].replace("[", " ").replace("]", " ")
        words = rest.split()
        if takes_word and words and re.fullmatch(r"[a-z-]+", words[0]) and not words[0].startswith("-"):
            self.assertTrue(re.search(rf"(?m)^  {re.escape(words[0])}\b", text), f"no such word: {words[0]}")
        for word in words:
            option = re.match(r"(--[a-z-]+)", word)
            if option:
                self.assertTrue(option[1] in text, f"no such option: {option[1]}")


if __name__ == "__main__":
    unittest.main()
