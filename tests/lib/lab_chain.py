# SPDX-License-Identifier: GPL-3.0-or-later
"""
The whole chain on real servers: Gitea, Drone and its exec runner (or Woodpecker and its agent) of the lab, a real Traefik on
the real Swarm, our own bridge and ccci-run. Only abra is a stand-in. The interface is that of lib.chain.Chain.

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


def start_proxy(directory):
    """The lab's Traefik, with its proxy.env in that directory. It keeps to itself why a deploy failed and does not try
    again: so we do once, after saying how far it came and what the engine held."""
    done = _proxy("proxy-up", directory)
    if done.returncode:
        looks = [subprocess.run(["docker", what, "ls"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
                 for what in ("service", "network", "secret", "config")]
        print(f"proxy-up ended with {done.returncode} and is tried again:", done.stdout,
              *(look.stdout + look.stderr for look in looks), sep="\n", flush=True)
        _proxy("proxy-down", directory)
        done = _proxy("proxy-up", directory)
    if done.returncode:
        raise AssertionError(f"proxy-up ended with {done.returncode} twice:\n{done.stdout}")


def end_proxy(directory):
    """What start_proxy() made there, when it came that far."""
    if os.path.exists(os.path.join(directory, "proxy.env")):
        done = _proxy("proxy-down", directory)
        assert done.returncode == 0, done.stdout


def _proxy(script, directory):
    return subprocess.run([os.path.join(need_lab(), script), directory], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=180, check=False)


class LabChain(Chain):
    def make_host(self):
        need_lab()
        start_proxy(self.directory)
        host = RunnerHost(os.path.join(self.directory, "host"), proxy=read_env(os.path.join(self.directory, "proxy.env")))
        host.write("bin/git", SLOW_GIT.format(bin=host.bin), 0o755)
        return host

    def make_world(self, capacity):
        return LabWorld(capacity, self.host.path)

    def end_proxy(self):
        end_proxy(self.directory)

    def slow_git(self, is_slow):
        path = os.path.join(self.host.bin, "slow-git")
        if is_slow:
            self.host.write("bin/slow-git", "", 0o644)
        elif os.path.exists(path):
            os.remove(path)
