#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`ccci-run doctor` row by row, and `ccci-run plan`: what it prints, and that it touches nothing."""

import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, chromium, standins  # noqa: E402
from lib.host import RunnerHost  # noqa: E402

ROWS = ["engine", "swarm", "network proxy", "nodes", "abra", "git", "state directory", "disk", "slots", "shared apps", "processes", "sandbox",
        "proxy", "picture"]


def rows(output):
    """{name: (is good, what it says)}"""
    found = {}
    for line in output.splitlines():
        if line[:1] in "✓✗":
            found[line[2:18].strip()] = (line[0] == "✓", line[18:].strip())
    return found


class Doctor(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="doctor-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.host = RunnerHost(os.path.join(directory.name, "host"))
        self.addCleanup(self.host.close)

    def doctor(self, **settings):
        self.host.configure(**settings)
        done = self.host.ccci_run("doctor")
        return done.returncode, rows(done.stdout)

    def assert_one_bad(self, name, says, **settings):
        """Exactly that row is bad; disk may be too, as the machine is what it is."""
        code, found = self.doctor(**settings)
        self.assertEqual(code, 3)
        self.assertEqual([row for row, (good, _) in found.items() if not good and row != "disk"], [name], found)
        self.assertIn(says, found[name][1])

    def test_a_good_host(self):
        code, found = self.doctor()
        self.assertEqual(list(found), ROWS)
        self.assertEqual([row for row, (good, _) in found.items() if not good and row != "disk"], [], found)
        self.assertEqual(code, 0 if found["disk"][0] else 3)
        self.assertIn("1 of 1 free", found["slots"][1])
        self.assertIn("0.13.0-beta", found["abra"][1])

    def test_shared_apps(self):
        self.assertEqual(self.doctor()[1]["shared apps"], (True, "not wanted: SHARED_NEEDS is empty"))
        self.assertEqual(self.doctor(shared_needs="keycloak")[1]["shared apps"], (True, "none is up (SHARED_NEEDS: keycloak)"))

    def test_a_sandbox_where_it_is_wanted(self):
        _, found = self.doctor(recipe_tests_allow="custom-html")
        self.assertEqual(found["sandbox"], (True, "bubblewrap, for the tests that recipes ship"))
        self.assertEqual(self.doctor()[1]["sandbox"], (True, "not wanted: RECIPE_TESTS_ALLOW is empty"))

    def test_a_picture_where_it_is_wanted(self):
        chromium.need()
        _, found = self.doctor(picture="1")
        self.assertRegex(found["picture"][1], r"^Chromium shows \*\.ci\.test, \d+ bytes$")
        self.assertTrue(found["picture"][0])
        self.assertEqual(self.doctor()[1]["picture"], (True, "not wanted: PICTURE is 0"))

    def test_no_browser(self):
        self.host.path = chromium.path_without(self.directory, self.host.bin)
        self.assert_one_bad("picture", "there is no Chromium on this host (apt-get install chromium-headless-shell)",
                            picture="1")

    def test_no_engine(self):
        code, found = self.doctor(docker_host="unix:///nonexistent/docker.sock")
        self.assertEqual(code, 3)
        for row in ("engine", "swarm", "network proxy"):
            self.assertEqual(found[row], (False, "the engine at unix:///nonexistent/docker.sock does not answer"))
        self.assertTrue(found["git"][0])

    def test_an_address_that_is_none(self):
        _, found = self.doctor(docker_host="tcp://ci@example.org")
        self.assertIn("is not tcp://host:port", found["engine"][1])

    def test_no_abra(self):
        self.assert_one_bad("abra", "find abra", abra="no-such-abra")

    def test_no_server(self):
        self.assert_one_bad("abra", "abra server add --local", abra_server="elsewhere")

    def test_no_state(self):
        code, found = self.doctor(state_dir="/proc/nonexistent")
        self.assertEqual((code, found["state directory"][0]), (3, False))

    def test_no_proxy(self):
        self.assert_one_bad("proxy", "ask the proxy at 127.0.0.1:1", probe_connect="127.0.0.1:1")

    def test_certificate(self):
        self.assert_one_bad("proxy", "ask the proxy at", zone="another.test")

    def test_certificate_that_ends_soon(self):
        self.assertRegex(self.doctor()[1]["proxy"][1], r"^answers \d+ for \*\.ci\.test, certificate until 20\d\d-\d\d-\d\d$")
        proxy = standins.Proxy(os.path.join(self.directory, "ending"), days=5)
        self.addCleanup(proxy.close)
        self.assert_one_bad("proxy", "days: put a new one in (docs/secrets.md)", probe_connect=proxy.env["PROBE_CONNECT"],
                            probe_ca_file=proxy.env["CA_FILE"])


class Plan(unittest.TestCase):
    def test_plan(self):
        with tempfile.TemporaryDirectory(prefix="plan-") as directory, RunnerHost(os.path.join(directory, "host")) as host:
            made = canary.make_repo("same-version", os.path.join(directory, "same-version"))
            done = host.ccci_run("plan", made.path)
            self.assertEqual(done.returncode, 0, done.stdout)
            for line in (f"head      0.2.0+1.1  {made.head}", f"base      0.1.0+1.0  {made.tags['0.1.0+1.0']}",
                         "rejected  0.2.0+1.1: is the version of the head", "stage     install", "stage     upgrade",
                         "deploys   3"):
                self.assertIn(line, done.stdout)
            self.assertEqual(host.abra.calls(), [])
            self.assertEqual(os.listdir(host.state_dir), [])

    def plan_json(self, host, *arguments, **more):
        done = host.ccci_run("plan", *arguments, "--json", **more)
        self.assertEqual(done.returncode, 0, done.stdout)
        return json.loads(done.stdout.splitlines()[-1])

    def test_json(self):
        with tempfile.TemporaryDirectory(prefix="plan-") as directory, RunnerHost(os.path.join(directory, "host")) as host:
            made = canary.make_repo("same-version", os.path.join(directory, "same-version"))
            plan = self.plan_json(host, made.path)
            self.assertEqual((plan["head_commit"], plan["bases"][0]["version"], plan["deploys"], plan["suite"]),
                             (made.head, "0.1.0+1.0", 3, "defaults"))
            self.assertEqual(host.ccci_run("plan", made.path, "--json=plan.json").returncode, 2)

    def test_suite(self):
        """The one that is meant, by its path; none is said as well."""
        with tempfile.TemporaryDirectory(prefix="plan-") as directory, RunnerHost(os.path.join(directory, "host")) as host:
            made = canary.make_repo("green", os.path.join(directory, "green"))
            self.assertIn("suite     none: defaults\n", host.ccci_run("plan", made.path).stdout)
            for place in ("checkout/tests/recipes", "elsewhere"):
                os.makedirs(os.path.join(directory, place, "green"))
                with open(os.path.join(directory, place, "green/suite.yml"), "w", encoding="utf-8") as file:
                    file.write(f"stages:\n  install: {{not_run: 'as {place} says'}}\n")
            checkout = os.path.join(directory, "checkout")
            done = host.ccci_run("plan", made.path, cwd=checkout)
            self.assertIn("suite     tests/recipes/green\n", done.stdout)
            self.assertIn("install: not run, as checkout/tests/recipes says", done.stdout)
            suites = os.path.join(directory, "elsewhere")
            done = host.ccci_run("plan", made.path, "--suites", suites, cwd=checkout)
            self.assertIn(f"suite     {suites}/green\n", done.stdout)
            self.assertIn("install: not run, as elsewhere says", done.stdout)
            self.assertEqual(self.plan_json(host, made.path, "--suites", suites)["suite"], f"{suites}/green")

    def test_no_such_base(self):
        with tempfile.TemporaryDirectory(prefix="plan-") as directory, RunnerHost(os.path.join(directory, "host")) as host:
            made = canary.make_repo("green", os.path.join(directory, "green"))
            done = host.ccci_run("plan", made.path, "--from=9.9.9+1")
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn("--from=9.9.9+1: green has no such published version", done.stdout)


if __name__ == "__main__":
    unittest.main()
