#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
No secret shows anywhere: the tokens of bridge and runner and the passwords that abra generated are looked for in every
log, in every argument of every process while the chain runs, in the store, the results, Drone's logs and the comments.

One of the recipes prints its own password and dies, so that its last words have to be shown without it. The other needs one
whose secrets are made, given and taken from a file; it and that one come from private repositories of the forge.
"""
import os
import sys
import threading
import unittest

from lib import canary, docker
from lib.chain import HOOK_SECRET, Chain, trailer


class Watcher(threading.Thread):
    """Collects the argument lists of all processes, and the generated passwords while their containers live."""

    def __init__(self):
        super().__init__(daemon=True)
        self.arguments, self.passwords, self.is_over = set(), set(), threading.Event()
        self.namespace = os.readlink("/proc/self/ns/pid")

    def run(self):
        while not self.is_over.wait(0.05):
            self._look_at_processes()
            self._look_at_secrets()

    def _look_at_processes(self):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") != self.namespace:
                    continue  # what an app does inside its container is the app's
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    self.arguments.add(file.read())
            except OSError:
                continue

    def _look_at_secrets(self):
        for container in docker.get("/containers/json"):
            name = container["Names"][0] if container["Names"] else ""
            if "tell-" not in name and "give-" not in name:
                continue
            try:
                done = docker.execute(container["Id"], ["cat", "/run/secrets/db_password"])
            except (OSError, docker.EngineError):
                continue
            password = done[1].strip()
            if done[0] == 0 and len(password) >= 8:
                self.passwords.add(password)


class NoSecretShows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.watcher = Watcher()
        cls.chain = Chain(capacity=2)
        cls.addClassCleanup(cls.chain.close)
        cls.numbers = {name: cls.chain.add_canary(name, private=True) for name in ("tells-secret", "needs-other")}
        for need in canary.needs("needs-other"):
            cls.chain.add_canary(need, private=True)
        cls.watcher.start()
        cls.addClassCleanup(cls.watcher.is_over.set)
        cls.chain.start()
        for name, number in cls.numbers.items():
            cls.chain.world.comment(name, number, "member", "!testme")
        cls.bodies = {name: cls.chain.wait_verdict(name, number, 180) for name, number in cls.numbers.items()}
        cls.chain.host.wait_idle()
        cls.watcher.is_over.set()
        cls.watcher.join(10)

    def secrets(self):
        """What must not show, by what it is."""
        world = self.chain.world
        found = {"the hook's key": HOOK_SECRET, "the bot's token": world.tokens["bot"],
                 "Drone's token": world.drone_tokens["admin"], "the secret that a suite gives": "an-api-key-for-tests",
                 "the secret in a file": "line one of the license"}
        found.update({f"generated password {number}": text for number, text in enumerate(sorted(self.watcher.passwords))})
        return {what: text.encode() for what, text in found.items()}

    def places(self):
        """Every byte that ccci wrote or passed on, by where; its own settings files are where the secrets live."""
        chain = self.chain
        for directory in (chain.host.state_dir, os.path.join(chain.directory, "bridge")):
            for base, _, names in os.walk(directory):
                for name in names:
                    if name != "bridge.yml" and os.path.isfile(os.path.join(base, name)):
                        with open(os.path.join(base, name), "rb") as file:
                            yield os.path.join(base, name), file.read()
        for build in chain.world.builds():
            for step in chain.world.steps(build["number"]):
                yield f"log of step {step}", (chain.world.log(build["number"], step) or "").encode()
        for name, number in self.numbers.items():
            for row in chain.world.comments(name, number):
                yield f"comment in {name}", row["body"].encode()
        yield "arguments of processes", b"\n".join(self.watcher.arguments)

    def test_the_verdicts_are_right(self):
        self.assertEqual("recipe_failed", trailer(self.bodies["tells-secret"])["verdict"], self.chain.explain())
        self.assertIn("starting with password ***", self.bodies["tells-secret"])
        self.assertEqual("passed", trailer(self.bodies["needs-other"])["verdict"], self.chain.explain())

    def test_nothing_shows_a_secret(self):
        secrets = self.secrets()
        self.assertGreaterEqual(len(self.watcher.passwords), 2, "the passwords of both recipes were not seen")
        shown = [f"{what} in {where}" for where, data in self.places() for what, text in secrets.items() if text in data]
        self.assertEqual([], shown)

    def test_the_search_finds_what_is_there(self):
        """A text that does show is found, so that an empty answer above means something."""
        self.assertTrue([where for where, data in self.places() if b"needs-other" in data])
        self.assertIn(b"--config", b"\n".join(self.watcher.arguments))


if __name__ == "__main__":
    sys.exit(unittest.main())
