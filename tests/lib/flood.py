#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Those who mean the hook no good, in a process of their own, so that the stand-ins beside it go on:

    with flood.Flood("forged", bridge.port) as flood:
        ...                              what must go on meanwhile
    flood.answers                        how many refusals it was sent

It keeps so many connections open and opens each anew that is closed. Also a program: flood.py KIND PORT.
"""
import hashlib
import hmac
import itertools
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time

BODY_BYTES = 16_000
BATCH = 20                       # requests behind each other, so that the sender is no bound
REFUSED = b"HTTP/1.1 40"


def delivery(signature, length=BODY_BYTES, sent=None):
    body = b"{" + b" " * (length - 2) + b"}"
    head = (f"POST /hook HTTP/1.1\r\nHost: flood\r\nContent-Type: application/json\r\nX-Gitea-Event: issue_comment\r\n"
            f"Content-Length: {length}\r\n")
    if signature:
        head += "X-Gitea-Signature: " + hmac.new(b"no key of the bridge's", body, hashlib.sha256).hexdigest() + "\r\n"
    return head.encode() + b"\r\n" + body[:sent]


GARBAGE = b"GET /../%00 HTTP/1.1\r\nHost: x\r\n\r\nPOST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n\x16\x03\x01\x02 \xff\xfe GET\r\n\r\n"


class Kind:
    """connections; what is sent on each again and again; seconds between two pieces of it; of how many bytes."""

    def __init__(self, connections, data, piece=0, every=0.0):
        self.connections, self.data, self.piece, self.every = connections, data, piece, every


KINDS = {
    "forged": lambda: Kind(16, delivery(True) * BATCH),
    "unsigned": lambda: Kind(16, delivery(False) * BATCH),
    "slow": lambda: Kind(1000, delivery(True), piece=1, every=1.0),
    "large": lambda: Kind(16, delivery(True, length=10 * 2**20)),
    "garbage": lambda: Kind(16, GARBAGE * BATCH),
}


class Sender:
    """One connection after another, none of which waits for anything but the kernel."""

    def __init__(self, kind, port, watched):
        self.kind, self.port, self.watched = kind, port, watched
        self.socket = None
        self.answers = 0

    def dial(self):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", self.port))
        self.at, self.rest, self.next = 0, b"", 0.0
        self.watched.register(self.socket, selectors.EVENT_READ | (0 if self.kind.every else selectors.EVENT_WRITE), self)

    def hang_up(self):
        self.watched.unregister(self.socket)
        self.socket.close()
        self.dial()

    def send(self, now):
        end = self.at + self.kind.piece if self.kind.piece else len(self.kind.data)
        self.at += self.socket.send(self.kind.data[self.at:end])
        self.at %= len(self.kind.data)
        self.next = now + self.kind.every

    def receive(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError
        data = self.rest + data
        self.answers += data.count(REFUSED)
        found = data.rfind(REFUSED)
        self.rest = data[-len(REFUSED) + 1:] if found < 0 else data[found + len(REFUSED):][-len(REFUSED) + 1:]

    def turn(self, events, now):
        try:
            if events & selectors.EVENT_READ:
                self.receive()
            if events & selectors.EVENT_WRITE or (self.kind.every and now >= self.next):
                self.send(now)
        except BlockingIOError:
            pass
        except OSError:
            self.hang_up()


def run(kind, port):
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    watched = selectors.DefaultSelector()
    senders = [Sender(kind, port, watched) for _ in range(kind.connections)]
    for sender in senders:
        sender.dial()
    signal.signal(signal.SIGTERM, lambda *_: (print(sum(sender.answers for sender in senders), flush=True), os._exit(0)))
    print("begun", flush=True)
    slow = itertools.cycle(senders)
    while True:
        now = time.monotonic()
        for key, events in watched.select(0.02 if kind.every else 1):
            key.data.turn(events, now)
        for sender in itertools.islice(slow, len(senders) // 20 if kind.every else 0):
            if now >= sender.next:
                sender.turn(0, now)


class Flood:
    def __init__(self, kind, port):
        self.command = [sys.executable, os.path.realpath(__file__), kind, str(port)]
        self.answers = 0

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "begun\n":
            raise RuntimeError("the flood did not begin")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        said, _ = self.process.communicate(timeout=10)
        self.answers = int(said)


if __name__ == "__main__":
    run(KINDS[sys.argv[1]](), int(sys.argv[2]))
