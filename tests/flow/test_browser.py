#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page may do to the browser that takes a picture of it: it is shown, or there is no picture and it is said why.
Nothing outlives it, nobody but the app is reached, and no picture is larger than 96 KiB."""
import concurrent.futures
import contextlib
import glob
import http.server
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import chromium, png  # noqa: E402

DRIVER = os.path.join(os.environ["CCCI_BUILD"], "tests/driver_browser")
DOMAIN = "app-1.ci.test"
PICTURE_MAX = 96 * 1024
ALL_S = 150        # of all attempts of one page, on a machine that is busy
AT_ONCE = 3  # most of them wait
MARK = "ccci-browser-test"  # in the command line of every browser of this test

NOISE = """<body style="margin:0"><canvas id=c width=1280 height=800></canvas><script>
  const d = c.getContext("2d").createImageData(1280, 800);
  for (let i = 0; i < d.data.length; i++) d.data[i] = i % 4 == 3 ? 255 : Math.random() * 256;
  c.getContext("2d").putImageData(d, 0, 0)</script>"""

# What stands there, and what comes of it: a type, or why there is none.
PAGES = {
    "late": ("<body style='background:#fff'><script>setTimeout(() => document.body.style.background = '#0c0', 2000)</script>",
             "image/png"),
    "noise": (NOISE, "image/jpeg"),
    "high": ("<h1>high</h1><div style='height:10000000px; width:10000000px; background:red'></div>", "image/png"),
    "open-request": ("<h1>listens</h1><script>fetch('hangs')</script>", "image/png"),
    "never-loads": ("<h1>waits</h1><img src=hangs>", "image/png"),
    "endless": ("<h1>x</h1><script>for (;;);</script>", "does not come to rest"),
    "memory": ("<script>const a = []; for (;;) a.push(new Uint8Array(1 << 24).fill(1))</script>",
               "broke down|ended before its time|does not come to rest"),
    "redirect": (("Location", "https://app-2.ci.test/"), "leads away from the app"),
    "download": (("Content-Disposition", "attachment; filename=x.bin"), "is no page"),
}


class Pages(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        name = self.path.strip("/").split("?")[0]
        self.server.asked.append((self.headers["Host"], name))
        if name == "hangs":
            self.server.closed.wait(ALL_S)
            return
        what = PAGES[name][0] if name in PAGES else ""
        is_header = isinstance(what, tuple)
        self.send_response(302 if is_header and what[0] == "Location" else 200)
        self.send_header("Content-Type", "application/octet-stream" if is_header else "text/html")
        if is_header:
            self.send_header(*what)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(b"x" * 1000 if is_header else what.encode())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, directory):
        super().__init__(("127.0.0.1", 0), Pages)
        self.asked, self.closed = [], threading.Event()
        certificate, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x", "-addext",
                        f"subjectAltName=DNS:{DOMAIN}", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """Who hangs up in the middle is a browser that was ended."""

    def close(self):
        self.closed.set()
        self.shutdown()
        self.server_close()


def browsers():
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            if MARK.encode() in file.read():
                found.append(path)
    return found


class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        chromium.need()
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.directory = cls.stack.enter_context(tempfile.TemporaryDirectory(prefix="ccci-browser-"))
        cls.server = Server(cls.directory)
        cls.stack.callback(cls.server.close)
        pool = cls.stack.enter_context(concurrent.futures.ThreadPoolExecutor(AT_ONCE))
        cls.results = {name: pool.submit(cls.take, name) for name in PAGES}

    @classmethod
    def take(cls, name):
        """(what the driver says, the picture's bytes or None, seconds)"""
        path, began = os.path.join(cls.directory, name), time.monotonic()
        done = subprocess.run([DRIVER, DOMAIN, f"127.0.0.1:{cls.server.server_port}", f"/{name}?{MARK}", path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=ALL_S, check=False)
        told = json.loads(done.stdout)
        if "type" not in told:
            return told, None, time.monotonic() - began
        with open(path, "rb") as file:
            return told, file.read(), time.monotonic() - began

    def outcome(self, name):
        """What the driver says and the picture's bytes, as PAGES has it."""
        told, data, seconds = self.results[name].result()
        expected = PAGES[name][1]
        self.assertLess(seconds, 75, told)
        if not expected.startswith("image/"):
            self.assertRegex(told.get("why_not", ""), expected, told)
            return told, None
        self.assertEqual(told.get("type"), expected, told)
        self.assertLessEqual(len(data), PICTURE_MAX)
        self.assertEqual(len(data), told["bytes"])
        return told, data

    def test_what_comes_late_is_shown(self):
        told, data = self.outcome("late")
        self.assertEqual((told["width"], told["height"]), (1280, 800))
        self.assertEqual(set(png.read(data).colours()), {b"\x00\xcc\x00"})

    def test_one_too_large_is_made_smaller(self):
        told, _ = self.outcome("noise")
        self.assertEqual((told["width"], told["height"]), (320, 200))

    def test_nothing_is_left(self):
        concurrent.futures.wait(self.results.values())
        self.assertEqual(browsers(), [])
        self.assertEqual([path for pattern in ("/sys/fs/cgroup/ccci-sandbox-driver-*", "/sys/fs/cgroup/*/ccci-sandbox-driver-*")
                          for path in glob.glob(pattern)], [])
        self.assertEqual({host for host, _ in self.server.asked}, {DOMAIN})


def add_page(name):
    def test(self):
        self.outcome(name)
    setattr(Browser, "test_page_" + name.replace("-", "_"), test)


for page in PAGES:
    add_page(page)


if __name__ == "__main__":
    unittest.main()
