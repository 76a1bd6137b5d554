# SPDX-License-Identifier: GPL-3.0-or-later
"""
Machines of their own with a Docker engine each, a Swarm of them, TLS and ssh to the first: what a test Swarm elsewhere is to
a runner host.

    with second_engine.Swarm(directory, nodes=2) as swarm:      nodes have the label place=manager, place=worker
        swarm.manager.tcp, swarm.manager.ssh            what DOCKER_HOST may be
        swarm.certificates, swarm.foreign_certificates  directories of ca.pem, cert.pem, key.pem; the latter of another authority
        swarm.prepare_host(host, swarm.manager.ssh)     keys, and what abra knows of it; swarm.proxy: the proxy there
        swarm.load(["ccci-canary/web:1.0"])             images of this machine's engine
        with swarm.manager.used(): docker.snapshot()
        swarm.manager.stop_engine(); swarm.manager.start_engine()       as a power cut of the engine alone

A machine is a process in namespaces of its own (mount, net, pid, uts, ipc), beside this machine's Docker and its Swarm and
without a trace in them: /run, /root and /var/lib/docker are its own. Its end, by close() or with us, ends everything in it,
and takes mounts and network devices along. What it leaves is a directory and empty control groups, which close() removes.

Needs root, busybox, dockerd, dropbear (Debian: dropbear-bin), ssh, ip, nsenter, unshare, openssl.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import textwrap
import time

from lib import docker, patience, standins

PORT = 2376
SSH_PORT = 2222
START_S = 30
SERVER = "elsewhere"  # abra's name of it, and so the docker context's

# The first process of a machine. It reaps what the engine's shims leave to it. A dropbear that listens itself takes no more
# than five that have not said who they are; docs/install.md wants a server that takes more, as abra does not try again.
INIT = """\
set -e
mount --make-rprivate /
for place in /run /root; do mount -t tmpfs -o mode=0700 tmpfs "$place"; done
mkdir -p /run/lock /root/.ssh "$1/data"
mount --bind "$1/data" /var/lib/docker
hostname "$2"
ip link set lo up
install -m 600 "$1/authorized_keys" /root/.ssh/authorized_keys
busybox nc -ll -p 2222 -e dropbear -i -s -r "$1/host_key" 2>"$1/ssh.log" &
mkfifo "$1/again"
while :; do
	dockerd -s vfs --iptables=false --config-file "$1/daemon.json" --cgroup-parent "$3" -H unix:///var/run/docker.sock \\
		-H "unix://$1/docker.sock" -H tcp://0.0.0.0:2376 --tlsverify --tlscacert "$1/ca.pem" --tlscert "$1/server.pem" \\
		--tlskey "$1/server-key.pem" >>"$1/dockerd.log" 2>&1 || :
	read -r _ <"$1/again"
done &
wait
"""

_prctl = ctypes.CDLL(None).prctl
_PR_SET_PDEATHSIG = 1


def missing():
    """Why there can be no such machine here; "" when there can."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("busybox", "dockerd", "dropbear", "dropbearkey", "ssh", "ssh-keygen", "ip", "nsenter", "unshare",
                    "openssl"):
        if not shutil.which(program, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"):
            return f"there is no {program}"
    return ""


def call(*argv, **more):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout.strip()}")
    return done.stdout.strip()


