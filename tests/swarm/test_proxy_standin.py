#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of the proxy, held by the stand-in and, with CCCI_LAB set, by the lab's real Traefik: what a probe gets to
see for an unknown host, before, while and after an app runs."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import docker, images, patience, standins  # noqa: E402
from lib.lab_chain import end_proxy, start_proxy  # noqa: E402

STACK = f"proxytest{os.getpid()}"
# Traefik gives a connection to an app 30 s; an app that has just gone lets it use them, and the answer is 504.
ANSWER_S = 45
NOT_FOUND = (404, "text/plain; charset=utf-8", "404 page not found\n")

SERVICE = """
  "{name}":
    image: ccci-canary/web:1.0
    init: true
    environment: {{START_DELAY: "{delay}", DOMAIN: "{name}", LANG: C}}
    networks: [proxy]
    healthcheck: {{test: ["CMD", "{health}"], interval: 1s, retries: 100, start_period: 60s}}
    deploy:
      endpoint_mode: dnsrr
      labels:
        traefik.enable: "{enabled}"
        traefik.http.services.{stack}-{name}.loadbalancer.server.port: "80"
        traefik.http.routers.{stack}-{name}.rule: "{rule}"
        traefik.http.routers.{stack}-{name}.entrypoints: web-secure
        {tls}
"""
# Passed through as it comes, so that what does not speak TLS answers a TLS client in its own way.
PASSED = """
  passed:
    image: ccci-canary/web:1.0
    init: true
    networks: [proxy]
    deploy:
      endpoint_mode: dnsrr
      labels:
        traefik.enable: "true"
        traefik.tcp.services.{stack}-passed.loadbalancer.server.port: "80"
        traefik.tcp.routers.{stack}-passed.rule: "HostSNI(`{stack}-passed.ci.test`)"
        traefik.tcp.routers.{stack}-passed.entrypoints: web-secure
        traefik.tcp.routers.{stack}-passed.tls.passthrough: "true"
""".format(stack=f"proxytest{os.getpid()}")
# Speaks another protocol after one HTTP answer.
SWITCHES = r"""while :; do printf 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: words\r\n\r\nspoken' | nc -l -p 80; done"""
TLS = 'traefik.http.routers.{stack}-{name}.tls.certresolver: ""'


def switching():
    command = "    command: [sh, -c, " + json.dumps(SWITCHES) + "]\n"
    return service("switch").replace("    init: true\n", "    init: true\n" + command)


def service(name, delay=0, health="true", enabled="true", rule="", tls=TLS):
    rule = rule or f"Host(`{STACK}-{name}.ci.test`)"
    values = {"name": name, "stack": STACK, "delay": delay, "health": health, "enabled": enabled, "rule": rule}
    return SERVICE.format(**values, tls=tls.format(**values))


