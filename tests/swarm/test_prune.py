#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
`ccci-run prune` with a real engine: what nobody needs goes, and nothing else. Images of this test's own alone (--only): the
others on this machine are somebody's.
"""
import os
import secrets
import shutil
import tempfile
import unittest

from lib import docker, images
from lib.host import RunnerHost


class Prune(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="ccci-prune-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.host = RunnerHost(os.path.join(self.directory, "host"), prune_below="99")
        self.addCleanup(self.host.close)
        self.prefix = f"ccci-prune-{secrets.token_hex(3)}/"
        self.addCleanup(self.remove_rest)

    def make(self, name):
        """An image that is like no other: so its layers are its own."""
        tag = f"{self.prefix}{name}:1"
        repository, _, version = tag.rpartition(":")
        docker.raw("POST", "/images/create", {"fromSrc": "-", "repo": repository, "tag": version},
                   images.root_file_system("1", {"start": f"#!/bin/sh\n: {tag}\n"}), "application/x-tar")
        return tag

    def remove_rest(self):
        for tag in self.here():
            docker.raw("DELETE", f"/images/{tag}?force=1")

    def here(self):
        return {tag for image in docker.get("/images/json") for tag in image["RepoTags"] or [] if tag.startswith(self.prefix)}

    def prune(self, *arguments):
        return self.host.ccci_run("prune", "--only", self.prefix, *arguments, check=True).stdout

    def test_what_nobody_needs(self):
        free, run, green, used, twice = (self.make(name) for name in ("free", "run", "green", "used", "twice"))
        docker.request("POST", f"/images/{twice}/tag?repo={self.prefix}again&tag=2")
        container = docker.request("POST", "/containers/create", body={"Image": used, "Cmd": ["/start"]})["Id"]
        self.addCleanup(lambda: docker.raw("DELETE", f"/containers/{container}?force=1"))
        # A run that is not judged, as its prepare has written it down; one that is judged; the newest green one.
        self.note(os.path.join("runs", "41-9f2c1a", "images"), f"nobody/has:it\n{run}\n")
        self.note(os.path.join("runs", "40-aaaaaa", "images"), f"{free}\n")
        self.note(os.path.join("runs", "40-aaaaaa", "results.json"), "{}")
        self.note(os.path.join("canonical", "images", "custom-html"), f"{green}\n")
        everything = self.here()

        output = self.prune("--dry-run")
        self.assertIn("short (PRUNE_BELOW is 99)", output)
        self.assertEqual(self.here(), everything)
        would = {line.split()[2] for line in output.splitlines() if line.startswith("would remove ")}
        self.assertEqual(would & {free, run, green, used}, {free})
        self.assertEqual(len(would), 2)

        output = self.prune()
        self.assertRegex(output, rf"removed {free} \(\d+ MiB\)")
        self.assertRegex(output, r"2 images removed, -?\d+ MiB came free")
        self.assertEqual(self.here(), {run, green, used})

        self.host.configure(prune_below="1")
        output = self.prune()
        self.assertRegex(output, r"^\d+ % of disk and \d+ % of inodes free at \S+: enough \(PRUNE_BELOW is 1\)\n$")
        self.assertEqual(self.here(), {run, green, used})

    def note(self, name, text):
        path = os.path.join(self.host.state_dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)

    def test_the_general_case_is_only_said(self):
        """Without --only everything on this machine is looked at; what containers and services use is not in it."""
        output = self.host.ccci_run("prune", "--dry-run", check=True).stdout
        would = {line.split()[2] for line in output.splitlines() if line.startswith("would remove ")}
        used = {container["Image"] for container in docker.get("/containers/json", all=1)}
        self.assertEqual(would & used, set())


if __name__ == "__main__":
    unittest.main()
