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

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.environ["CCCI_BUILD"]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def sources():
    """All sentences of the programs: adjacent literals put together, a number or text in them a gap."""
    paths = [path for room in ("common", "bridge", "runner-plugin")
             for path in glob.glob(os.path.join(SOURCE, room, "**/*.c"), recursive=True)]
    text = "\n".join(read(path) for path in paths)
    return re.sub(r'"\s*\n?\s*"', "", text)


def commands(text):
    """Each command in a fenced block of sh, or between backticks."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.S):
        for line in block.splitlines():
            yield line.split("  #")[0].strip()
    for code in re.findall(r"`([^`\n]+)`", text):
        yield code


def usage(program):
    return subprocess.run([os.path.join(BUILD, program), "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True).stdout


class Documents(unittest.TestCase):
    def test_quotes(self):
        """A quote of troubleshooting.md is a sentence of ours: who searches for it finds it."""
        said, count = sources(), 0
        text = re.sub(r"```.*?```", "", read(os.path.join(SOURCE, "docs/troubleshooting.md")), flags=re.S)
        for quote in re.findall(r'"([^"\n]+)"', text):
            for part in quote.split("…"):
                if part.strip() and "pinged" not in quote:  # Drone's own runner says that
                    self.assertTrue(part.strip().rstrip(",") in said, f"no program says: {quote}")
                    count += 1
        self.assertGreater(count, 8)

    def test_words_and_options(self):
        """Every ccci-run and ccci-bridge that a document names has such a word, and such options."""
        helps = {program: usage(program) for program in ("ccci-run", "ccci-bridge")}
        count = 0
        for path in glob.glob(os.path.join(SOURCE, "docs/*.md")) + [os.path.join(SOURCE, "README.md")]:
            for command in commands(read(path)):
                at = re.search(r"(?:^|\s|/)(ccci-run|ccci-bridge) (.+)", command)
                if not at:
                    continue
                with self.subTest(document=os.path.basename(path), command=command):
                    self.check(helps[at[1]], at[2], takes_word=at[1] == "ccci-run")
                    count += 1
        self.assertGreater(count, 30)

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
