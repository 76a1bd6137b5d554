# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults a test can switch on (kNN belongs to habit HNN of tests/standin/README.md), and the log of calls.

Both lie beside the executable as it was called (argv[0], symbolic links not resolved), because ccci-run gives its
children an environment of its own:

    abra.switches     one switch a line or comma separated, `name` or `name=value`; # begins a comment
    abra.log.enable   when it exists, each call adds two JSON lines to abra.log: {"pid", "argv", "env": names, "cwd",
                      "stdin": null|tty|pipe|file, "time"} and {"pid", "exit", "time"}; no second line = it was killed
    abra.state/       what has to outlive a call (k24)
"""

import json
import os
import stat
import time

TABLE = {
    "k19": "SECONDS: converging takes so much longer",
    "k19-pin": "the env file is pinned although the deploy timed out",
    "k21": "deploy ends with 0 as soon as a task runs, an old one too",
    "k23-network": "undeploy leaves a network of the stack behind",
    "k24": "SECONDS: volumes stay in use so long after undeploy",
    "k25": "empty|conflict|no-hooks: backup saves nothing and ends with 0; fails with 409 while a service is being "
           "updated; restore never runs hooks",
    "k26": "recipe lint prints a table without rows",
    "k25-bot": "LABEL=VALUE: what marks the backup bot, so that a test has one of its own",
    "k27": "fail|hang: app run and app cmd without a terminal",
    "k29": "all text for people is in capitals",
    "k30": "self|SECONDS: after half of the stack, deploy kills itself by SIGTERM, or lingers so that it can be killed",
    "k32": "[COMMAND:]--FLAG: that flag is unknown, everywhere or for that command (`k32=app new:--domain`)",
}
# One value for each, as the tests that go through all of them use it.
EXAMPLES = ("k19=5", "k19-pin", "k21", "k23-network", "k24=8", "k25=empty", "k25=conflict", "k25=no-hooks", "k26", "k27=fail", "k27=hang",
            "k29", "k30=self", "k30=3", "k32=--chaos", "k32=--offline", "k32=--no-domain-checks",
            "k32=app secret generate:--chaos", "k32=--no-input")

_directory = "."
_on = {}


class SwitchError(Exception):
    pass


def start(argv):
    """Reads the switches beside the executable and notes the call."""
    global _directory
    _directory = os.path.dirname(os.path.abspath(argv[0]))
    try:
        with open(os.path.join(_directory, "abra.switches"), encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    _log(argv=argv, env=_names_of_environment(), cwd=os.getcwd(), stdin=_kind_of_stdin())
    for line in text.splitlines():
        for word in line.partition("#")[0].split(","):
            name, _, value = word.strip().partition("=")
            if name and name not in TABLE:
                raise SwitchError(f"stand-in: unknown switch {name!r} in {_directory}/abra.switches")
            if name:
                _on[name] = value


def end(code):
    _log(exit=code)


def is_on(name, value=None):
    return name in _on and (value is None or _on[name] == value)


def value(name):
    return _on.get(name, "")


def seconds(name):
    try:
        return float(_on.get(name) or 0)
    except ValueError:
        return 0.0


def state_file(name):
    directory = os.path.join(_directory, "abra.state")
    os.makedirs(directory, exist_ok=True)
    return os.path.join(directory, name)


def _log(**what):
    if not os.path.exists(os.path.join(_directory, "abra.log.enable")):
        return
    line = json.dumps({"pid": os.getpid(), "time": time.time(), **what}) + "\n"
    with open(os.path.join(_directory, "abra.log"), "a", encoding="utf-8") as file:
        file.write(line)


def _names_of_environment():
    """As the caller gave it: Python adds to os.environ by itself."""
    with open("/proc/self/environ", "rb") as file:
        return sorted(pair.partition(b"=")[0].decode(errors="replace") for pair in file.read().split(b"\0") if pair)


def _kind_of_stdin():
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return "closed"
    if os.isatty(0):
        return "tty"
    if stat.S_ISCHR(mode) and os.fstat(0).st_rdev == os.stat("/dev/null").st_rdev:
        return "null"
    return "pipe" if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else "file"
