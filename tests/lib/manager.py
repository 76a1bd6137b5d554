# SPDX-License-Identifier: GPL-3.0-or-later
"""
What systemd does for a service, as far as the bridge sees it: hears what it tells, holds its socket, waits for its watchdog.

    with Manager(bridge) as manager:         before bridge.start()
        manager.listen()                     a socket of its own, handed over at each start
        bridge.start()
        manager.wait("READY=1")
"""
import os
import socket
import threading
import time

from lib.world import wait_for

# LISTEN_PID has to be the program's own number. One descriptor comes twice where two are asked for.
WRAPPER = """#!/bin/bash
export LISTEN_PID=$$
exec "{program}" "$@" {redirections}
"""


class Manager:
    def __init__(self, bridge, watchdog_s=None):
        self.bridge = bridge
        self.directory = os.path.dirname(bridge.config)
        self.told = []               # (instant, {name: value}), oldest first
        self.path = os.path.join(self.directory, "notify")
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(self.path)
        self.socket = None
        bridge.environment["NOTIFY_SOCKET"] = self.path
        if watchdog_s:
            bridge.environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        self.thread = threading.Thread(target=self._hear, daemon=True)
        self.thread.start()

    def _hear(self):
        while (data := self.ear.recv(4096)) != b"end":
            self.told.append((time.monotonic(), dict(line.split("=", 1) for line in data.decode().split("\n"))))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
            mouth.sendto(b"end", self.path)
        self.thread.join()
        self.ear.close()
        if self.socket:
            self.socket.close()

    def listen(self, count=1, kind=socket.SOCK_STREAM):
        """Hands over a socket: count times, of this kind; the bridge is reached by it."""
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            self.socket.listen(128)
        self.bridge.port = self.socket.getsockname()[1]
        number = self.socket.fileno()
        wrapper = os.path.join(self.directory, "ccci-bridge")
        redirections = " ".join(f"{3 + index}<&{number}" for index in range(count)) + f" {number}<&-" * (number > 2 + count)
        with open(wrapper, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o700)) as file:
            file.write(WRAPPER.format(program=self.bridge.program, redirections=redirections))
        self.bridge.program = wrapper
        self.bridge.pass_fds = (number,)
        self.bridge.environment.update({"LISTEN_FDS": str(count), "LISTEN_FDNAMES": ":".join(["hook"] * count)})

    def values(self, name):
        """Of that name, oldest first."""
        return [fields[name] for _, fields in list(self.told) if name in fields]

    def status(self):
        return (self.values("STATUS") or [""])[-1]

    def wait(self, line, seconds=15, count=1):
        name, value = line.split("=", 1)
        wait_for(lambda: self.values(name).count(value) >= count, seconds, f"{line} told {count} times")

    def wait_status(self, words, seconds=15):
        return wait_for(lambda: words in self.status() and self.status(), seconds, f"status with \"{words}\"")
