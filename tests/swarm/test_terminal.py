#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`ccci-run run` as people watch it: on a terminal one live line for each stage, however narrow it is; in a pipe plain lines
and nothing that moves a cursor."""

import fcntl
import os
import pty
import re
import struct
import sys
import tempfile
import termios
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, runs  # noqa: E402
from lib.host import RunnerHost  # noqa: E402

COLUMNS = 48


class Screen:
    """What of a stream is to be seen: knows a carriage return, a new line, and `erase to the end of the line`."""

    def __init__(self):
        self.lines, self.at, self.frames = [""], 0, []

    def feed(self, text):
        for part in re.findall(r"\x1b\[K|\r|\n|[^\x1b\r\n]+|\x1b", text):
            if part == "\x1b[K":
                self.lines[-1] = self.lines[-1][:self.at]
            elif part == "\r":
                self.at = 0
            elif part == "\n":
                self.lines.append("")
                self.at = 0
            elif part == "\x1b":
                raise AssertionError(f"an escape that no terminal was promised: {text!r}")
            else:
                self.lines[-1] = self.lines[-1][:self.at] + part + self.lines[-1][self.at + len(part):]
                self.at += len(part)
                self.frames.append(self.lines[-1])


def run_on_terminal(host, *words, terminal="xterm"):
    """With everything on one terminal of COLUMNS: exit code, what is written."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    with host.start("run", *words, environment={"TERM": terminal}, stdout=slave, stderr=slave, text=False) as process:
        os.close(slave)
        text = b"".join(iter(lambda: read_terminal(master), b""))
    os.close(master)
    return process.returncode, text.decode()


def read_terminal(master):
    try:
        return os.read(master, 1 << 16)
    except OSError:
        return b""


class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        runs.need_images()
        cls.directory = tempfile.TemporaryDirectory(prefix="ccci-terminal-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.recipe = canary.make_repo("lint-error", os.path.join(cls.directory.name, "lint-error")).path
        cls.host = RunnerHost(os.path.join(cls.directory.name, "host"))
        cls.addClassCleanup(cls.host.close)
        canary.copy_suite("lint-error", os.path.join(cls.host.directory, "tests/recipes/lint-error"))

    def test_one_live_line_for_each_stage(self):
        code, text = run_on_terminal(self.host, "--stages=install,lint", self.recipe)
        screen = Screen()
        screen.feed(text)
        self.assertEqual(code, 1, text)
        live = [line for line in screen.frames if re.match(r"(prepare|install|lint|teardown) +\d+ s", line)]
        for word in ("install", "lint", "teardown"):
            self.assertTrue([line for line in live if line.startswith(word)], f"no live line of {word}: {text}")
        self.assertTrue([line for line in live if "  waits for " in line], live)
        self.assertEqual([line for line in live if len(line) >= COLUMNS], [])
        # Nothing of them stays: a stage that is over has one line.
        self.assertEqual([line for line in screen.lines if line.startswith("install: ")],
                         [line for line in screen.lines if re.fullmatch(r"install: passed \(\d+ s\)", line)], text)
        self.assertNotIn("waits for", "\n".join(screen.lines))
        self.assertNotIn("not asked for", "\n".join(screen.lines))
        # The table's reasons stand below their rows, between words.
        self.assertIn('    R010 traefik routing enabled: include\n    "traefik.enable=true" deploy label\n',
                      "\n".join(screen.lines))

    def check_plain(self, text):
        self.assertNotIn("\x1b", text)
        self.assertNotIn("\r", text.replace("\r\n", "\n"))
        self.assertRegex(text, r"(?m)^prepare: copying the recipe \.\.\.$")
        self.assertRegex(text, r"(?m)^lint: failed: R010 .*")

    def test_plain_lines(self):
        self.check_plain(self.host.ccci_run("run", "--stages=lint", self.recipe, environment={"TERM": "xterm"}).stdout)
        self.check_plain(run_on_terminal(self.host, "--stages=lint", self.recipe, terminal="dumb")[1].replace("\r\n", "\n"))


if __name__ == "__main__":
    unittest.main()
