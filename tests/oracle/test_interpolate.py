#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in a text as docker's loader of stacks puts them in and as interpolate.c does.

1,000 generated texts in CI, 100,000 with CCCI_ALL=1.
"""

import json
import tempfile
import unittest

from lib import differences, oracle

ENV = {"STACK_NAME": "st", "DOMAIN": "a.test", "TAG": "1.28", "EMPTY": "", "_x1": "low", "DOLLAR": "$TAG", "CLOSE": "}"}

# A text, and what it becomes; None: refused.
ROWS = [
    ("nginx:${TAG:-${FALLBACK:-1.27}}", "nginx:1.28}"),
    ("nginx:${NONE:-${FALLBACK:-1.27}}", "nginx:${FALLBACK:-1.27}"),
    ("nginx:$TAG-alpine", "nginx:1.28"),
    ("$STACK_NAME-data", "st"),
    ("${TAG:?set TAG - see README}", " see README"),
    ("${NONE:?set TAG: see README}", None),
    ("nginx${TAG:+:}1", None),
    ("${TAG-a:-b}", "b"),
    ("${NONE-a:-b}", "b"),
    ("$$TAG $${TAG}", "$TAG ${TAG}"),
    ("$1", None),
    ("$1 ${TAG}", "1 1.28"),
]

NAMES = ["TAG", "EMPTY", "NONE", "STACK_NAME", "DOLLAR", "CLOSE", "_x1", "tag", "_", "TAG2"]
WRONG_NAMES = ["", "1", "-", "TAG x", "TAG.x", " TAG", "é", "ſ", "TAK\u212a"]
FORMS = ["", "", ":-", "-", ":?", "?", ":+", "+", ":", "!", ":=", "=", "::-", "?-", "-:?", ":-:?"]
WORDS = ["", "x", "1.27", "a b", "see - x", "a:-b", "a?b", "a:?b", "\n", "é", "$", "$$", "{", "'\"\\"]


def make_text(chance, depth=0):
    return "".join(make_piece(chance, depth) for _ in range(chance.randrange(1, 5)))


def make_piece(chance, depth):
    kind = chance.random()
    if kind < 0.25:
        return chance.choice(WORDS + ["nginx:", "-alpine", "}", ":", "/data"])
    name = chance.choice(NAMES if chance.random() < 0.93 else WRONG_NAMES)
    form = chance.choice(FORMS[:6] if chance.random() < 0.85 else FORMS)
    word = ""
    if form:
        word = make_text(chance, depth + 1) if depth < 3 and chance.random() < 0.3 else chance.choice(WORDS)
    if kind < 0.5:
        return f"${name}{form}{word}"
    return "${" + name + form + word + ("}" if chance.random() < 0.95 else "")


def compare_texts(text):
    """As a label: docker looks at what becomes of other places."""
    stack = {"version": "3.8", "services": {"app": {"image": "x", "deploy": {"labels": {"l": text}}}}}
    with tempfile.NamedTemporaryFile("w", prefix="ccci-text-", suffix=".yml", encoding="utf-8") as file:
        json.dump(stack, file)
        file.flush()
        kind, model = oracle.stack([file.name], ENV)
    theirs = (kind, model["services"][0]["deploy_labels"]["l"] if kind == "model" else model)
    return differences.compare(theirs, oracle.our_text(text, ENV))


class Texts(unittest.TestCase):
    def test_inputs(self):
        for text, meant in ROWS:
            with self.subTest(text=text):
                outcome = compare_texts(text)
                self.assertEqual(outcome.kind, "accepted" if meant is not None else "refused",
                                 (outcome.theirs, outcome.ours))
                if meant is not None:
                    self.assertEqual(outcome.ours, ("model", meant))

    def test_generated(self):
        differences.generated("texts with variables", compare_texts, make_text).check(self)


if __name__ == "__main__":
    oracle.skip_without_lab()
    unittest.main()
