#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`ccci-run dev` on the real Swarm: an app of a work tree with its logs until Ctrl-C, and nothing left, whatever dies."""
import fcntl
import glob
import os
import shutil
import signal
import tempfile
import unittest

from lib import canary, docker, images
from lib.host import RunnerHost
from lib.world import wait_for


class Dev(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="ccci-dev-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        made = images.make()
        self.addCleanup(images.remove, made)
        self.host = RunnerHost(os.path.join(self.directory, "host"))
        self.addCleanup(self.host.close)
        self.addCleanup(self.host.wait_idle)
        self.path = os.path.join(self.directory, "green")
        canary.make_repo("green", self.path)
        self.stack = f"dev-green_{self.host.zone.replace('.', '_')}"

    def start(self, until):
        """Up, and a line with that word came; (process, what it printed)."""
        process = self.host.start("dev", self.path, start_new_session=True)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        output = ""
        while until not in output:
            line = process.stdout.readline()
            self.assertTrue(line, f"dev ended\n{output}\n{self.host.logs()}")
            output += line
        return process, output

    def end(self, process):
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, output)
        self.assert_nothing()

    def assert_nothing(self):
        self.assertEqual([name for names in docker.snapshot().values() for name in names if str(name).startswith(self.stack)], [])
        self.assertEqual(self.host.leftovers(), [])

    def test_dev(self):
        # All slots are taken: it needs none.
        os.makedirs(os.path.join(self.host.state_dir, "slots"))
        with open(os.path.join(self.host.state_dir, "slots", "1"), "w", encoding="ascii") as slot:
            fcntl.flock(slot, fcntl.LOCK_EX)
            process, _ = self.start("its logs follow")
            self.kill_with_keeper(process)
            self.assertTrue(docker.containers(self.stack))

            process, output = self.start("app | web 1.")
            self.assertIn("taking down what green (run dev-", output)
            self.assertIn(f"up at https://dev-green.{self.host.zone}/; its logs follow, Ctrl-C takes it down", output)
            again = self.host.ccci_run("dev", self.path)
            self.assertEqual(again.returncode, 2, again.stdout)
            self.assertRegex(again.stdout, r"green is up already, at https://\S+/: ccci-run teardown dev-[0-9a-f]{6} ends it")

            # A line that comes later comes too.
            docker.execute(docker.containers(self.stack)[0], ["/bin/sh", "-c", "echo said later >/proc/1/fd/1"])
            line = ""
            while "app | said later" not in line:
                line = process.stdout.readline()
                self.assertTrue(line, "dev ended")
            self.end(process)

    def kill_with_keeper(self, process):
        with open(glob.glob(os.path.join(self.host.state_dir, "runs", "dev-*", "lease"))[0], encoding="ascii") as file:
            keeper = int(file.read())
        os.kill(keeper, signal.SIGSTOP)
        process.kill()
        os.kill(keeper, signal.SIGKILL)
        process.communicate(timeout=10)
        wait_for(lambda: not self.host.live_runs(), 10, "end of the keeper")

    def test_what_is_no_directory(self):
        done = self.host.ccci_run("dev", "green")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertEqual(os.listdir(self.host.state_dir), [])


if __name__ == "__main__":
    unittest.main()