def _die_with_parent():
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Machine:
    """name: its host name, and that of its node. address: its own, host: ours, on the line between us."""

    def __init__(self, directory, name, number, base):
        self.directory, self.name = os.path.join(directory, name), name
        self.host, self.address = f"{base}.{4 * number + 1}", f"{base}.{4 * number + 2}"
        self.tcp, self.ssh = f"tcp://{self.address}:{PORT}", f"ssh://root@{self.address}:{SSH_PORT}"
        self.socket = f"unix://{self.directory}/docker.sock"
        self._device = f"ccci{os.getpid() % 1000000}{'abcd'[number]}"
        self._group = f"/ccci-{name}-{os.getpid()}"
        self._process = None
        os.makedirs(self.directory)

    def start(self):
        path = os.path.join(self.directory, "init")
        with open(path, "w", encoding="utf-8") as file:
            file.write(INIT)
        with open(os.path.join(self.directory, "init.log"), "wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc", "bash",
                 path, self.directory, self.name, self._group],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent)
        self.pid = self._wait("its first process", self._find_first)
        call("ip", "link", "add", self._device, "type", "veth", "peer", "name", "line", "netns", str(self.pid))
        call("ip", "addr", "add", f"{self.host}/30", "dev", self._device)
        call("ip", "link", "set", self._device, "up")
        self.network("addr", "add", f"{self.address}/30", "dev", "line")
        self.network("link", "set", "line", "up")

    def _find_first(self):
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def network(self, *words):
        return call("nsenter", "-t", str(self.pid), "-n", "ip", *words)

    # --- its engine ---

    def _find_engine(self):
        """Its pid, as we see it; None when it is gone."""
        below = [self.pid]
        while below:
            pid = below.pop()
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                    if file.read().strip() == "dockerd":
                        return pid
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                    below += map(int, file.read().split())
        return None

    def stop_engine(self):
        """What runs in it runs on until it is back, which ends it."""
        os.kill(self._find_engine(), signal.SIGKILL)
        self._wait("its engine's end", lambda: not self._find_engine())

    def configure_engine(self, text):
        """What its daemon.json says from now on; what Docker takes without a restart is so when this returns."""
        with open(os.path.join(self.directory, "daemon.json"), "w", encoding="utf-8") as file:
            file.write(text)
        log = os.path.join(self.directory, "dockerd.log")
        before = os.stat(log).st_size
        os.kill(self._find_engine(), signal.SIGHUP)

        def has_reloaded():
            with open(log, "rb") as file:
                file.seek(before)
                return b"eloaded configuration" in file.read()

        self._wait("its new settings", has_reloaded)

    def start_engine(self):
        with open(os.path.join(self.directory, "again"), "w", encoding="ascii") as file:
            file.write("\n")
        self.wait_ready()
        self._wait("its Swarm", self._is_manager)

    def _is_manager(self):
        with self.used(), contextlib.suppress(docker.EngineError):
            docker.get("/services")
            return True

    def join_line(self, other, base):
        """A line between two machines, on which their Swarm meets."""
        self.network("link", "add", "peer", "type", "veth", "peer", "name", "peer", "netns", str(other.pid))
        for machine, last in ((self, 201), (other, 202)):
            machine.peer = f"{base}.{last}"
            machine.network("addr", "add", f"{machine.peer}/30", "dev", "peer")
            machine.network("link", "set", "peer", "up")

    def wait_ready(self):
        def answers():
            with self.used():
                try:
                    return docker.get("/version")
                except docker.EngineError:
                    return None

        def listens():
            with contextlib.suppress(OSError), socket.create_connection((self.address, SSH_PORT), 1):
                return True

        self._wait("its engine", answers)
        self._wait("its ssh", listens)

    def _wait(self, what, look):
        deadline = patience.deadline(START_S)
        while time.monotonic() < deadline and self._process.poll() is None:
            found = look()
            if found:
                return found
            time.sleep(0.02)
        raise RuntimeError(f"{self.name}: no sign of {what}\n{self.logs()}")

    def logs(self):
        found = []
        for name in ("init.log", "ssh.log", "dockerd.log"):
            with contextlib.suppress(OSError), open(os.path.join(self.directory, name), encoding="utf-8") as file:
                found.append(f"{name}:\n{textwrap.indent(file.read()[-2000:], '    ')}")
        return "\n".join(found)

    def inside(self, *argv):
        """What to start to be within."""
        return ["nsenter", "-t", str(self.pid), "-m", "-n", "-u", *argv]

    @contextlib.contextmanager
    def used(self):
        """lib.docker speaks with this engine."""
        docker.use(self.socket)
        try:
            yield self
        finally:
            docker.use()

    def close(self):
        if self._process:
            self._process.kill()
            self._process.wait()
        for base, names, _ in list(os.walk("/sys/fs/cgroup")):
            if self._group[1:] in names:
                _remove_group(os.path.join(base, self._group[1:]))
        shutil.rmtree(self.directory, ignore_errors=True)


def _remove_group(path, seconds=5):
    deadline = patience.deadline(seconds)
    for base, _, _ in os.walk(path, topdown=False):
        while True:
            try:
                os.rmdir(base)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


def free_base():
    """Three numbers of a network for tests (RFC 2544) that no device of this machine is in."""
    taken = call("ip", "-o", "addr")
    for number in range(256):
        base = f"198.18.{(os.getpid() + number) % 256}"
        if f"{base}." not in taken:
            return base
    raise RuntimeError("every network of 198.18 is in use")


