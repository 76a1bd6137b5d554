#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real engine makes of the stand-in registry's answers."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import docker, images, standins  # noqa: E402


class Pull(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="registrytest")
        self.addCleanup(directory.cleanup)
        self.registry = standins.Registry(directory.name)
        self.addCleanup(self.registry.close)

    def pull(self):
        with self.assertRaises(docker.EngineError) as raised:
            docker.raw("POST", "/images/create", {"fromImage": f"{self.registry.address}/ccci-canary/web", "tag": "9.9"})
        return raised.exception

    def test_unknown(self):
        self.assertIn("not found: manifest unknown", str(self.pull()))
        self.assertEqual(self.registry.requests()[-1], "GET /v2/ccci-canary/web/manifests/9.9 404")

    def test_rate_limit(self):
        self.registry.switch("toomanyrequests")
        self.assertTrue(str(self.pull()).startswith("toomanyrequests: "))

    def test_denied(self):
        self.registry.switch("denied")
        self.assertIn("denied: requested access to the resource is denied", str(self.pull()))

    def test_broken(self):
        self.registry.switch("broken")
        self.assertEqual(self.pull().status, 500)

    def publish(self):
        layer = images.root_file_system("9.9", images.WEB_FILES)
        name = f"{self.registry.address}/ccci-canary/web"
        self.addCleanup(images.remove, [f"{name}:9.9"])
        return name, self.registry.publish("ccci-canary/web", "9.9", layer, {"Cmd": ["/start"]})

    def test_published(self):
        name, digest = self.publish()
        docker.raw("POST", "/images/create", {"fromImage": name, "tag": "9.9"})
        self.assertEqual(docker.get(f"/images/{name}:9.9/json")["RepoDigests"], [f"{name}@{digest}"])

    def test_login(self):
        self.publish()
        self.registry.want_login("alice:hunter22")
        self.assertIn("no basic auth credentials", str(self.pull()))

    def test_surprises(self):
        self.registry.switch("no such switch")
        self.pull()
        self.assertTrue(self.registry.requests()[-1].endswith("400 surprise"))


if __name__ == "__main__":
    unittest.main()
