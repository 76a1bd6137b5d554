#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files as docker's loader of stacks reads them and as compose.c does: models compared, refusals too.

1,000 generated stacks in CI, 100,000 with CCCI_ALL=1; CCCI_CORPUS=DIRECTORY: the real compose files below it, each folder
with its .env.sample, when it has one.
"""

import os
import shutil
import tempfile
import unittest

from lib import differences, oracle, stacks

ENV = stacks.ENV
# compose.h and yaml.h say why
ON_PURPOSE = ("a text holds a NUL", "nested too deep", "too many values", "too many ports", "larger than", "the value is longer",
              "a key must be a plain text", "more replicas than any Swarm holds",
              "found unexpected ':'", "nothing stands behind the tag",
              "control characters are not allowed")


def plain(read):
    """Go's null for an empty list or mapping, the order of ignored keys: one way to say each."""
    kind, value = read
    if kind != "model":
        return read

    def fill(rows, lists, mappings):
        for row in rows:
            for key in lists:
                row[key] = row[key] or []
            for key in mappings:
                row[key] = row[key] or {}
        return rows

    model = {key: value[key] or [] for key in ("services", "secrets", "configs", "volumes", "networks", "ignored")}
    fill(model["services"], ("mounts", "secrets", "configs", "networks", "cap_add", "host_ports", "constraints"),
         ("deploy_labels",))
    for section in ("secrets", "configs", "volumes", "networks"):
        fill(model[section], (), ("driver_opts",))
    model["ignored"] = sorted(set(model["ignored"]))
    return kind, model


def compare_files(files, env=ENV):
    return differences.compare(plain(oracle.stack(files, env)), plain(oracle.our_stack(files, env)), ON_PURPOSE)


def compare_text(text):
    """Of all files in one, so that a difference can be made smaller."""
    return compare_texts(text.split(stacks.NEXT))


