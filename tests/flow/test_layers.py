#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may include what (docs/architecture.md): one library, one door; values know no effects; two programs, one common."""
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.M)
DIRECTORIES = ("common", "bridge", "runner-plugin")

# The files that may include a library's header.
DOORS = {
    "curl/": {"common/http.c"},
    "cJSON.h": {"common/json.c"},
    "cjson/": {"common/json.c"},
    "yaml.h": {"common/yaml.c"},
    "openssl/": {"bridge/hook.c", "common/file.c"},
    "microhttpd.h": {"bridge/server.c"},
    "sqlite3.h": {"bridge/store.c"},
}
# What makes a descriptor, a process or a clock: not in modules that are values.
EFFECTS = ("common/http.h", "common/file.h", "common/log.h", "common/clock.h", "runner-plugin/proc.h",
           "runner-plugin/engine.h", "bridge/store.h", "bridge/server.h")
VALUES = ("common/verdict", "bridge/command", "bridge/policy", "bridge/job", "runner-plugin/recipe_version",
          "runner-plugin/plan", "runner-plugin/converge")
FORK = re.compile(r"\b(?:fork|vfork|clone3?|posix_spawnp?|execv\w*)\s*\(")
FORK_DOORS = {"runner-plugin/proc.c", "runner-plugin/keeper.c", "bridge/notify.c"}


def sources():
    for directory in DIRECTORIES:
        for name in sorted(os.listdir(os.path.join(ROOT, directory))):
            if name.endswith((".c", ".h")):
                path = f"{directory}/{name}"
                with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                    yield path, file.read()


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


class Layers(unittest.TestCase):
    def test_one_library_one_door(self):
        for path, text in sources():
            for included in INCLUDE.findall(text):
                for library, doors in DOORS.items():
                    if included.startswith(library):
                        self.assertIn(path, doors, f"{path} includes <{included}>")

    def test_directories(self):
        for path, text in sources():
            ours = path.split("/")[0]
            for included in INCLUDE.findall(text):
                theirs = included.split("/")[0]
                if "/" in included and theirs in DIRECTORIES:
                    self.assertIn(theirs, ("common", ours), f"{path} includes {included}")

    def test_values_know_no_effects(self):
        for path, text in sources():
            if path.rsplit(".", 1)[0] in VALUES:
                for included in INCLUDE.findall(text):
                    self.assertNotIn(included, EFFECTS, f"{path} is a value and includes {included}")

    def test_processes_are_made_in_one_place(self):
        for path, text in sources():
            if path.endswith(".c") and FORK.search(without_comments(text)):
                self.assertIn(path, FORK_DOORS)


if __name__ == "__main__":
    unittest.main()
