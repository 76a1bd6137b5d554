# SPDX-License-Identifier: GPL-3.0-or-later
"""
A fresh Debian 12 that boots: systemd as process 1 of a container with a network of its own. Needs root, mmdebstrap and
systemd-nspawn.

    with Machine(packages) as machine:
        machine.put("/usr/local/bin/tool", text, 0o755)
        status, output = machine.boot(["/usr/bin/python3", "/ccci/tests/package/inside.py"], {"/ccci/tests": path}, 120)

    with Machine(packages, has_engine=True) as machine:         docker.io, and what a container engine needs of its host

The root is made once for a list of packages and kept below build/machine; each machine unpacks it anew.
"""
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
CACHE = os.path.join(ROOT, "build", "machine")
RELEASE = "bookworm"
# What a minimal server has, and what the stand-ins are written in.
BASE = ["systemd", "systemd-sysv", "dbus", "passwd", "python3", "python3-yaml", "git"]
SOURCES = "/etc/apt/sources.list.d/debian.sources"      # where this host gets Debian from, else mmdebstrap's own
OUTPUT, STATUS = "/ccci-output", "/ccci-status"
# What an engine is. Control groups of the old kind are read-only within, so they are mounted anew before the command.
ENGINE = ["docker.io", "iptables"]
ENGINE_WORDS = ["--capability=all", "--system-call-filter=@keyring bpf"]
ENGINE_GROUPS = """\
#!/bin/sh
awk '$3 == "cgroup" { print $2 }' /proc/mounts | while read -r path; do mount -o remount,bind,rw "$path"; done
"""

UNIT = """\
[Unit]
Description=what a test does in this machine
After=basic.target

[Service]
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStartPre=-/ccci-groups
ExecStart=/bin/sh -c '{command} >{output} 2>&1; echo $? >{status}; systemctl poweroff'
"""


class NoMachine(Exception):
    """This host can have none, and why."""


def check_host():
    if os.geteuid() != 0:
        raise NoMachine("needs root")
    for tool in ("mmdebstrap", "systemd-nspawn"):
        if not shutil.which(tool):
            raise NoMachine(f"there is no {tool} here (Debian's mmdebstrap, systemd-container)")


def make_root(kind, packages):
    """The packed root of that kind with these packages; an older one is removed."""
    names = sorted(set(BASE) | set(packages))
    path = os.path.join(CACHE, kind, f"{hashlib.sha256(' '.join([RELEASE, *names]).encode()).hexdigest()[:16]}.tar")
    if os.path.exists(path):
        return path
    shutil.rmtree(os.path.dirname(path), ignore_errors=True)
    os.makedirs(os.path.dirname(path))
    words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(names)}", RELEASE, f"{path}.part"]
    done = subprocess.run([*words, "--format=tar", *([SOURCES] if os.path.exists(SOURCES) else [])], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1500, check=False)
    if done.returncode:
        raise NoMachine(f"no Debian can be put together here: {done.stdout.strip()[-500:]}")
    os.rename(f"{path}.part", path)
    return path


class Machine:
    """NoMachine: this host can have none. From then on what goes wrong is a failure."""

    def __init__(self, packages, has_engine=False):
        check_host()
        self.has_engine = has_engine
        self.packed = make_root(*(("engine", [*packages, *ENGINE]) if has_engine else ("plain", packages)))

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="ccci-machine-")
        self.root = os.path.join(self.directory, "root")
        os.mkdir(self.root)
        try:
            subprocess.run(["tar", "-xf", self.packed, "-C", self.root], check=True, timeout=120)
            done = subprocess.run(self.nspawn("true"), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=60, check=False)
            if done.returncode:
                raise NoMachine(f"no container can be started here: {done.stdout.strip()[-300:]}")
        except BaseException:
            shutil.rmtree(self.directory)
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def nspawn(self, *words):
        # Registered with nobody, so that it needs no systemd on this side; killed with whoever started it.
        return ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--kill-signal=SIGRTMIN+3",
                *(ENGINE_WORDS if self.has_engine else ()), "-D", self.root, *words]

    def put(self, path, text, mode=0o644):
        path = self.root + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def read(self, path):
        try:
            with open(self.root + path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def boot(self, command, binds, seconds):
        """Boots, runs the command, waits for the end: its exit status and what it printed; mounts {there: here}, read-only."""
        if self.has_engine:
            self.put("/ccci-groups", ENGINE_GROUPS, 0o755)
        self.put("/etc/systemd/system/ccci-test.service",
                 UNIT.format(command=shlex.join(command), output=OUTPUT, status=STATUS))
        wants = self.root + "/etc/systemd/system/multi-user.target.wants"
        os.makedirs(wants, exist_ok=True)
        os.symlink("../ccci-test.service", f"{wants}/ccci-test.service")
        mounts = [f"--bind-ro={here}:{there}" for there, here in binds.items()]
        with subprocess.Popen(self.nspawn("--boot", *mounts), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as machine:
            try:
                console = machine.communicate(timeout=seconds)[0].decode(errors="replace")
            except subprocess.TimeoutExpired:
                machine.kill()
                console = machine.communicate()[0].decode(errors="replace")
                raise AssertionError(f"not ended within {seconds} s:\n{self.read(OUTPUT)}\n{console[-3000:]}") from None
        status = self.read(STATUS).strip()
        if not status:
            raise AssertionError(f"the machine ended without a word:\n{self.read(OUTPUT)}\n{console[-3000:]}")
        return int(status), self.read(OUTPUT)

    def run_tests(self, name, debs, seconds):
        """A program of tests/package within, with the packages at /ccci/debs: its words are ours, and so is its exit status."""
        command = ["/usr/bin/env", "PYTHONPATH=/ccci/tests", "/usr/bin/python3", f"/ccci/tests/package/{name}", "-v"]
        status, output = self.boot(command, {"/ccci/tests": f"{ROOT}/tests", "/ccci/debs": debs}, seconds)
        print(output, end="")
        return status
