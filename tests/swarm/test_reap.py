#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken down later, on the real Swarm: leftovers of unknown origin, kept apps, runs whose journal is damaged."""
import datetime
import fcntl
import glob
import json
import os
import secrets
import shutil
import signal
import tempfile
import time
import unittest

from lib import canary, docker, images, patience, runs, standins
from lib.chain import Chain
from lib.host import RunnerHost
from lib.world import wait_for

LABEL = "com.docker.stack.namespace"
KINDS = ("services", "networks", "secrets", "configs", "volumes")


def names_in_swarm(word):
    """Names of everything in the engine that hold this word."""
    found = set()
    for kind in KINDS:
        listed = docker.get(f"/{kind}")
        for thing in (listed["Volumes"] or []) if kind == "volumes" else listed:
            name = thing.get("Name") or thing["Spec"]["Name"]
            if word in name:
                found.add(f"{kind} {name}")
    for container in docker.get("/containers/json", all=1):
        found.update(f"containers {name}" for name in container["Names"] or [] if word in name)
    return found


class Reap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="ccci-reap-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        made = images.make()
        cls.addClassCleanup(images.remove, made)

    def make_host(self, **settings):
        host = RunnerHost(tempfile.mkdtemp(dir=self.directory), **settings)
        self.addCleanup(host.close)
        self.addCleanup(host.wait_idle)
        return host

    def make_host_of_zone(self, **settings):
        """A host alone in its zone: its janitor of age 0 takes every stack there that it knows nothing of, the runs of
        tests beside this one too."""
        proxy = standins.Proxy(tempfile.mkdtemp(dir=self.directory), zone=f"z{secrets.token_hex(3)}.test")
        self.addCleanup(proxy.close)
        return self.make_host(proxy=proxy.env, **settings)

    def make_recipe(self, name):
        path = os.path.join(tempfile.mkdtemp(dir=self.directory), name)
        canary.make_repo(name, path)
        return path

    def newest_run(self, host):
        return max(glob.glob(os.path.join(host.state_dir, "runs", "*")), key=os.path.getctime)

    def domain_of(self, run):
        with open(os.path.join(run, "run.json"), encoding="utf-8") as file:
            return json.load(file)["domain"]

    def journal_of(self, run):
        with open(os.path.join(run, "journal"), encoding="ascii") as file:
            return file.read().splitlines()

    def kill_run(self, host, process, run):
        """Front and keeper; stopped first, the keeper does not take down what its front leaves."""
        with open(os.path.join(run, "lease"), encoding="ascii") as file:
            keeper = int(file.read())
        os.kill(keeper, signal.SIGSTOP)
        process.kill()
        os.kill(keeper, signal.SIGKILL)
        process.communicate(timeout=10)
        wait_for(lambda: not host.live_runs(), 10, "end of the keeper")

    # --- leftovers without a run directory ---

    def make_stack(self, stack):
        """A bit of everything that a stack of abra's can have; its secret without a label, as abra's may be."""
        labels = {LABEL: stack}
        network = docker.request("POST", "/networks/create", body={"Name": f"{stack}_internal", "Driver": "overlay",
                                                                   "Labels": labels})["Id"]
        docker.request("POST", "/secrets/create", body={"Name": f"{stack}_password_v1", "Data": "aGVsbG8="})
        docker.request("POST", "/configs/create", body={"Name": f"{stack}_conf_v1", "Data": "aGVsbG8=", "Labels": labels})
        docker.request("POST", "/volumes/create", body={"Name": f"{stack}_data", "Labels": labels})
        docker.request("POST", "/services/create", body={
            "Name": f"{stack}_app", "Labels": labels,
            "TaskTemplate": {
                "ContainerSpec": {"Image": "ccci-canary/web:1.0", "Command": ["sleep", "1000"], "Labels": labels,
                                  "Mounts": [{"Type": "volume", "Source": f"{stack}_data", "Target": "/data"}]},
                "Networks": [{"Target": network}]},
            "EndpointSpec": {"Mode": "dnsrr"}})
        self.addCleanup(docker.remove_stack, stack)

    def test_leftovers_that_no_run_knows(self):
        host = self.make_host_of_zone()
        zone = host.zone
        under = zone.replace(".", "_")
        ours, elsewhere, short = f"cust-abc123_{under}", f"cust-abc123_other_{under}", f"cust-abc12_{under}"
        for stack in (ours, elsewhere, short):
            self.make_stack(stack)
        env = os.path.join(host.abra_dir, "servers", "default", f"cust-abc123.{zone}.env")
        others = os.path.join(host.abra_dir, "servers", "default", f"www.{zone}.env")
        for path in (env, others):
            with open(path, "w", encoding="ascii") as file:
                file.write("TYPE=custom-html\n")
        wait_for(lambda: docker.containers(ours), 20, "a container of the leftover")
        before = names_in_swarm(under)

        self.assertIn("0 taken down", host.ccci_run("reap", check=True).stdout)  # they are young
        self.assertEqual(names_in_swarm(under), before)
        host.configure(ccci_janitor_max_age="0s")
        done = host.ccci_run("reap", "--dry-run", check=True)
        self.assertIn(f"would remove stack {ours}", done.stdout)
        self.assertNotIn(short, done.stdout)
        self.assertEqual(names_in_swarm(under), before)

        self.assertIn(f"removing stack {ours}", host.ccci_run("reap", check=True).stdout)
        after = names_in_swarm(under)
        self.assertEqual({name for name in after if ours + "_" in name}, set())
        kept = {name for name in before if elsewhere in name or short in name}
        self.assertEqual({name for name in kept if not name.startswith("containers")} - after, set())
        self.assertEqual((os.path.exists(env), os.path.exists(others)), (False, True))
        os.unlink(others)

    # --- what cannot be removed: beside the runs, and ever more rarely ---

    def janitor_is_over(self, host):
        try:
            with open(os.path.join(host.state_dir, "reap.log"), "rb") as log:
                fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False

    def test_leftover_that_stays(self):
        """A volume that a container of somebody else's holds: no run waits for it."""
        host = self.make_host_of_zone(ccci_janitor_max_age="0s", max_tests="1")
        stack = f"cust-abc123_{host.zone.replace('.', '_')}"
        volume = f"{stack}_data"
        docker.request("POST", "/volumes/create", body={"Name": volume, "Labels": {LABEL: stack}})
        self.addCleanup(docker.remove_stack, stack)
        holder = docker.request("POST", "/containers/create", body={
            "Image": "ccci-canary/web:1.0", "HostConfig": {"Mounts": [
                {"Type": "volume", "Source": volume, "Target": "/data"}]}})["Id"]
        removed = []
        self.addCleanup(lambda: removed or docker.raw("DELETE", f"/containers/{holder}?force=1"))
        tries = os.path.join(host.state_dir, "leftovers", stack)

        since = time.monotonic()
        done = host.ccci_run("run", "--stages=install", self.make_recipe("green"))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertLess(time.monotonic() - since, patience.seconds(45), done.stdout)
        with open(tries, encoding="ascii") as file:  # on disk before it is tried
            self.assertEqual(file.read().split()[0], "1")
        wait_for(lambda: self.janitor_is_over(host), 90, "end of the janitor")
        with open(os.path.join(host.state_dir, "reap.log"), encoding="utf-8") as file:
            self.assertRegex(file.read(), f"still there: volume {volume}: .*in use")

        with open(tries, "w", encoding="ascii") as file:
            file.write(f"2 {int(time.time()) + 900}\n")
        since = time.monotonic()
        done = host.ccci_run("reap")
        self.assertLess(time.monotonic() - since, patience.seconds(10))
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertRegex(done.stdout, rf"left behind: stack {stack}: could not be removed before; tried again in 1\d m")

        docker.raw("DELETE", f"/containers/{holder}?force=1")
        removed.append(holder)
        self.assertIn(f"removing stack {stack}", host.ccci_run("reap", "--now", check=True).stdout)
        self.assertEqual(names_in_swarm(stack), set())
        self.assertFalse(os.path.exists(tries))

    # --- an app that somebody wants to look at ---

    def start_keeping(self, host, canary_name, *arguments):
        """A run that keeps its app, once it is judged; (process, run directory, stack, what it printed)."""
        process = host.start("run", "--stages=install", *arguments, self.make_recipe(canary_name), start_new_session=True)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        lines = []
        while not lines or "teardown  " not in lines[-1]:
            lines.append(process.stdout.readline())
            self.assertTrue(lines[-1], f"the run ended\n{''.join(lines)}\n{host.logs()}")
        run = self.newest_run(host)
        return process, run, self.domain_of(run).replace(".", "_"), "".join(lines)

    def results_of(self, run):
        with open(os.path.join(run, "results.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_kept_in_drone(self):
        """Build and workspace are gone, and that is no cancel; the next build gets the slot, or a person ends it."""
        with Chain(run={"keep_max": "1h"}) as chain:
            chain.add_canary("green")
            first = chain.world.create_build(RECIPE="green", STAGES="install", KEEP="30")
            self.assertEqual(chain.world.wait_build(first)["status"], "success", chain.explain())
            log = chain.world.log(first, "report")
            self.assertRegex(log, r"teardown +kept .* up at https://\S+/ until ")
            run = self.newest_run(chain.host)
            results = self.results_of(run)
            kept = results["kept"]
            self.assertEqual((results["verdict"], results["level"], results["teardown"]["outcome"]), ("passed", 1, "clean"))
            self.assertEqual(kept["url"], f"https://{self.domain_of(run)}/")
            until = datetime.datetime.fromisoformat(kept["until"].replace("Z", "+00:00")).timestamp()
            self.assertAlmostEqual(until, time.time() + 30 * 60, delta=60)
            stack = self.domain_of(run).replace(".", "_")
            time.sleep(3)  # longer than the keeper would need to see that its build has ended
            self.assertEqual(chain.host.live_runs(), [os.path.basename(run)])
            self.assertTrue(docker.containers(stack))

            second = chain.world.create_build(RECIPE="green", STAGES="install", KEEP="30")
            self.assertEqual(chain.world.wait_build(second)["status"], "success", chain.explain())
            self.assertIn("waiting for a slot: green (run ", chain.world.log(second, "prepare"))
            self.assertEqual(names_in_swarm(stack), set())
            results = self.results_of(run)
            self.assertEqual((results["verdict"], results["teardown"]["outcome"]), ("passed", "clean"))
            self.assertGreater(results["teardown"]["seconds"], 0)

            self.assertIn("0 taken down", chain.host.ccci_run("reap", check=True).stdout)
            run = self.newest_run(chain.host)
            stack = self.domain_of(run).replace(".", "_")
            self.assertTrue(docker.containers(stack))
            done = chain.host.ccci_run("teardown", os.path.basename(run))
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("taking down what was kept: somebody asked for it", done.stdout)
            self.assertEqual(names_in_swarm(stack), set())

    def test_kept_one_is_reaped_when_its_keeper_is_killed(self):
        """A failed app too, by the word of a person and by reap."""
        host = self.make_host()
        process, run, stack, output = self.start_keeping(host, "crash-loop", "--keep")
        self.assertEqual(self.results_of(run)["verdict"], "recipe_failed")
        self.assertTrue(names_in_swarm(stack))
        self.kill_run(host, process, run)
        self.assertTrue(names_in_swarm(stack))
        self.assertIn("1 taken down", host.ccci_run("reap", check=True).stdout)
        self.assertEqual(names_in_swarm(stack), set())
        self.assertEqual(host.leftovers(), [])
        self.assertEqual(self.results_of(run)["verdict"], "recipe_failed")

    def test_kept_until_its_time_or_ctrl_c(self):
        host = self.make_host()
        for end in ("Ctrl-C", "time"):
            with self.subTest(end):
                process, run, stack, output = self.start_keeping(host, "green", "--keep=4s" if end == "time" else "--keep")
                self.assertIn("unless another run needs its slot; ccci-run teardown", output)
                if end == "Ctrl-C":
                    process.send_signal(signal.SIGINT)
                output, _ = process.communicate(timeout=40)
                self.assertEqual(process.returncode, 0, output)
                self.assertIn("taking down what was kept: " + ("its time is over" if end == "time" else "somebody"), output)
                self.assertEqual(names_in_swarm(stack), set())
                self.assertEqual(host.leftovers(), [])
                self.assertEqual(self.results_of(run)["verdict"], "passed")

    # --- Ctrl-C ---

    def test_interrupt(self):
        host = self.make_host()
        process = host.start("run", self.make_recipe("slow-start"), start_new_session=True)
        line = ""
        while "waits for" not in line:
            line = process.stdout.readline()
            self.assertTrue(line, "the run ended")
        since = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 6, output)
        self.assertLess(time.monotonic() - since, patience.seconds(30))
        self.assertEqual(names_in_swarm(self.domain_of(self.newest_run(host)).replace(".", "_")), set())
        self.assertEqual(host.leftovers(), [])
        self.assertRegex(output, r"cancelled, after \d+ s, in install")

    # --- a journal that lost its middle ---

    def test_damaged_journal(self):
        """What it needs is up too: that stands in what prepare wrote, whatever the journal has lost."""
        host = self.make_host()
        recipe = self.make_recipe("needs-other")
        runs.bring(host, os.path.dirname(recipe), "needs-other")
        process = host.start("run", recipe, start_new_session=True)
        line = ""
        while "install: abra app deploy" not in line:
            line = process.stdout.readline()
            self.assertTrue(line, "the run ended")
        run = self.newest_run(host)
        self.kill_run(host, process, run)
        path = os.path.join(run, "journal")
        with open(path, "rb") as file:
            journal = bytearray(file.read())
        journal[journal.index(b"\n") + 5] ^= 1
        with open(path, "wb") as file:
            file.write(journal)
        done = host.ccci_run("reap", check=True)
        self.assertIn("damaged", done.stdout)
        # Taken down last what was deployed first.
        self.assertRegex(done.stdout, r"(?s)taking down need-.*taking down gree-.*taking down give-")
        self.assertEqual(names_in_swarm(f"-{run[-6:]}_"), set())
        self.assertEqual([name for name in ("abra", "suite", "secrets", "needs") if os.path.exists(os.path.join(run, name))], [])
        self.assertEqual(host.leftovers(), [])
        self.assertRegex(self.journal_of(run)[-1], r" closed ")
        self.assertTrue(os.path.exists(path + ".damaged"))


if __name__ == "__main__":
    unittest.main()
