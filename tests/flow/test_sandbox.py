#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recipe's own test may try in its sandbox: some fifty attempts, each with its name. None succeeds, each is refused
in the words that show it was really made, and nothing is left. And what it may do, it can: reach the app."""
import concurrent.futures
import contextlib
import glob
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest

from lib import patience

DRIVER = os.path.join(os.environ["CCCI_BUILD"], "tests/driver_sandbox")
DOMAIN = "app-1.ci.test"
TOKEN = "canary-token"  # also what the driver has in its environment
SURVIVOR = "86413"      # seconds that nothing else on this machine sleeps for
AT_ONCE = 4

# An attempt that succeeds says so and ends with 0; one that is refused says why and ends with 1.
PRELUDE = """#!/usr/bin/python3
import ctypes, errno, fcntl, glob, os, resource, signal, socket, ssl, struct, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def got(what):
    print("GOT", what, flush=True)
    os._exit(0)
def refused(why):
    print("refused:", why, flush=True)
    os._exit(1)
def call(*numbers):
    result = libc.syscall(*[ctypes.c_long(n) if isinstance(n, int) else n for n in numbers])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def connect(address, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as s:
        s.settimeout(3)
        s.connect(address)
        got(f"a connection to {address}")
def app(name, first=None):
    s = socket.create_connection(("127.0.0.1", 443), timeout=5)
    if first:
        s.sendall(first)
    else:
        context = ssl._create_unverified_context()
        s = context.wrap_socket(s, server_hostname=name)
        s.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    data = s.recv(100)
    got(data) if data else refused("closed")
def token_in(path):
    with open(path, "rb") as file:
        if TOKEN.encode() in file.read(1 << 20):
            got(path)
TOKEN = "canary-" + "token"
try:
"""
EPILOGUE = """
except (OSError, ValueError) as error:
    refused(error)
"""

NOT_THERE = "No such file or directory"
NOT_PERMITTED = "Operation not permitted"
READ_ONLY = "Read-only file system"
UNREACHABLE = "Network is unreachable"
CLOSED = "refused: closed|EOF occurred|has been closed|Connection reset"

# name: (body, what is said). {…} is filled from Place.facts. One that succeeds, as the walls are down, harms no host.
ATTEMPTS = {
    "engine socket": ("connect('/var/run/docker.sock', socket.AF_UNIX)", NOT_THERE),
    "engine socket, other name": ("connect('/run/docker.sock', socket.AF_UNIX)", NOT_THERE),
    "engine by tcp": ("connect(('127.0.0.1', 2375))", "Connection refused"),
    "a socket among the host's files": ("connect('{unix}', socket.AF_UNIX)", NOT_THERE),
    "an abstract socket of the host": ("connect('\\0{abstract}', socket.AF_UNIX)", "Connection refused"),
    "token in the environment": ("any(TOKEN in v for v in os.environ.values()) and got('it'); refused('none')", "none"),
    "DOCKER_HOST": ("got(os.environ['DOCKER_HOST']) if 'DOCKER_HOST' in os.environ else refused('none')", "none"),
    "token in a file": ("token_in('{directory}/token')", NOT_THERE),
    "token in any file": ("""
        for top in os.listdir("/"):  # of the rest one is the system, and the others have rows of their own
            for base, _, names in os.walk("/" + top) if top in ("etc", "scratch", "tmp", "run", "nix") else ():
                for name in names:
                    if os.path.isfile(os.path.join(base, name)):
                        token_in(os.path.join(base, name))
        refused("none")""", "none"),
    "token in another process": ("""
        for path in glob.glob("/proc/[0-9]*/environ"):
            token_in(path)
        refused("none")""", "none"),
    "other processes at all": ("""
        pids = [int(p) for p in os.listdir("/proc") if p.isdigit()]
        got(pids) if len(pids) > 2 else refused(pids)""", r"\[1, 2\]"),
    "another run's directory": ("got(os.listdir('{directory}/state/runs/41-abcdef'))", NOT_THERE),
    "the state directory": ("got(os.listdir('{directory}/state'))", NOT_THERE),
    "/var/lib": ("got(os.listdir('/var/lib'))", NOT_THERE),
    "/root": ("got(os.listdir('/root'))", NOT_THERE),
    "/home": ("got(os.listdir('/home'))", NOT_THERE),
    "/etc/shadow": ("got(open('/etc/shadow').read())", NOT_THERE),
    "/etc/ccci": ("got(os.listdir('/etc/ccci'))", NOT_THERE),
    "private keys of the host": ("got(os.listdir('/etc/ssl/private'))", NOT_THERE),
    "/etc/shadow through pid 1": ("got(open('/proc/1/root/etc/shadow').read())", f"{NOT_THERE}|Permission denied"),
    "a port of the host's loopback": ("connect(('127.0.0.1', {port}))", "Connection refused"),
    "a port of the host by its address": ("connect(('{address}', {port}))", UNREACHABLE),
    "the gateway of the bridge": ("connect(('172.18.0.1', 22))", UNREACHABLE),
    "the metadata address": ("connect(('169.254.169.254', 80))", UNREACHABLE),
    "the internet": ("connect(('192.0.2.53', 53), socket.AF_INET, socket.SOCK_DGRAM)", UNREACHABLE),
    "the internet by IPv6": ("connect(('2001:db8::1', 443), socket.AF_INET6)", UNREACHABLE),
    "another app by its name in TLS": ("app('app-2.ci.test')", CLOSED),
    "an app whose name ends the same": ("app('x{domain}')", CLOSED),
    "Drone behind the proxy": ("app('drone.example.org')", CLOSED),
    "the proxy without a name": ("app(None)", CLOSED),
    "the proxy in plain http": ("app('', b'GET / HTTP/1.1\\r\\nHost: {domain}\\r\\n\\r\\n')", CLOSED),
    "a raw socket": ("got(socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))", NOT_PERMITTED),
    "every packet": ("got(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3))", NOT_PERMITTED),
    "the loopback down": ("""
        s = socket.socket(); fcntl.ioctl(s, 0x8914, struct.pack("16sH14s", b"lo", 0, b"")); got("it")""", NOT_PERMITTED),
    "fork bomb": ("""
        count = 0
        try:
            while count < 500:
                if os.fork() == 0:
                    time.sleep(30)
                    os._exit(0)
                count += 1
        except OSError as error:
            refused(f"{{error}} after {{count}}") if count < 64 else got(count)
        got(count)""", r"Resource temporarily unavailable after \d+"),
    "more processes by a raised bound": ("resource.setrlimit(resource.RLIMIT_NPROC, (4096, 4096)); got('it')",
                                         "not allowed to raise"),
    "memory": ("held = [bytearray(os.urandom(1) * (1 << 20)) for _ in range(1024)]; got(len(held))", "killed by SIGKILL"),
    "memory of a file": ("""
        fd = os.memfd_create("x")
        for _ in range(64):
            os.write(os.memfd_create("x"), b"x" * (8 << 20))
        got("512 MiB")""", "killed by SIGKILL"),
    "disk": ("""
        for n in range(64):
            open(f"/tmp/{{n}}", "wb").write(b"x" * (1 << 20))
        got("64 MiB")""", "No space left on device"),
    "disk of every kind": ("""
        for n in range(8):
            for place in ("/tmp", "/scratch", "/dev/shm"):
                open(f"{{place}}/{{n}}", "wb").write(b"x" * (1 << 20))
        got("24 MiB in all")""", "No space left on device"),
    "one large file": ("os.truncate(os.open('/tmp/x', os.O_CREAT | os.O_RDWR), 1 << 40); got('1 TiB')",
                       "File too large|killed by SIGXFSZ"),
    "many files": ("""
        for n in range(5000):
            open(f"/tmp/{{n}}", "w").close()
        got(n)""", "No space left on device"),
    "many open files": ("held = [open('/dev/null') for _ in range(5000)]; got(len(held))", "Too many open files"),
    "the root of its own file system": ("open('/x', 'w').write('x'); got('it')", READ_ONLY),
    "a file in /dev": ("open('/dev/x', 'w').write('x'); got('it')", READ_ONLY),
    "its own snapshot": ("open('/tests/attempt', 'a').write('x'); got('it')", f"{READ_ONLY}|Permission denied"),
    "a file beside its snapshot": ("open('/tests/more', 'w').write('x'); got('it')", READ_ONLY),
    "the system's programs": ("open('/usr/bin/python3', 'r+b'); got('it')", f"{READ_ONLY}|Permission denied"),
    "CPU until its time is over": ("while True: pass", "timed out"),
    "living on without an output": ("os.close(1); os.close(2); time.sleep(60)", "timed out"),
    "deaf to the end": ("signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)", "timed out"),
    "a survivor with an empty environment": ("""
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for fd in range(3):
                    os.close(fd)
                os.execve("/bin/sleep", ["sleep", "{survivor}"], {{}})
            os._exit(0)
        os.wait()
        refused("it is on its own")""", "on its own"),
    "a signal to the keeper": ("os.kill({victim}, signal.SIGKILL); got('it')", "No such process"),
    "a signal to all": ("os.kill(-1, signal.SIGKILL); got('somebody')", "No such process"),
    "ptrace": ("call(101, 16, 1, 0, 0); got('pid 1')", NOT_PERMITTED),
    "the memory of pid 1": ("""
        with open("/proc/1/mem", "rb") as memory:
            got(memory.read(1))""", "Permission denied|Input/output error"),
    "mount": ("call(165, b'x', b'/tmp', b'tmpfs', 0, 0); got('it')", NOT_PERMITTED),
    "mount by the new calls": ("call(430, b'tmpfs', 0); got('it')", NOT_PERMITTED),
    "umount": ("call(166, b'/tests', 2); got('it')", NOT_PERMITTED),
    "pivot_root": ("call(155, b'/tmp', b'/tmp'); got('it')", NOT_PERMITTED),
    "chroot": ("os.chroot('/tmp'); got('it')", NOT_PERMITTED),
    "a user namespace": ("call(272, 0x10000000); got('it')", NOT_PERMITTED),
    "a user namespace by clone": ("""
        if call(56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0) == 0:
            os._exit(0)
        got('it')""", "No space left on device|Operation not permitted"),
    "another's namespace": ("call(308, os.open('/proc/1/ns/net', os.O_RDONLY), 0); got('it')", f"{NOT_PERMITTED}|denied"),
    "a device": ("os.mknod('/tmp/disk', 0o660 | 0o060000, os.makedev(254, 0)); got('it')", NOT_PERMITTED),
    "devices that are there": ("""
        for name in ("mem", "kmem", "port", "kmsg", "vda", "sda", "nvme0n1", "fuse", "kvm", "loop-control", "net/tun"):
            if os.path.exists("/dev/" + name):
                got(name)
        refused("none")""", "none"),
    "a terminal": ("got(os.open('/dev/tty', os.O_RDWR))", "No such device or address"),
    "a program that gives root": ("""
        child = subprocess.Popen(["/usr/bin/su"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        status = open(f"/proc/{{child.pid}}/status").read()
        child.kill()
        ids = next(line for line in status.splitlines() if line.startswith("Uid")).split()[1:]
        got(ids) if "0" in ids else refused(ids)""", "'1000', '1000'"),
    "root": ("os.setuid(0); got('it')", f"{NOT_PERMITTED}|Invalid argument"),
    "other groups": ("os.setgroups([0]); got('it')", NOT_PERMITTED),
    "keys": ("got(call(250, 0, -3, 0))", NOT_PERMITTED),
    "a key of its own": ("got(call(248, b'user', b'x', b'x', 1, -3))", NOT_PERMITTED),
    "bpf": ("got(call(321, 0, 0, 0))", NOT_PERMITTED),
    "io_uring": ("got(call(425, 1, 0))", NOT_PERMITTED),
    "perf events": ("got(call(298, 0, 0, -1, -1, 0))", NOT_PERMITTED),
    "files by handle": ("got(call(304, 3, 0, 0))", NOT_PERMITTED),
    "the kernel's log": ("got(libc.klogctl(3, ctypes.create_string_buffer(100), 100)) if "
                         "libc.klogctl(3, ctypes.create_string_buffer(100), 100) >= 0 else "
                         "refused(os.strerror(ctypes.get_errno()))", NOT_PERMITTED),
    "a setting of the kernel": ("os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY); got('it')",
                                f"{READ_ONLY}|Permission denied"),
    "sysrq": ("os.open('/proc/sysrq-trigger', os.O_WRONLY); got('it')", f"{READ_ONLY}|Permission denied|{NOT_THERE}"),
    "/sys": ("got(os.listdir('/sys'))", NOT_THERE),
    "its control group": ("got(glob.glob('/sys/fs/cgroup/*') or open('/sys/fs/cgroup/cgroup.procs').read())", NOT_THERE),
    "a better priority": ("os.setpriority(os.PRIO_PROCESS, 0, -20); got('it')", f"{NOT_PERMITTED}|Permission denied"),
    "the machine's name": ("socket.sethostname(socket.gethostname()); got('it')", NOT_PERMITTED),
    "the clock": ("time.clock_settime(time.CLOCK_REALTIME, time.time()); got('it')", NOT_PERMITTED),
    "reboot": ("call(169, 0xfee1dead, 0x28121969, 0x01234567, 0); got('it')", NOT_PERMITTED),
    "a link out of its scratch": ("os.symlink('/etc/shadow', '/scratch/link'); got(open('/scratch/link').read())", NOT_THERE),
    "a link in place of its scratch": ("os.rmdir('/scratch'); os.symlink('/etc', '/scratch'); got('it')",
                                       f"{READ_ONLY}|Device or resource busy"),
}


# Without root there is no control group: memory is bounded for each process alone.
NEED_GROUP = ("memory", "memory of a file")


class Server(threading.Thread):
    """TLS for *.ci.test: answers with what it was asked; counts who came."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.certificate, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x", "-addext",
                        f"subjectAltName=DNS:*.ci.test,DNS:*.{DOMAIN}", "-keyout", key, "-out", self.certificate],
                       check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.came = 0
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.came += 1
                threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with contextlib.suppress(OSError), self.context.wrap_socket(connection, server_side=True) as peer:
            asked = peer.recv(100)
            if asked.startswith(b"ECHO "):
                left = int(asked.split()[1])
                peer.sendall(b"go")
                while left and (data := peer.recv(65536)):
                    peer.sendall(data)
                    left -= len(data)
            elif asked.startswith(b"WAIT"):
                peer.recv(1)
            peer.sendall(b"HTTP/1.0 200 OK\r\n\r\nthe app\n")

    def close(self):
        self.listener.close()


class Place(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.directory = cls.stack.enter_context(tempfile.TemporaryDirectory(prefix="ccci-sandbox-"))
        os.makedirs(os.path.join(cls.directory, "state/runs/41-abcdef"))
        cls.write("token", TOKEN)
        cls.server = Server(cls.directory)
        cls.stack.callback(cls.server.close)
        cls.victim = subprocess.Popen(["sleep", "600"], env={})
        cls.stack.callback(cls.victim.wait)
        cls.stack.callback(cls.victim.kill)
        host = cls.stack.enter_context(socket.create_server(("0.0.0.0", 0)))
        unix = cls.stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(os.path.join(cls.directory, "socket"))
        unix.listen()
        abstract = cls.stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0ccci-sandbox-{os.getpid()}")
        abstract.listen()
        cls.facts = {"directory": cls.directory, "domain": DOMAIN, "survivor": SURVIVOR, "victim": cls.victim.pid,
                     "port": host.getsockname()[1], "address": cls.own_address(), "unix": unix.getsockname(),
                     "abstract": abstract.getsockname()[1:].decode()}

    @classmethod
    def write(cls, name, text, mode=0o644):
        path = os.path.join(cls.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    @staticmethod
    def own_address():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            with contextlib.suppress(OSError):
                probe.connect(("192.0.2.1", 9))
                return probe.getsockname()[0]
        return "192.0.2.2"

    @classmethod
    def start(cls, text, seconds=10, name="attempt"):
        """A test of that text, on its way."""
        directory = tempfile.mkdtemp(prefix="run-", dir=cls.directory)
        os.makedirs(os.path.join(directory, "tests"))
        path = os.path.join(directory, "tests", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        for made in (directory, os.path.dirname(path), path):
            os.chmod(made, 0o755)
        os.chmod(directory, 0o700)  # as a run's directory is
        return subprocess.Popen([DRIVER, directory, name, DOMAIN, f"127.0.0.1:{cls.server.port}", cls.server.certificate,
                                 str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    @classmethod
    def run_test(cls, text, seconds=10, name="attempt"):
        process = cls.start(text, seconds, name)
        output, _ = process.communicate(timeout=60)
        try:
            return json.loads(output)
        except ValueError:
            raise AssertionError(output) from None

    @classmethod
    def run_python(cls, body, seconds=10):
        return cls.run_test(PRELUDE + textwrap.indent(textwrap.dedent(body).strip() or "pass", "    ") + EPILOGUE, seconds)


def processes_that_sleep():
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            if SURVIVOR.encode() in file.read().split(b"\0"):
                found.append(path)
    return found


def groups():
    return [path for pattern in ("/sys/fs/cgroup/ccci-sandbox-driver-*", "/sys/fs/cgroup/*/ccci-sandbox-driver-*")
            for path in glob.glob(pattern)]


class Hostile(Place):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        pool = cls.stack.enter_context(concurrent.futures.ThreadPoolExecutor(AT_ONCE))
        cls.results = {name: pool.submit(cls.run_python, body.format(**cls.facts), 2 if said == "timed out" else 20)
                       for name, (body, said) in ATTEMPTS.items()}

    def check(self, name):
        if name in NEED_GROUP and os.geteuid():
            self.skipTest("no control group without root")
        result, (_, said) = self.results[name].result(), ATTEMPTS[name]
        text = f"{result['reason']}\n{result.get('evidence')}"
        self.assertEqual(result["outcome"], "fail", f"{name}: {text}")
        self.assertNotIn("GOT", text, name)
        self.assertNotIn("Traceback", text, name)
        self.assertRegex(text, said, name)

    def test_nothing_is_left(self):
        concurrent.futures.wait(self.results.values())
        self.assertIsNone(self.victim.poll(), "what ran outside was ended")
        self.assertEqual(processes_that_sleep(), [])
        self.assertEqual(groups(), [])
        self.assertEqual(self.server.came, 0, "somebody reached the proxy for another name")

    def test_there_are_enough(self):
        self.assertGreaterEqual(len(ATTEMPTS), 50)


def add_attempt(name):
    setattr(Hostile, "test_" + re.sub(r"\W+", "_", name).strip("_"), lambda self: self.check(name))


for attempt in ATTEMPTS:
    add_attempt(attempt)


class Reach(Place):
    """The same roads, where they are open: a refusal above is not only a road that leads nowhere."""

    def test_the_app(self):
        result = self.run_python("""
            import urllib.request
            context = ssl.create_default_context(cafile=os.environ["CCCI_CA_FILE"])
            print("1..2")
            text = urllib.request.urlopen(os.environ["CCCI_URL"], context=context, timeout=5).read().decode()
            print("ok 1 -", text)
            below = context.wrap_socket(socket.create_connection(("127.0.0.1", 443)), server_hostname="api.app-1.ci.test")
            below.sendall(b"GET / HTTP/1.0")
            print("ok 2 - a name below it", below.recv(8))
            os.environ["CCCI_CONNECT"] == "127.0.0.1:443" or sys.exit(2)
            sys.exit(0)""")
        self.assertEqual((result["outcome"], result["tests"]), ("pass", 2), result)
        self.assertIn("the app", result["evidence"])

    def test_the_host_s_ports_are_open_outside(self):
        socket.create_connection(("127.0.0.1", self.facts["port"])).close()
        socket.create_connection((self.facts["address"], self.facts["port"])).close()

    def test_much_in_both_directions(self):
        result = self.run_python("""
            import threading
            size = 4 << 20
            s = ssl._create_unverified_context().wrap_socket(socket.create_connection(("127.0.0.1", 443)),
                                                             server_hostname=os.environ["CCCI_DOMAIN"])
            s.sendall(b"ECHO %d" % size)
            s.recv(2) == b"go" or refused("no go")
            sent = os.urandom(size)
            threading.Thread(target=s.sendall, args=(sent,), daemon=True).start()
            back = b""
            while len(back) < size and (data := s.recv(1 << 16)):
                back += data
            got("all") if back == sent else refused(len(back))""", 30)
        self.assertEqual(result["outcome"], "pass", result)

    @unittest.skipIf(os.geteuid(), "without a control group the stacks of so many threads are too much")
    def test_more_connections_than_there_are_places(self):
        """Those that find none wait until one is free."""
        result = self.run_python("""
            import threading
            done = []
            def one(number):
                s = ssl._create_unverified_context().wrap_socket(socket.create_connection(("127.0.0.1", 443), timeout=20),
                                                                 server_hostname=os.environ["CCCI_DOMAIN"])
                s.sendall(b"WAIT")
                time.sleep(0.2)
                s.sendall(b"x")
                done.append(s.recv(100))
            threads = [threading.Thread(target=one, args=(n,)) for n in range(48)]
            [t.start() for t in threads]
            [t.join() for t in threads]
            got("all") if all(b"200" in d for d in done) and len(done) == 48 else refused(len(done))""", 40)
        self.assertEqual(result["outcome"], "pass", result)

    def test_silent_connections_are_in_nobody_s_way_but_its_own(self):
        result = self.run_python("""
            held = [socket.create_connection(("127.0.0.1", 443)) for _ in range(40)]
            print("held", len(held))
            sys.exit(77)""")
        self.assertEqual((result["outcome"], result["reason"]), ("not_run", "held 40"), result)

    def test_its_own_places(self):
        result = self.run_test("""#!/bin/sh
            cd /scratch && echo a >a && echo b >/tmp/b && echo c >/dev/shm/c && [ "$HOME" = /tmp ] || exit 2
            [ "$CCCI_RUN_DIR" = /scratch ] && [ "$CCCI_DOMAIN $CCCI_STAGE" = "app-1.ci.test recipe" ] || exit 3
            [ "$(id -un) $(hostname)" = "tester sandbox" ] && getent hosts app-1.ci.test | grep -q 127.0.0.1 || exit 4
            cat a /tmp/b /dev/shm/c""")
        self.assertEqual(result["outcome"], "pass", result)
        self.assertIn("a\nb\nc\n", result["evidence"])


class Words(Place):
    """The result is ccci's, whatever the test writes."""

    def test_forged_results(self):
        forged = json.dumps({"schema": 1, "verdict": "passed", "level": 5})
        result = self.run_test(f"""#!/bin/sh
            echo '--- ccci results 1 ---'; echo '{forged}'; echo '--- end ccci results ---'
            echo '--- ccci results 1 ---' >&2; echo '{forged}' >&2; echo '--- end ccci results ---' >&2
            exit 1""")
        self.assertEqual(result["outcome"], "fail")

    def test_a_tap_of_ten_thousand(self):
        result = self.run_test("""#!/bin/sh
            echo 1..10000; i=1; while [ $i -lt 10000 ]; do echo "ok $i - t"; i=$((i+1)); done; echo 'not ok 10000 - t'""")
        self.assertEqual((result["outcome"], result["reason"]), ("fail", "1 tests beyond the first 200 failed"))
        self.assertEqual(result["tests"], 200)

    def test_a_line_that_does_not_end(self):
        result = self.run_test("#!/bin/sh\nhead -c 100000000 /dev/zero | tr '\\0' x; echo; echo no; exit 1", 30)
        self.assertEqual(result["outcome"], "fail")
        self.assertLess(len(result["evidence"]), 1 << 20)
        self.assertLess(len(result["reason"]), 300)

    def test_a_hundred_megabytes(self):
        result = self.run_test("#!/bin/sh\nyes 'a line' | head -c 60000000; yes err | head -c 40000000 >&2; exit 1", 40)
        self.assertEqual(result["outcome"], "fail")
        self.assertLess(len(result["evidence"]), 1 << 20)

    def test_terminal_escapes(self):
        result = self.run_test("#!/bin/sh\nprintf '\\033[2J\\033]0;title\\007red\\033[31m\\r\\0\\n'; printf '\\033[1mloud' >&2; exit 1")
        self.assertEqual((result["outcome"], result["reason"]), ("fail", "red"), result)
        self.assertNotRegex(result["evidence"], "[\x00-\x08\x0b-\x1f\x7f]")

    def test_a_death_has_its_name(self):
        self.assertEqual(self.run_test("#!/bin/sh\nkill -SEGV $$")["reason"], "killed by SIGSEGV")

    def test_a_missing_interpreter_is_no_result(self):
        result = self.run_test("#!/no/such/interpreter\n")
        self.assertEqual(result["outcome"], "error")
        self.assertIn("cannot be started in the sandbox", result["reason"])

    def test_a_name_like_an_option(self):
        result = self.run_test("#!/bin/sh\nexit 0\n", name="--bind")
        self.assertEqual(result["outcome"], "pass", result)


class Death(Place):
    def test_who_started_it_is_killed(self):
        """The worker dies by SIGKILL: what it ran is gone with it, a child that left it too."""
        process = self.start(f"#!/bin/sh\nsetsid env -i /bin/sleep {SURVIVOR} &\nexec sleep {SURVIVOR}", 60)
        self.wait(lambda: len(processes_that_sleep()) >= 2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.wait(lambda: not processes_that_sleep())
        for path in groups():  # in a run its teardown does this
            self.wait(lambda path=path: self.removed(path))

    @staticmethod
    def removed(path):
        with contextlib.suppress(OSError):
            os.rmdir(path)
        return not os.path.exists(path)

    def wait(self, holds):
        deadline = patience.deadline(10)
        while not holds():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)


if __name__ == "__main__":
    if sys.platform == "linux" and os.uname().machine != "x86_64":
        print("the numbers of the system calls are those of x86_64")
        sys.exit(77)
    unittest.main()
