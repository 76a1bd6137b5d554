# SPDX-License-Identifier: GPL-3.0-or-later
"""
Chromium without a window, for looking at pages as a person would: one process, asked over a pipe.

    with Browser() as browser:                       skips the test when there is none
        view = browser.open(url, width=390, height=844, dark=True)
        view.messages                                what it complained of: console, policy, network
        view.evaluate("document.title")
        view.picture("page.png")                     the whole page

Source: Chrome DevTools Protocol 1.3; --remote-debugging-pipe reads from 3 and writes to 4, each message ends in a NUL.
"""
import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

from lib import patience
from lib.chromium import NAMES

ANSWER_S = 60


def find_browser():
    """Path of a Chromium, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="ccci-browser-")
        to_read, self.to = os.pipe()
        self.come, to_write = os.pipe()

        def give():
            first, second = os.dup(to_read), os.dup(to_write)   # away from 3 and 4
            os.dup2(first, 3)
            os.dup2(second, 4)
        self.process = subprocess.Popen([find_browser(), "--headless", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", f"--user-data-dir={self.directory}",
            "--remote-debugging-pipe", "about:blank"], preexec_fn=give, close_fds=False, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.number, self.rest, self.events = 0, b"", []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.to)
        os.close(self.come)
        # Its children end a moment later, and write until then.
        deadline = patience.deadline(ANSWER_S)
        while os.path.exists(self.directory) and time.monotonic() < deadline:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _message(self, deadline):
        while b"\0" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.come], [], [], left)[0]:
                raise AssertionError("the browser does not answer")
            piece = os.read(self.come, 1 << 20)
            if not piece:
                raise AssertionError("the browser is gone")
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.to, text):]
        deadline = patience.deadline(ANSWER_S)
        while True:
            answer = self._message(deadline)
            if answer.get("id") != self.number:
                self.events.append(answer)
            elif "error" in answer:
                raise AssertionError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def wait_event(self, session, method):
        deadline = patience.deadline(ANSWER_S)
        while True:
            for event in self.events:
                if event.get("sessionId") == session and event["method"] == method:
                    return event["params"]
            self.events.append(self._message(deadline))

    def open(self, url, width, height, dark):
        return View(self, url, width, height, dark)


class View:
    """A page that was loaded."""

    def __init__(self, browser, url, width, height, dark):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.target = target
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 640)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)
        browser.wait_event(self.session, "Page.loadEventFired")

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    @property
    def messages(self):
        """What was said on the console, what the policy forbade, what could not be loaded."""
        self.evaluate("0")                      # what was on its way is here
        return [event["params"] for event in self.browser.events if event.get("sessionId") == self.session and event["method"] in
                ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Network.loadingFailed")]

    def evaluate(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def picture(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000), "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