class Swarm:
    def __init__(self, directory, nodes=1, is_bare=False):
        """is_bare: one machine with an engine, in no Swarm and without the proxy."""
        self.directory = os.path.abspath(directory)
        os.makedirs(self.directory)
        self.certificates = os.path.join(self.directory, "certificates")
        self.foreign_certificates = os.path.join(self.directory, "foreign")
        base = free_base()
        self.machines = []
        self._proxy = None
        try:
            self.machines = [Machine(self.directory, name, number, base)
                             for number, name in enumerate(("manager", "worker")[:nodes])]
            self.manager = self.machines[0]
            self._make_keys()
            for machine in self.machines:
                machine.start()
            if nodes == 2:
                self.manager.join_line(self.machines[1], base)
            for machine in self.machines:
                machine.wait_ready()
            if is_bare:
                return
            self._join()
            self._proxy = standins.Proxy(os.path.join(self.directory, "proxy"), inside=self.manager.inside(),
                                         address=self.manager.address)
        except BaseException:
            self.close()
            raise

    # --- keys ---

    def _make_keys(self):
        authority = self._make_authority("authority", self.certificates)
        for machine in self.machines:
            self._sign(authority, os.path.join(machine.directory, "server"), f"subjectAltName=IP:{machine.address}")
            shutil.copy(os.path.join(authority, "ca.pem"), machine.directory)
            call("dropbearkey", "-t", "ed25519", "-f", os.path.join(machine.directory, "host_key"))
        self._make_authority("foreign-authority", self.foreign_certificates)
        call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(self.directory, "key"))
        with open(os.path.join(self.directory, "key.pub"), encoding="utf-8") as file:
            key = file.read()
        # As docs/install.md has it: the key is good for the engine, and for nothing else.
        only = (f'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-pty,command="{shutil.which("docker")} system '
                f'dial-stdio" {key}')
        known = ""
        for machine in self.machines:
            self._write(machine.directory, "authorized_keys", only)
            self._write(machine.directory, "daemon.json", "{}")
            line = next(line for line in call("dropbearkey", "-y", "-f", os.path.join(machine.directory, "host_key"))
                        .splitlines() if line.startswith("ssh-ed25519"))
            known += f"[{machine.address}]:{SSH_PORT} {line}\n"
        self._write(self.directory, "known_hosts", known)
        self._write(self.directory, "ssh_config", f"IdentityFile {self.directory}/key\nIdentitiesOnly yes\n"
                                                  f"UserKnownHostsFile {self.directory}/known_hosts\n"
                                                  "GlobalKnownHostsFile /dev/null\n")

    @staticmethod
    def _write(directory, name, text):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)

    def _make_authority(self, name, client):
        """An authority and a directory with what it signed for a client."""
        directory = os.path.join(self.directory, name)
        for path in (directory, client):
            os.makedirs(path)
        call("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", f"/CN={name}", "-keyout", f"{directory}/ca-key.pem", "-out", f"{directory}/ca.pem")
        self._sign(directory, os.path.join(client, "client"), "extendedKeyUsage=clientAuth")
        shutil.copy(f"{directory}/ca.pem", client)
        os.rename(f"{client}/client.pem", f"{client}/cert.pem")
        os.rename(f"{client}/client-key.pem", f"{client}/key.pem")
        return directory

    @staticmethod
    def _sign(authority, name, extension):
        call("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test",
             "-addext", extension, "-keyout", f"{name}-key.pem", "-out", f"{name}.csr")
        call("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}/ca.pem", "-CAkey",
             f"{authority}/ca-key.pem", "-CAcreateserial", "-days", "2", "-copy_extensions", "copy", "-out", f"{name}.pem")

    # --- the Swarm ---

    def _join(self):
        first = getattr(self.manager, "peer", self.manager.address)
        with self.manager.used():
            docker.request("POST", "/swarm/init", None, {"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": first,
                                                         "DataPathAddr": first})
            token = docker.get("/swarm")["JoinTokens"]["Worker"]
            docker.request("POST", "/networks/create", None, {"Name": "proxy", "Driver": "overlay"})
        for machine in self.machines[1:]:
            with machine.used():
                docker.request("POST", "/swarm/join", None, {
                    "ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": machine.peer, "DataPathAddr": machine.peer,
                    "RemoteAddrs": [f"{first}:2377"], "JoinToken": token})
        self._update_nodes(lambda name: {"Labels": {"place": name}})

    def _update_nodes(self, change):
        with self.manager.used():
            for node in docker.get("/nodes"):
                spec = {**node["Spec"], **change(node["Description"]["Hostname"])}
                docker.request("POST", f"/nodes/{node['ID']}/update", {"version": node["Version"]["Index"]}, spec)

    def keep_to_manager(self):
        """From now on nothing new runs on the worker."""
        self._update_nodes(lambda name: {"Availability": "pause"} if name != self.manager.name else {})

    def use_all_nodes(self):
        self._update_nodes(lambda name: {"Availability": "active"})

    def load(self, images):
        """Images of this machine's engine, on every node."""
        data = docker.raw("GET", "/images/get?" + "&".join(f"names={name}" for name in images))
        for machine in self.machines:
            with machine.used():
                docker.raw("POST", "/images/load", body=data, content_type="application/x-tar")

    def held(self):
        """What the engines hold, each: {name of a machine: docker.snapshot()}."""
        found = {}
        for machine in self.machines:
            with machine.used():
                found[machine.name] = docker.snapshot(is_manager=machine is self.manager)
        return found

    # --- for ccci-run ---

    def prepare_host(self, host, server):
        """Of a RunnerHost: ssh with our keys, abra's server, and the docker context of its name. server: its DOCKER_HOST."""
        host.write("bin/ssh", f'#!/bin/sh\nexec /usr/bin/ssh -F {self.directory}/ssh_config "$@"\n', 0o755)
        os.makedirs(os.path.join(host.abra_dir, "servers", SERVER), exist_ok=True)
        where = f"host={server}"
        if server.startswith("tcp://"):
            where += "".join(f",{name}={self.certificates}/{file}.pem"
                             for name, file in (("ca", "ca"), ("cert", "cert"), ("key", "key")))
        call("docker", "--config", os.path.join(host.directory, ".docker"), "context", "create", SERVER, "--docker", where)

    @property
    def proxy(self):
        return self._proxy.env

    def close(self):
        if self._proxy:
            self._proxy.close()
        for machine in self.machines:
            machine.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
