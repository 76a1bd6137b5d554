#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a Swarm elsewhere: by TLS, by ssh, on two nodes; and what is said when the way there is not as it should be.

CCCI_ALL=1: every canary that needs no registry, by TLS and by ssh."""

import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, docker, images, runs, second_engine, wanted  # noqa: E402
from lib.host import RunnerHost  # noqa: E402

# The stand-in for the proxy is on the manager, and finds what runs there.
PLACES = {"app": "manager", "db": "worker"}
# Their suites ask at a service's own address, which is reached on the engine's own host alone.
ASK_A_SERVICE = ("lint-error",)
HERE = ("green", "data-loss", "two-services")


class Engines(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        reason = second_engine.missing()
        if reason:
            raise unittest.SkipTest(reason)
        cls.directory = tempfile.mkdtemp(prefix="engines-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        runs.need_images()
        everything = wanted.everything()
        cls.swarm = cls.enterClassContext(second_engine.Swarm(os.path.join(cls.directory, "swarm"), nodes=2))
        cls.manager, cls.worker = cls.swarm.machines
        cls.swarm.load(list(images.IMAGES) if everything else sorted(
            {image for name in HERE for image in canary.load(name)["images"]}))
        cls.held = cls.swarm.held()

    def settings(self, server, **more):
        return {"proxy": self.swarm.proxy, "docker_host": server, "docker_cert_path": self.swarm.certificates,
                "abra_server": second_engine.SERVER, "engine_nodes": f"worker={self.worker.tcp}", **more}

    def start(self, name, server, places=("app",), abra=None, **settings):
        """A canary's run, its services where PLACES has them. abra: another way for it to the same Swarm."""
        def prepare(host):
            self.swarm.prepare_host(host, abra or server)
            suite = os.path.join(host.directory, "tests/recipes", name)
            os.makedirs(suite)
            self.write(suite, "suite.yml", "compose: [compose.ci.yml]\n")
            self.write(suite, "compose.ci.yml", "version: '3.8'\nservices:\n" + "".join(
                f"  {service}:\n    deploy: {{placement: {{constraints: [node.labels.place == {PLACES[service]}]}}}}\n"
                for service in places))
        return runs.start(name, change=prepare, **self.settings(server, **settings))

    def start_as_is(self, name, server):
        return runs.start(name, change=lambda host: self.swarm.prepare_host(host, server), **self.settings(server))

    @staticmethod
    def write(directory, name, text):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)

    def check(self, name, outcome):
        """As on this machine, in what matters here; the run's own audit says that nothing is left there."""
        expect = canary.load(name)["expect"]
        self.assertEqual((outcome.results.get("verdict"), outcome.code), (expect["verdict"], expect["exit"]), outcome)
        seen = outcome.outcomes()
        self.assertEqual({stage: seen.get(stage) for stage in expect["stages"]}, expect["stages"], outcome)
        for text in expect["says"]:
            self.assertIn(text, outcome.reasons(), outcome)
        self.assertEqual(outcome.results["teardown"]["outcome"], "clean", outcome)
        self.assertEqual(outcome.left, [])

    def test_runs(self):
        started = [
            ("green", self.start("green", self.manager.ssh)),
            ("data-loss", self.start("data-loss", self.manager.tcp)),
            ("two-services", self.start("two-services", self.manager.ssh, PLACES, abra=self.manager.tcp)),
        ]
        out_of_reach = self.start("two-services", self.manager.tcp, PLACES, engine_nodes=None)
        for name, future in started:
            with self.subTest(name):
                self.check(name, future.result())
        with self.subTest("a node that nobody names"):
            outcome = out_of_reach.result()
            reason = "markers: service db has a volume on node worker, which ENGINE_NODES does not name"
            stages = outcome.outcomes()
            self.assertEqual({name: stages[name] for name in ("install", "recreate", "upgrade")},
                             {"install": "pass", "recreate": "unverified", "upgrade": "unverified"}, outcome)
            self.assertEqual(outcome.stage("recreate")["reason"], reason)
            # What is on that node stays there, and the run says so.
            self.assertEqual((outcome.code, outcome.results["teardown"]["outcome"]), (3, "left"), outcome)
            self.assertIn("on node worker", "\n".join(outcome.results["teardown"]["left"]))
        with self.subTest("nothing is left"):
            with self.worker.used():
                for volume in docker.get("/volumes")["Volumes"] or []:
                    self.assertIn("two-", volume["Name"])  # of the one above
                    docker.raw("DELETE", f"/volumes/{volume['Name']}")
            for machine, before in self.held.items():
                self.assertEqual(docker.diff(before, self.swarm.held()[machine]), {}, machine)

    @unittest.skipUnless(wanted.everything(), "CCCI_ALL=1 runs every canary there")
    def test_every_canary(self):
        self.swarm.keep_to_manager()
        self.addCleanup(self.swarm.use_all_nodes)
        names = [name for name in canary.names() if not canary.load(name).get("needs") and name not in ASK_A_SERVICE
                 and set(canary.load(name).get("images", ())) <= set(images.IMAGES)]
        for server in (self.manager.tcp, self.manager.ssh):
            started = {name: self.start_as_is(name, server) for name in names}
            for name, future in started.items():
                with self.subTest(name, server=server):
                    self.check(name, future.result())

    # --- the way there ---

    def doctor(self, server, change=None, prepare=True, **settings):
        """{row: (is good, what it says)}"""
        with tempfile.TemporaryDirectory(prefix="engines-doctor-") as directory:
            settings = self.settings(server, **settings)
            with RunnerHost(os.path.join(directory, "host"), **settings) as host:
                if prepare:
                    self.swarm.prepare_host(host, server)
                if change:
                    change(host)
                lines = host.ccci_run("doctor").stdout.splitlines()
        return {line[2:18].strip(): (line[0] == "✓", line[18:].strip()) for line in lines if line[:1] in "✓✗"}

    def assert_bad(self, row, says, found):
        self.assertFalse(found[row][0], found)
        self.assertIn(says, found[row][1])

    def test_a_good_way(self):
        for server in (self.manager.tcp, self.manager.ssh):
            found = self.doctor(server)
            self.assertEqual([row for row, (good, _) in found.items() if not good and row != "disk"], [], found)
            self.assertEqual(found["nodes"][1], "2, the engine of each answers")

    def test_tls(self):
        foreign = self.swarm.foreign_certificates
        mixed, none = os.path.join(self.directory, "mixed"), os.path.join(self.directory, "none")
        shutil.copytree(self.swarm.certificates, none)
        os.unlink(os.path.join(none, "key.pem"))
        shutil.copytree(foreign, mixed)
        shutil.copy(os.path.join(self.swarm.certificates, "ca.pem"), mixed)
        for certificates, says in (
                (foreign, "its certificate is not by the authority of ca.pem"),
                (mixed, "refuses our certificate"),
                (none, f"cannot read {none}/key.pem (DOCKER_CERT_PATH)"),
                (None, "it wants TLS: set DOCKER_CERT_PATH")):
            with self.subTest(says):
                self.assert_bad("engine", says, self.doctor(self.manager.tcp, docker_cert_path=certificates,
                                                            engine_nodes=None))

    def test_ssh(self):
        def unknown(host):
            host.write("bin/ssh", f'#!/bin/sh\nexec /usr/bin/ssh -F {self.swarm.directory}/ssh_config '
                                  '-o UserKnownHostsFile=/dev/null "$@"\n', 0o755)

        def stranger(host):
            second_engine.call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(host.directory, "other"))
            with open(os.path.join(self.swarm.directory, "ssh_config"), encoding="utf-8") as file:
                config = "".join(line for line in file if not line.startswith("IdentityFile"))
            self.write(host.directory, "ssh_config", f"IdentityFile {host.directory}/other\n{config}")
            host.write("bin/ssh", f'#!/bin/sh\nexec /usr/bin/ssh -F {host.directory}/ssh_config "$@"\n', 0o755)

        for says, change in (("its host key is not known", unknown), ("it refuses our key", stranger)):
            with self.subTest(says):
                self.assert_bad("engine", says, self.doctor(self.manager.ssh, change))
        nowhere = f"ssh://root@{self.manager.address}:1"
        self.assert_bad("engine", "does not answer: ssh: connect to host", self.doctor(nowhere))

    def test_a_busy_ssh(self):
        """It turns us away twice, as one does that has reached its MaxStartups: we try again."""
        turned_away = [os.path.join(self.directory, f"turned-away-{number}") for number in (1, 2)]

        def busy(host):
            host.write("bin/ssh", f"""#!/bin/sh
case $* in *ControlMaster=no*)          # ours; abra does not try again
	for mark in {' '.join(turned_away)}; do
		if mkdir "$mark" 2>/dev/null; then
			echo 'kex_exchange_identification: read: Connection reset by peer' >&2
			exit 255
		fi
	done ;;
esac
exec /usr/bin/ssh -F {self.swarm.directory}/ssh_config "$@"
""", 0o755)

        found = self.doctor(self.manager.ssh, busy)
        self.assertEqual([mark for mark in turned_away if not os.path.exists(mark)], [])
        self.assertTrue(found["engine"][0], found)

    def test_nodes(self):
        for nodes, says in ((None, "ENGINE_NODES does not name node worker"),
                            (f"nobody={self.worker.tcp}", "nobody, which is no node of the Swarm"),
                            (f"worker={self.manager.tcp}", "is not the engine of node worker"),
                            ("worker=tcp://127.0.0.1:1", "ENGINE_NODES, worker: the engine at tcp://127.0.0.1:1")):
            with self.subTest(nodes):
                self.assert_bad("nodes", says, self.doctor(self.manager.tcp, engine_nodes=nodes))

    def test_another_swarm(self):
        """abra would deploy to this machine while we look elsewhere."""
        found = self.doctor(self.manager.ssh, abra_server="default")
        self.assert_bad("abra", "abra's server default is another Swarm", found)


if __name__ == "__main__":
    unittest.main()
