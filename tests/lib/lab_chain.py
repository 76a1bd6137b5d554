# SPDX-License-Identifier: GPL-3.0-or-later
"""
The whole chain on real servers: Gitea, Drone and its exec runner of the lab, a real Traefik on the real Swarm, our own
bridge and ccci-run. Only abra is a stand-in. The interface is that of lib.chain.Chain.

    with LabChain() as chain:
        number = chain.add_canary("green", private=True)
        chain.start()

Needs CCCI_LAB; without it the program ends as skipped.
"""
import os
import subprocess

from lib.chain import Chain
from lib.host import RunnerHost
from lib.standins import read_env
from lib.world import LabWorld, need_lab

# Sleeps before a run's git does anything while the file slow-git lies beside it: a prepare that takes its time.
SLOW_GIT = """#!/bin/sh
if [ -n "$CCCI_RUN" ] && [ -e '{bin}/slow-git' ]; then sleep 120; fi
exec /usr/bin/git "$@"
"""


class LabChain(Chain):
    def make_host(self):
        self.lab = need_lab()
        self._lab_script("proxy-up")
        host = RunnerHost(os.path.join(self.directory, "host"), proxy=read_env(os.path.join(self.directory, "proxy.env")))
        host.write("bin/git", SLOW_GIT.format(bin=host.bin), 0o755)
        return host

    def make_world(self, capacity):
        return LabWorld(capacity, self.host.path)

    def end_proxy(self):
        if os.path.exists(os.path.join(self.directory, "proxy.env")):
            self._lab_script("proxy-down")

    def _lab_script(self, name):
        subprocess.run([os.path.join(self.lab, name), self.directory], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, timeout=180, check=True)

    def slow_git(self, is_slow):
        path = os.path.join(self.host.bin, "slow-git")
        if is_slow:
            self.host.write("bin/slow-git", "", 0o644)
        elif os.path.exists(path):
            os.remove(path)
