# SPDX-License-Identifier: GPL-3.0-or-later
"""What docker/cli's stack loader and godotenv read, and what our own readers do: one call each, values or a refusal.

    oracle.skip_without_lab()                       at the top of a test file
    oracle.stack(["compose.yml"], env)              docker's reading of files: ("model", {...}) or ("refused", "why")
    oracle.our_stack(["compose.yml"], env)          ours, in the same shape

The oracle is `compose-oracle` of the lab (CCCI_LAB); ours are the programs build/PRESET/tests/oracle_*.
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile

PATIENCE_S = 900  # for a machine that is asleep or busy: with --all a run takes hours
_DIRECTORY = None


def skip_without_lab():
    lab = os.environ.get("CCCI_LAB", "")
    if not os.access(os.path.join(lab, "unpack"), os.X_OK) or not lab:
        print("skipped: CCCI_LAB names no lab, and its compose-oracle is what this compares with")
        sys.exit(77)
    _program()  # here, and not in a forked worker: that one would leave it behind


def _program():
    global _DIRECTORY
    if _DIRECTORY is None:
        _DIRECTORY = tempfile.mkdtemp(prefix="ccci-oracle-")
        atexit.register(shutil.rmtree, _DIRECTORY)
        subprocess.run([os.path.join(os.environ["CCCI_LAB"], "unpack"), "compose-oracle", _DIRECTORY], check=True,
                       stdout=subprocess.DEVNULL)
    return os.path.join(_DIRECTORY, "compose-oracle")


def _read(argv, member):
    done = subprocess.run(argv, capture_output=True, timeout=PATIENCE_S)
    if done.returncode == 2 and done.stderr.startswith(b"panic:"):
        return "refused", done.stderr.split(b"\n")[0].decode(errors="replace")  # so would abra
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{argv}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    said = json.loads(done.stdout)
    if "error" in said:
        return "refused", said["error"]
    return "model", said[member] if member else said


def _stack_arguments(files, env):
    return ["stack", *[f"{name}={value}" for name, value in env.items()], "--", *files]


def stack(files, env):
    return _read([_program(), *_stack_arguments(files, env)], None)


def our_stack(files, env):
    return _read([os.path.join(os.environ["CCCI_BUILD"], "tests", "oracle_stack"), *_stack_arguments(files, env)], None)


def env_file(path):
    return _read([_program(), "env", path], "env")


def our_env_file(path):
    return _read([os.path.join(os.environ["CCCI_BUILD"], "tests", "oracle_env"), "env", path], "env")


def set_env_file(path, pairs):
    """The text of an env file with each name set to its value by our writer, or ("refused", why)."""
    argv = [os.path.join(os.environ["CCCI_BUILD"], "tests", "oracle_env"), "set", path]
    done = subprocess.run([*argv, *[word for pair in pairs for word in pair]], capture_output=True, timeout=PATIENCE_S)
    if done.returncode == 2 and done.stderr.startswith(b"panic:"):
        return "refused", done.stderr.split(b"\n")[0].decode(errors="replace")  # so would abra
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{argv}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    return ("model", done.stdout) if done.returncode == 0 else ("refused", json.loads(done.stdout)["error"])


def our_text(text, env):
    """A text with our variables put in."""
    return _read([os.path.join(os.environ["CCCI_BUILD"], "tests", "oracle_interpolate"), text,
                  *[f"{name}={value}" for name, value in env.items()]], "text")
