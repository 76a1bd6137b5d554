#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever runs a recipe's own test is killed under it: the sandbox is gone with it, what left it too, and its control group."""
import concurrent.futures
import contextlib
import glob
import json
import os
import signal
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, patience, runs  # noqa: E402
from lib.host import RunnerHost  # noqa: E402

HANGS = "#!/bin/sh\nsetsid env -i /bin/sleep {0} &\nexec sleep {0}\n"
# Seconds that nothing else on this machine sleeps for, and who dies: so many parents above who is the sandbox's first.
WORKER, KEEPER = (86417, "ccci-worker", 0), (86419, "ccci-worker", 1)


def sleepers(seconds):
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            if file.read().split(b"\0")[1:2] == [str(seconds).encode()]:
                found.append(int(path.split("/")[2]))
    return found


def stat(pid):
    """Name and parent."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        text = file.read()
    return text[text.index("(") + 1:text.rindex(")")], int(text[text.rindex(")"):].split()[2])


def find_above(pid, name, more):
    while stat(pid)[0] != name:
        pid = stat(pid)[1]
    for _ in range(more):
        pid = stat(pid)[1]
    return pid


def wait_for(what, seconds):
    deadline = patience.deadline(seconds)
    while not (found := what()):
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)
    return found


class Killed(unittest.TestCase):
    def run_and_kill(self, who):
        seconds, name, more = who
        with tempfile.TemporaryDirectory(prefix="ccci-sandbox-") as directory:
            recipe = canary.make_repo("own-tests", os.path.join(directory, "own-tests")).path
            with open(os.path.join(recipe, "tests/hangs"), "w", encoding="utf-8") as file:
                file.write(HANGS.format(seconds))
            os.chmod(file.name, 0o755)
            with RunnerHost(os.path.join(directory, "host"), recipe_tests_allow="own-tests") as host:
                results = os.path.join(directory, "results.json")
                process = host.start("run", recipe, "--stages=install,recipe", "--json", results)
                asleep = wait_for(lambda: len(sleepers(seconds)) >= 2 and sleepers(seconds), 60)
                if asleep:
                    os.kill(find_above(min(asleep), name, more), signal.SIGKILL)
                output, _ = process.communicate(timeout=120)
                self.assertTrue(asleep, output)
                wait_for(lambda: not sleepers(seconds), 5)
                self.assertEqual(sleepers(seconds), [], output)
                self.assertEqual((host.leftovers(), host.left_in_docker()), ([], []), output)
                ids = [os.path.basename(path) for path in glob.glob(os.path.join(host.state_dir, "runs/*"))]
                self.assertEqual([path for run in ids for path in glob.glob(f"/sys/fs/cgroup/**/ccci-*{run}", recursive=True)],
                                 [], output)
                with open(results, encoding="utf-8") as file:
                    return json.load(file), output

    @classmethod
    def setUpClass(cls):
        runs.need_images(["ccci-canary/web:1.0"])
        pool = concurrent.futures.ThreadPoolExecutor(2)
        cls.addClassCleanup(pool.shutdown)
        cls.runs = {who: pool.submit(cls().run_and_kill, who) for who in (WORKER, KEEPER)}

    def test_the_worker(self):
        results, output = self.runs[WORKER].result()
        stage = next(stage for stage in results["stages"] if stage["name"] == "recipe")
        self.assertEqual((results["verdict"], stage["outcome"]), ("ci_error", "error"), output)
        self.assertIn("SIGKILL", stage["reason"])

    def test_the_keeper(self):
        results, output = self.runs[KEEPER].result()
        self.assertEqual(results["verdict"], "ci_error", output)


if __name__ == "__main__":
    unittest.main()
