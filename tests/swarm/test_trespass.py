#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs of recipes that want what is not theirs: nothing of them is deployed, nobody reads what they point to, and what
the suite allows by name is there. (tests/flow/test_trespass.py has one of each kind, as far as a plan sees it.)"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, docker, runs, trap  # noqa: E402
from lib.host import RunnerHost  # noqa: E402


class Recipe:
    """The green canary, to be changed; what is changed last is the head."""

    def __init__(self, directory):
        self.path = canary.make_repo("green", os.path.join(directory, "green")).path

    def write(self, name, text):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def change(self, before, after):
        path = os.path.join(self.path, "compose.yml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if before not in text:
            raise AssertionError(f"{before!r} is not in\n{text}")
        self.write("compose.yml", text.replace(before, after, 1))

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.path, "-c", "user.name=t", "-c", "user.email=t@t", *arguments], check=True,
                       stdout=subprocess.DEVNULL)

    def commit(self, message):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)


def files_with(text, directory):
    """Regular files below it that hold the text."""
    found = []
    for base, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(base, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    if text.encode() in file.read():
                        found.append(path)
    return found


def configs_with(text):
    return [config["Spec"]["Name"] for config in docker.get("/configs")
            if text.encode() in base64.b64decode(config["Spec"].get("Data", ""))]


class Trespass(unittest.TestCase):
    def setUp(self):
        runs.need_images()
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="ccci-trespass-"))
        self.recipe = Recipe(self.directory)
        self.host = self.enterContext(RunnerHost(os.path.join(self.directory, "host")))

    def allow(self, *words):
        self.recipe.write(os.path.join(self.host.directory, "tests/recipes/green/suite.yml"),
                          "allow:\n" + "".join(f"  - '{word}'\n" for word in words))

    def run_recipe(self):
        path = os.path.join(self.directory, "results.json")
        done = self.host.ccci_run("run", self.recipe.path, "--json", path)
        with open(path, encoding="utf-8") as file:
            return done, json.load(file)

    def check_untouched(self, pipe, says):
        """The run ends in prepare: abra is asked for its version, the engine for nothing; nobody opened the pipe."""
        done, results = self.run_recipe()
        self.assertEqual((done.returncode, results["verdict"], results["deploys"]), (1, "recipe_failed", 0), done.stdout)
        self.assertIn(says, results["reason"])
        self.assertEqual([call["argv"] for call in self.host.abra.calls() if call["argv"] != ["--version"]], [])
        self.assertEqual((self.host.leftovers(), self.host.left_in_docker()), ([], []))
        self.assertFalse(pipe.was_read, done.stdout)
        self.assertEqual(files_with(pipe.text, self.host.directory), [])
        self.assertEqual(configs_with(pipe.text), [])
        self.assertNotIn(pipe.text, done.stdout)

    def test_a_file_of_the_host(self):
        with trap.Trap(self.directory) as pipe:
            self.recipe.change("volumes:\n  data:", f"configs:\n  x:\n    file: {pipe.path}\nvolumes:\n  data:")
            self.check_untouched(pipe, f"has the host's file {pipe.path} as config x")

    def test_a_link_of_the_recipe(self):
        """What abra would print (release/next), copy (tests/) and read (a compose file)."""
        for name in ("release/next", "tests/look", "compose.yml"):
            with self.subTest(name=name), trap.Trap(self.directory) as pipe:
                path = os.path.join(self.recipe.path, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                if os.path.exists(path):
                    os.unlink(path)
                os.symlink(pipe.path, path)
                self.check_untouched(pipe, f"the recipe has a symbolic link {name} that leads out of it")
                os.unlink(path)

    def test_allowed_by_its_word(self):
        """abra reads it then, and it is the app's."""
        text = f"of-the-host-{uuid.uuid4().hex}"
        path = os.path.join(self.directory, "of-the-host")
        self.recipe.write(path, text)
        self.recipe.change("    healthcheck:", "    configs:\n      - {source: x, target: /x}\n    healthcheck:")
        self.recipe.change("volumes:\n  data:", f"configs:\n  x:\n    file: {path}\nvolumes:\n  data:")
        self.allow(f"host-file:{path}")
        done, results = self.run_recipe()
        self.assertEqual((done.returncode, results["verdict"]), (0, "passed"), done.stdout + self.host.logs())
        self.assertEqual(results["allowed"], [{
            "service": "app", "what": f"has the host's file {path} as config x", "word": f"host-file:{path}"}])
        self.assertEqual(self.host.left_in_docker(), [])

    def test_a_base_out_of_place(self):
        """Broken, and no fault of the head: it is upgraded from the one before."""
        self.recipe.change("    init: true", "    init: true\n    cap_add: [SYS_ADMIN]")
        self.recipe.commit("base")
        self.recipe.git("tag", "--force", "0.2.0+1.1")
        self.recipe.change("    cap_add: [SYS_ADMIN]\n", "")
        self.recipe.change("0.3.0+1.2", "0.4.0+1.2")
        done, results = self.run_recipe()
        outcomes = {stage["name"]: (stage["outcome"], stage["reason"]) for stage in results["stages"]}
        self.assertEqual(outcomes["install"][0], "pass", done.stdout)
        self.assertEqual(outcomes["upgrade"], ("pass", (
            'base broken: 0.2.0+1.1: service app wants the capability SYS_ADMIN; if that is meant to be, an operator adds '
            '"cap:SYS_ADMIN" to the suite\'s allow; upgraded from 0.1.0+1.0 instead')))
        self.assertEqual(self.host.left_in_docker(), [])


if __name__ == "__main__":
    unittest.main()
