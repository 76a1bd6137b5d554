#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge behind the real Traefik of the same host, by docs/examples/behind-traefik.yml with other names, image and address."""
import hashlib
import hmac
import http.client
import json
import os
import socket
import ssl
import subprocess
import tempfile
import unittest

from lib import docker, images
from lib.lab_chain import end_proxy, start_proxy
from lib.standins import read_env
from lib.world import StandinWorld, need_lab, start_bridge, wait_for

EXAMPLE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))),
                       "docs/examples/behind-traefik.yml")
IMAGE, STACK, HOST, SECRET = "ccci-canary/web:1.0", "ccci-hook-test", "ccci.ci.test", "the-key-of-the-hook-in-tests"


class BehindTraefik(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_lab()
        directory = tempfile.TemporaryDirectory(prefix="ccci-traefik-")
        cls.addClassCleanup(directory.cleanup)
        cls.addClassCleanup(end_proxy, directory.name)
        start_proxy(directory.name)
        cls.proxy = read_env(os.path.join(directory.name, "proxy.env"))
        world = StandinWorld()
        cls.addClassCleanup(world.down)
        gateway = docker.get("/networks/docker_gwbridge")["IPAM"]["Config"][0]["Gateway"]
        cls.bridge = start_bridge(world, listen="0.0.0.0:0", webhook_secret=SECRET)  # the test itself asks at 127.0.0.1
        cls.addClassCleanup(cls.bridge.stop)
        cls.addClassCleanup(images.remove, images.make([IMAGE]))
        cls.addClassCleanup(docker.remove_stack, STACK)
        with open(EXAMPLE, encoding="utf-8") as file:
            compose = file.read()
        for theirs, ours in (("busybox:stable", IMAGE), ("ccci.ci.example.org", HOST),
                             ("172.18.0.1:8080", f"{gateway}:{cls.bridge.port}")):
            assert theirs in compose, theirs
            compose = compose.replace(theirs, ours)
        subprocess.run(["docker", "stack", "deploy", "--resolve-image", "never", "-c", "-", STACK], input=compose, text=True,
                       check=True, capture_output=True)
        wait_for(lambda: cls.ask("GET", "/hook")[0] != 404, 60, "route to the bridge")

    @classmethod
    def ask(cls, method, path, body=None, **headers):
        """(status, body) of the host's name, through Traefik."""
        address, port = cls.proxy["PROBE_CONNECT"].rsplit(":", 1)
        context = ssl.create_default_context(cafile=cls.proxy["CA_FILE"])
        connection = http.client.HTTPSConnection(HOST, timeout=20)
        connection.sock = context.wrap_socket(socket.create_connection((address, int(port)), 20), server_hostname=HOST)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def test_a_delivery_arrives_as_it_was_signed(self):
        body = json.dumps({"action": "created"}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Gitea-Event": "issue_comment", "X-Gitea-Delivery": "1", "Content-Type": "application/json"}
        status, said = self.ask("POST", "/hook", body, **headers, **{"X-Gitea-Signature": signature})
        self.assertEqual((status, said), (400, b"The body is not the delivery of a comment.\n"))
        status, said = self.ask("POST", "/hook", body, **headers, **{"X-Gitea-Signature": "0" * 64})
        self.assertEqual(status, 403, said)

    def test_nothing_else_is_passed_on(self):
        for path in ("/", "/metrics", "/healthz", "/hook/", "/hook/x"):
            self.assertEqual(self.ask("GET", path), (404, b"404 page not found\n"), path)


if __name__ == "__main__":
    unittest.main()