def deploy(*services):
    compose = 'version: "3.8"\nnetworks: {proxy: {external: true}}\nservices:' + "".join(services)
    subprocess.run(["docker", "stack", "deploy", "--resolve-image", "never", "-c", "-", STACK], input=compose, text=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


class Contract:
    """The tests; a subclass brings up one proxy and says where it is: self.env as proxy.env."""

    env = None

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="proxytest")
        cls.addClassCleanup(cls.directory.cleanup)
        made = images.make(["ccci-canary/web:1.0"])
        cls.addClassCleanup(images.remove, made)
        cls.start()
        deploy(service("good"), service("slow", delay=6), service("sick", health="false"), service("off", enabled="false"),
               service("bare", tls=""), PASSED, switching(),
               service("pair", rule=f"Host(`{STACK}-one.ci.test`) || Host(`{STACK}-two.ci.test`)"))
        cls.addClassCleanup(docker.remove_stack, STACK)

    def get(self, name, path="/"):
        """(status, content type, body) of one request to a host of the test's stack."""
        host = f"{STACK}-{name}.{self.env['ZONE']}"
        context = ssl.create_default_context(cafile=self.env["CA_FILE"])
        address, port = self.env["PROBE_CONNECT"].rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, timeout=ANSWER_S, context=context)
        connection.sock = context.wrap_socket(socket.create_connection((address, int(port)), ANSWER_S), server_hostname=host)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.getheader("Content-Type", ""), response.read().decode()
        finally:
            connection.close()

    def wait_for(self, name, status, seconds=2 * ANSWER_S):
        """The statuses seen, without repetitions, until the wanted one."""
        seen, deadline = [], patience.deadline(seconds)
        while time.monotonic() < deadline:
            now = self.get(name)[0]
            if not seen or seen[-1] != now:
                seen.append(now)
            if now == status:
                return seen
            time.sleep(0.1)
        self.fail(f"{name}: never {status}: {seen}")

    def test_1_starting(self):
        """404 until it is found, 502 while it refuses, then its own answer."""
        seen = self.wait_for("slow", 200)
        self.assertEqual([s for s in seen if s != 404], [502, 200])

    def test_2_unknown_host(self):
        self.assertEqual(self.get("nobody"), NOT_FOUND)

    def test_3_host_decides(self):
        self.wait_for("good", 200)
        self.wait_for("one", 200)
        self.assertEqual(self.get("good")[2], "hello from good\n")
        self.assertEqual([self.get(name)[2] for name in ("one", "two")], ["hello from pair\n"] * 2)

    def test_4_answer_of_the_app(self):
        """A 404 of the app is not the proxy's."""
        self.wait_for("good", 200)
        status, _, body = self.get("good", "/nothing-there")
        self.assertEqual(status, 404)
        self.assertNotEqual(body, NOT_FOUND[2])

    def test_5_bad_gateway(self):
        """What refuses the connection is a bare 502."""
        self.wait_for("good", 200)
        deploy(service("late", delay=8))
        self.wait_for("late", 502)
        self.assertEqual(self.get("late"), (502, "", "Bad Gateway"))

    def test_6_no_route(self):
        """Not healthy, not enabled, no tls: as if there were nothing, even when everything else of the deploy is there."""
        self.wait_for("good", 200)
        self.wait_for("one", 200)
        time_of_two_refreshes = time.monotonic() + 3
        while time.monotonic() < time_of_two_refreshes:
            for name in ("sick", "off", "bare"):
                self.assertEqual(self.get(name), NOT_FOUND, name)
            time.sleep(0.2)

    def test_7_certificate(self):
        """The certificate is good for the zone with the CA file, and for nothing without."""
        self.assertEqual(self.get("nobody")[0], 404)
        with self.assertRaises(ssl.SSLCertVerificationError):
            address, port = self.env["PROBE_CONNECT"].rsplit(":", 1)
            ssl.create_default_context().wrap_socket(
                socket.create_connection((address, int(port)), 10), server_hostname=f"x.{self.env['ZONE']}").close()

    def test_71_passed_through(self):
        """Who comes by TLS sees neither the proxy's certificate nor its words."""
        def shown():
            try:
                self.get("passed")
            except ssl.SSLError as error:
                return error.reason
            return "the proxy's own certificate"
        deadline = patience.deadline(ANSWER_S)
        while shown() != "WRONG_VERSION_NUMBER" and time.monotonic() < deadline:
            time.sleep(0.2)
        self.assertEqual(shown(), "WRONG_VERSION_NUMBER")

    def test_72_another_protocol(self):
        """After a 101 the bytes of both sides are nobody's but theirs."""
        host = f"{STACK}-switch.{self.env['ZONE']}"
        context = ssl.create_default_context(cafile=self.env["CA_FILE"])
        address, port = self.env["PROBE_CONNECT"].rsplit(":", 1)
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: words\r\n\r\n".encode()
        deadline, heard = patience.deadline(ANSWER_S), b""
        while b" 101 " not in heard and time.monotonic() < deadline:
            with context.wrap_socket(socket.create_connection((address, int(port)), ANSWER_S), server_hostname=host) as connection:
                connection.sendall(request)
                heard = connection.recv(4096)
                while b" 101 " in heard and not heard.endswith(b"spoken"):
                    heard += connection.recv(4096) or self.fail(f"heard {heard!r}, and no more")
        self.assertRegex(heard, rb"\AHTTP/1.1 101 .*(?i:upgrade: words).*\r\n\r\nspoken\Z".replace(b".*", b"[^\0]*"))

    def test_8_gone(self):
        self.wait_for("good", 200)
        docker.raw("DELETE", f"/services/{STACK}_good")
        seen = self.wait_for("good", 404)
        self.assertLessEqual(set(seen), {200, 502, 504, 404})
        self.assertEqual(self.get("good"), NOT_FOUND)


class StandIn(Contract, unittest.TestCase):
    @classmethod
    def start(cls):
        proxy = standins.Proxy(os.path.join(cls.directory.name, "proxy"))
        cls.addClassCleanup(proxy.close)
        cls.env = proxy.env

    def test_9_silent_client(self):
        """One who connects and says nothing stops nobody."""
        address, port = self.env["PROBE_CONNECT"].rsplit(":", 1)
        with socket.create_connection((address, int(port)), 10):
            self.assertEqual(self.get("nobody"), NOT_FOUND)


@unittest.skipUnless(os.environ.get("CCCI_LAB"), "CCCI_LAB is not set: the lab's Traefik is not compared")
class Traefik(Contract, unittest.TestCase):
    @classmethod
    def start(cls):
        state = os.path.join(cls.directory.name, "lab")
        os.makedirs(state)
        cls.addClassCleanup(end_proxy, state)
        start_proxy(state)
        cls.env = standins.read_env(os.path.join(state, "proxy.env"))
        cls.wait_for_certificate()

    @classmethod
    def wait_for_certificate(cls, seconds=60):
        """Traefik answers its ping before it has read its certificate; on a busy Swarm long before."""
        context = ssl.create_default_context(cafile=cls.env["CA_FILE"])
        address, port = cls.env["PROBE_CONNECT"].rsplit(":", 1)
        deadline = patience.deadline(seconds)
        while True:
            try:
                with socket.create_connection((address, int(port)), 10) as connection:
                    context.wrap_socket(connection, server_hostname=f"x.{cls.env['ZONE']}").close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
