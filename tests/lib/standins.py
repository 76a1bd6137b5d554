# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting the stand-ins for abra, the proxy and the registry from tests (tests/standin/README.md).

    abra = standins.Abra(directory)             # abra.path is the executable to give to ccci-run
    abra.switch("k24=8")
    with standins.Proxy(directory) as proxy:    # proxy.env["PROBE_CONNECT"]
    with standins.Registry(directory) as registry:
"""

import gzip
import hashlib
import json
import os
import signal
import subprocess

STANDIN = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "standin")


class Abra:
    """A private bin directory with the stand-in in it, its switches and its log."""

    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.path = os.path.join(directory, "abra")
        os.symlink(os.path.join(STANDIN, "abra"), self.path)
        with open(os.path.join(directory, "abra.log.enable"), "w", encoding="utf-8"):
            pass

    def switch(self, *switches):
        """These switches are on from now on, and no others."""
        with open(os.path.join(self.directory, "abra.switches"), "w", encoding="utf-8") as file:
            file.write("\n".join(switches) + "\n")

    def calls(self):
        """The calls so far, each {"argv" without the program, "env", "cwd", "stdin", "pid", "exit", "time", "ended"}; exit
        is None for one that was killed or still runs, and "ended" missing."""
        calls, by_pid = [], {}
        try:
            with open(os.path.join(self.directory, "abra.log"), encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
        except FileNotFoundError:
            return []
        for line in lines:
            if "argv" in line:
                by_pid[line["pid"]] = {**line, "argv": line["argv"][1:], "exit": None}
                calls.append(by_pid[line["pid"]])
            else:
                by_pid[line["pid"]].update(exit=line["exit"], ended=line["time"])
        return calls


class _Program:
    name = ""

    def __init__(self, directory, port=0, options=(), inside=()):
        """inside: a command in front, for one in namespaces of its own."""
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self._log = open(os.path.join(directory, f"{self.name}.stderr"), "wb")
        self._process = subprocess.Popen(
            [*inside, os.path.join(STANDIN, self.name), "--port", str(port), *options, directory],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True,
            start_new_session=True)
        line = self._process.stdout.readline()
        if not line.startswith("PORT "):
            self.close()
            raise RuntimeError(f"{self.name} did not start: see {self._log.name}")
        self.port = int(line.split()[1])

    def close(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
        self._process.stdout.close()
        self._log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Proxy(_Program):
    name = "proxy"
    ZONE = "ci.test"  # of the lab too

    def __init__(self, directory, zone=ZONE, address="127.0.0.1", days=30, inside=(), port=0):
        super().__init__(directory, port, options=("--zone", zone, "--address", address, "--days", str(days)), inside=inside)
        self.env = read_env(os.path.join(directory, "proxy.env"))


class Registry(_Program):
    name = "registry"

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def switch(self, word):
        with open(os.path.join(self.directory, "registry.switch"), "w", encoding="utf-8") as file:
            file.write(word)

    def want_login(self, login):
        """Everything wants it from now on: "user:password"."""
        with open(os.path.join(self.directory, "registry.login"), "w", encoding="utf-8") as file:
            file.write(login)

    def publish(self, name, tag, layer, config):
        """An image of one layer, a tar; config as in an image's own. Its digest."""
        machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        packed = gzip.compress(layer, mtime=0)
        image = json.dumps({"architecture": machine, "os": "linux", "config": config, "history": [{"created_by": "test"}],
                            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]}}).encode()
        kind = "application/vnd.docker."
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": kind + "distribution.manifest.v2+json",
            "config": {"mediaType": kind + "container.image.v1+json", "size": len(image), "digest": _digest(image)},
            "layers": [{"mediaType": kind + "image.rootfs.diff.tar.gzip", "size": len(packed), "digest": _digest(packed)}],
        }).encode()
        for kind, reference, content in (("blobs", _digest(packed), packed), ("blobs", _digest(image), image),
                                         ("manifests", tag, manifest), ("manifests", _digest(manifest), manifest)):
            path = os.path.join(self.directory, "images", name, kind, reference)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        return _digest(manifest)

    def requests(self):
        try:
            with open(os.path.join(self.directory, "registry.log"), encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []


def _digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def read_env(path):
    with open(path, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