def compare_texts(texts, env=ENV):
    with tempfile.TemporaryDirectory(prefix="ccci-stack-") as folder:
        with open(os.path.join(folder, "app.env"), "w") as file:
            file.write("A=1\n# a comment\n\nB=two words\n")
        with open(os.path.join(folder, "bad.env"), "w") as file:
            file.write("A B=1\n")
        paths = []
        for number, text in enumerate(texts):
            paths.append(os.path.join(folder, f"compose{number}.yml"))
            with open(paths[-1], "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
        return compare_files(paths, env)


def app(*lines):
    """A stack of one service with these lines."""
    return "services:\n  app:\n    image: nginx:1\n" + "".join(f"    {line}\n" for line in lines)


# What is wrong or odd about it, the file or files, whether docker takes it.
ROWS = [
    ("a default in a default", "services: {app: {image: 'nginx:${TAG:-${FALLBACK:-1.27}}'}}", True),
    ("a default in a default, unset", "services: {app: {image: 'nginx:${NONE:-${FALLBACK:-1.27}}'}}", True),
    ("a hyphen behind a bare name", "services: {app: {image: 'nginx:$TAG-alpine'}}", True),
    ("a hyphen behind the stack's name", app("volumes: ['$STACK_NAME-data:/d']"), True),
    ("a required one, set", "services: {app: {image: 'nginx:${TAG:?set TAG - see README}'}}", True),
    ("a required one, unset", "services: {app: {image: 'nginx:${NONE:?set TAG (see README)}'}}", False),
    ("a hyphen in what is said of it", "services: {app: {image: 'nginx:${NONE:?set TAG - see README}'}}", True),
    ("+ is no form", "services: {app: {image: 'nginx${TAG:+:}1'}}", False),
    ("- before :-", "services: {app: {image: '${NONE-a:-b}'}}", True),
    ("a variable in a key", app("deploy: {labels: {'coop-cloud.${STACK_NAME}.version': 1.0.0}}"), True),
    ("a mount of nothing", app("volumes: ['${NONE}:/backup']"), False),
    ("a bind of nothing", app("volumes: [{type: bind, source: '${NONE}', target: /x}]"), False),
    ("a bind with a relative source", app("volumes: [{type: bind, source: x/y, target: /x}]"), True),
    ("two mounts on one target", app("volumes: ['a:/x', 'b:/x']"), True),
    ("a path of Windows", app("volumes: ['d:/data', 'd:/data:/x', 'c:\\x:/y']"), True),
    ("NONE as text", app("healthcheck: {test: NONE}"), True),
    ("NONE as list", app("healthcheck: {test: [NONE]}"), True),
    ("a healthcheck without a test", app("healthcheck: {start_period: 5m}"), True),
    ("one backs up, one does not", "services:\n  app: {image: a, deploy: {labels: [backupbot.backup=true]}}\n"
     "  db: {image: a, deploy: {labels: [backupbot.backup=false]}}\n", True),
    ("a bool as label", app("deploy: {labels: {backupbot.backup: True}}"), False),
    ("a bool in environment", app("environment: {A: yes}"), False),
    ("depends_on as a mapping", app("depends_on: {db: {condition: service_started}}"), False),
    ("published as text", app("ports: [{target: 80, published: '8080'}]"), False),
    ("cpus as a number", app("deploy: {resources: {limits: {cpus: 0.5}}}"), False),
    ("top-level name", "name: x\n" + app(), False),
    ("extends", app("extends: {service: x}"), False),
    ("pull_policy", app("pull_policy: always"), False),
    ("driver_opts as a list", app() + "volumes: {a: {driver_opts: [a=b]}}", False),
    ("a second document", app() + "---\nservices: [}\n", True),
    ("a duplicate key", app("image: nginx:2"), True),
    ("!override", app("ports: !override ['80:80']"), True),
    ("!reset", app("command: !reset null"), True),
    ("!reset on a mapping", app("environment: !reset {A: b}"), True),
    ("merge keys: the later line counts", "x-a: &a {image: a}\nservices: {app: {image: b, <<: *a}}", True),
    ("merge keys: the list's first counts", "x-a: &a {image: a}\nx-b: &b {image: b}\nservices: {app: {<<: [*a, *b]}}", True),
    ("versions", "version: '3.8'\n" + app(), True),
    ("version as a number", "version: 3.8\n" + app(), False),
    ("version 3", "version: '3'\n" + app("healthcheck: {start_interval: 1s}"), True),
    ("version 2", "version: '2.4'\n" + app(), False),
    ("an old version and a newer key", "version: '3.6'\n" + app("init: true"), False),
    ("files of two versions", ["version: '3.8'\n" + app(), "version: '3.7'\n" + app()], False),
    ("files of one version in two words", ["version: '3'\n" + app(), app()], True),
    ("no file, in effect", "", False),
    ("a list", "- a\n", False),
    ("a key that is a number", "x-a: {1: b}\n" + app(), False),
    ("a replaced mount", [app("volumes: ['z:/z', 'a:/a']"), app("volumes: ['b:/a', 'c:/c']")], True),
    ("ports of the engine's choice in two files", [app("ports: ['80', '90']"), app()], True),
    ("a job", app("deploy: {mode: replicated-job, replicas: 3, restart_policy: {condition: none}}"), True),
    ("a cast", app("deploy: {replicas: '${REPLICAS:-2}'}", "read_only: $YES"), True),
    ("no cast below a name with a dot", "services: {a.b: {image: a, deploy: {replicas: '$REPLICAS'}}}", False),
    ("an env_file", app("env_file: app.env"), True),
    ("an env_file that is not there", app("env_file: none.env"), False),
    ("an env_file with a bad name", app("env_file: [app.env, bad.env]"), False),
    ("external with a name in both ways", app() + "secrets: {a: {name: b, external: {name: c}}}", False),
    ("an external volume with a driver", app() + "volumes: {a: {external: true, driver: x}}", False),
    ("a driver and a file", app() + "secrets: {a: {driver: x, file: z}}", False),
    ("an open quote in a command", app("command: echo 'x"), False),
    ("a range of ports", app("ports: ['8000-8001:80-81', '90-91:99/udp', '127.0.0.1:1:2', '[::1]:3:4']"), True),
    ("a port that is none", app("ports: ['80:http']"), False),
]


class Stacks(unittest.TestCase):
    def test_inputs(self):
        for name, text, is_taken in ROWS:
            with self.subTest(name):
                outcome = compare_texts([text] if isinstance(text, str) else text)
                self.assertEqual(outcome.kind, "accepted" if is_taken else "refused", (outcome.theirs, outcome.ours))

    def test_a_refusal_says_where(self):
        for name, text, is_taken in ROWS:
            if is_taken or "env_file" in name:
                continue
            with self.subTest(name):
                outcome = compare_texts([text] if isinstance(text, str) else text)
                self.assertRegex(outcome.ours[1], r"compose\d\.yml:\d+:\d+: ", name)

    def test_what_ours_alone_refuses(self):
        for text in (app("deploy: {replicas: 18446744073709551615}"), app("cap_add: [A:]"), app("ports: ['0-65535']")):
            outcome = compare_texts([text])
            self.assertEqual(outcome.kind, "apart", (outcome.theirs[0], outcome.ours))

    def test_generated(self):
        tally = differences.generated("stacks", compare_text, stacks.make)
        tally.check(self)
        # refusals alone would prove little
        self.assertGreaterEqual(tally.counts["accepted"], 0.4 * sum(tally.counts.values()))

    def test_corpus(self):
        tally = differences.corpus("stacks", compare_real, lambda name: name.endswith((".yml", ".yaml")))
        if tally is None:
            self.skipTest("CCCI_CORPUS names no folder of real files")
        tally.check(self)


def compare_real(path):
    """With what its folder's sample says, when godotenv reads it, and what any app has."""
    env = dict(ENV)
    sample = os.path.join(os.path.dirname(path), ".env.sample")
    if os.path.exists(sample):
        kind, values = oracle.env_file(sample)
        env.update(values if kind == "model" else {})
    env.update(STACK_NAME=ENV["STACK_NAME"], DOMAIN=ENV["DOMAIN"])
    with tempfile.TemporaryDirectory(prefix="ccci-stack-") as folder:
        copy = os.path.join(folder, os.path.basename(path))
        shutil.copytree(os.path.dirname(path), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
        return compare_files([copy], env)


if __name__ == "__main__":
    oracle.skip_without_lab()
    unittest.main()
