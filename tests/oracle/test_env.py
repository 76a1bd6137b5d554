#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Env files as godotenv reads them and as env_file.c does; and what env_file.c writes, read by both.

1,000 generated files in CI, 100,000 with CCCI_ALL=1; CCCI_CORPUS=DIRECTORY: the real ones below it.
"""

import os
import tempfile
import unittest

from lib import differences, oracle

ON_PURPOSE = ("holds a NUL byte", "is longer than", "more than 2000 names")  # env_file.h says why

# An env file, and what it means; None: refused.
ROWS = [
    (b"FOO = bar\n", {"FOO": "bar"}),
    (b"FOO: bar\n", {"FOO": "bar"}),
    (b"FOO.BAR=x\n", {"FOO.BAR": "x"}),
    (b'A="one\\ntwo"\n', {"A": "one\ntwo"}),
    (b'A="one\ntwo"\nB=\'three\nfour\'\n', {"A": "one\ntwo", "B": "three\nfour"}),
    (b"A=#198754\n", {"A": "#198754"}),
    (b"A= # text\n", {"A": "# text"}),
    (b"A=abc$def\nB=abc$DEF\n", {"A": "abc$def", "B": "abc"}),
    (b'B="ab\\$CD"\n', {"B": "ab$CD"}),
    (b"C=p4$$word\n", {"C": "p4$$word"}),
    (b"D=${X:-y}\n", {"D": ":-y}"}),
    (b"\xef\xbb\xbfA=1\n", None),
    (b"A=1\n\xef\xbb\xbf\n", None),
    (b"SECRET_A_VERSION=v1 # length=64 charset=hex\n", {"SECRET_A_VERSION": "v1"}),
    (b"SECRET_A_VERSION=v1#length=64\n", {"SECRET_A_VERSION": "v1#length=64"}),
    (b"A=1\r\nB='x\r\ny'\r\n", {"A": "1", "B": "x\ny"}),
    (b"\tA\t=\t1\t\n", {"A": "1"}),
    (b"A=x # y # z\nB= # y # z\n", {"A": "x # y", "B": "# y"}),
    (b"export A=1\nexport\tB=2\nexport=3\n", {"A": "1", "B": "2", "export": "3"}),
    (b"export \n", None),
    (b"A=1\nFOO\nB=2\n", None),
    (b"A=1\nFOO", {"A": "1", "": "FOO"}),
    (b"A-B=1\n", None),
    (b"A='it's'\n", None),
    (b'A="open\n', None),
    (b"A='C:\\'\n", None),
    (b"A='x'B=2\n", {"A": "x", "B": "2"}),
    (b"# a\0b\nA=1\n", {"A": "1"}),
    (b"A=1 # a\0b\nB=2\n", {"A": "1", "B": "2"}),
    (b"A\0=1\n", None),
    (b'A="x"\nA="$A:y"\n', {"A": "x:y"}),
    (b"", {}),
]

NAMES = [b"A", b"B", b"ABC", b"A", b"B", b"_X", b"a.b", b"FOO.BAR", b"1A", b"lower", b"A B", b"0", b"", b"export",
         b"\xc3\xaa", b"A\xc2\xa0", b"\xaa", b"A-B", b"A/B", b"$A", b'"A"', b"-A", b"A\0", b"A\n"]
BEFORE = [b""] * 24 + [b" ", b"\t", b"export ", b"export\t", b"export  ", b"export\xc2\xa0", b"export\n", b"exports ",
                       b"\xc2\xa0", b"\xe2\x80\x83", b"\xe3\x80\x80", b"\xef\xbb\xbf", b"\r", b"\x0b", b"---\n"]
BETWEEN = [b"="] * 16 + [b" = ", b": ", b":", b" : ", b"\t=\t", b"==", b":=", b"=:", b"=\xc2\xa0", b" ", b"", b"=\r"]
ATOMS = [b"x", b"word", b"two words", b"$A", b"${A}", b"$B", b"${ABC}", b"$a", b"${a}", b"$", b"$$", b"${A", b"$A}",
         b"${A:-x}", b"${A:-${B}}", b"$(A)", b"$(a)", b"${", b"}", b"\\$A", b"\\${A}", b"\\$(A)", b"\\\\", b"\\\\$A", b"\\",
         b"\\n", b"\\r", b"\\t", b'\\"', b"\\'", b"'", b'"', b"#", b" #", b"\t# x", b" # length=64 charset=hex", b" # y # z", b" #\0", b"#y",
         b" ", b"\t", b"\xc2\xa0", b"\xc2\x85", b"\xe2\x80\x83", b"\xc3\xa9", b"\xff", b"\xe2\x80", b"\n", b"\r", b"\r\n",
         b"\\\n", b"=", b":", b"A=1", b"---\n", b"`", b"!", b"\xf0\x9f\x98\x80"]
ENDS = [b"\n"] * 24 + [b"\r\n", b"\r\n", b"\r", b"", b"\n\n", b" # a comment\n", b" \n", b"\n# A=1\n", b" B=2\n", b";\n"]
SOUP = [bytes((c,)) for c in b"AB=:\"'#\\$ \n\r{}(n\t"]


def some(chance, atoms, most):
    return b"".join(chance.choice(atoms) for _ in range(chance.randrange(most + 1)))


def make_value(chance):
    """Bare, or in quotes that mostly fit what they hold."""
    quote = chance.choice([b"", b"", b'"', b'"', b"'"])
    inside = some(chance, ATOMS, 5)
    if quote and chance.random() < 0.8:
        inside = inside.replace(quote, b"")
        if inside.endswith(b"\\"):
            inside += b"x"
    if not quote and chance.random() < 0.8:
        inside = inside.replace(b"\n", b"")
    return quote + inside + (quote if chance.random() < 0.95 else b"")


def make_line(chance):
    name = chance.choice(NAMES[:8] if chance.random() < 0.9 else NAMES)
    return (chance.choice(BEFORE) + name + chance.choice(BETWEEN) + make_value(chance) + chance.choice(ENDS))


def mutate(chance, text):
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(text) + 1)
        text = chance.choice([text[:at] + text[at + 1:], text[:at] + chance.choice(ATOMS) + text[at:],
                              text[:at] + chance.choice(SOUP) + text[at + 1:]])
    return text


def make_file(chance):
    kind = chance.random()
    if kind < 0.15:
        return some(chance, SOUP, 20)
    text = b"".join(make_line(chance) for _ in range(chance.choice([1, 1, 2, 3, 6])))
    if kind < 0.3:
        text = mutate(chance, text)
    return text


def compare_files(path):
    return differences.compare(oracle.env_file(path), oracle.our_env_file(path), ON_PURPOSE)


def compare_texts(text):
    with tempfile.NamedTemporaryFile(prefix="ccci-env-") as file:
        file.write(text)
        file.flush()
        return compare_files(file.name)


# --- what we write ---

VALUES_IN_A_FILE = 25


def make_pairs(chance):
    """A file that may hold some of the names already, and the values that they get."""
    value_atoms = [atom.replace(b"\0", b"") for atom in ATOMS]
    names = [f"N{n}" for n in range(VALUES_IN_A_FILE)]
    before = b"".join(
        chance.choice(BEFORE[:14]) + chance.choice(names).encode() + chance.choice([b"=", b" = ", b": "]) +
        chance.choice([b"x", b"", b"'x\ny'", b'"x\nN1=2\n"', b"x # y", b"$N1", b'"x" # y # z']) +
        chance.choice([b"\n", b"\n", b"\r\n", b" # length=12\n", b"\t#x\r\n"])
        for _ in range(chance.randrange(20)))
    return before, [(name, some(chance, value_atoms, 5)) for name in names]


def as_json_reads(value):
    """Bytes that are no UTF-8, one by one, as U+FFFD: so they are printed by either program."""
    text, at = "", 0
    while at < len(value):
        for length in range(1, 5):
            try:
                text += value[at:at + length].decode()
                break
            except UnicodeDecodeError:
                continue
        else:
            text, length = text + "\ufffd", 1
        at += length
    return text


def compare_written(written):
    before, pairs = written
    with tempfile.TemporaryDirectory(prefix="ccci-env-") as folder:
        path = os.path.join(folder, "x.env")
        with open(path, "wb") as file:
            file.write(before)
        kind, text = oracle.set_env_file(path, pairs)
        if kind != "model":
            return differences.Outcome("different", ("model", "every value can be written"), (kind, text))
        with open(path, "wb") as file:
            file.write(text)
        outcome = compare_files(path)
    wanted = {name: as_json_reads(value) for name, value in pairs}
    for kind, read in (outcome.theirs, outcome.ours):
        if kind != "model" or {name: read.get(name) for name in wanted} != wanted:
            wrong = [(pair, read.get(pair[0])) for pair in pairs if read.get(pair[0]) != wanted[pair[0]]] \
                if kind == "model" else read
            return differences.Outcome("different", outcome.theirs[0], f"{wrong} in {text!r}")
    return outcome


class EnvFiles(unittest.TestCase):
    def test_inputs(self):
        for text, meant in ROWS:
            with self.subTest(text=text):
                outcome = compare_texts(text)
                self.assertEqual(outcome.kind, "accepted" if meant is not None else "refused",
                                 (outcome.theirs, outcome.ours))
                if meant is not None:
                    self.assertEqual(outcome.ours, ("model", meant))

    def test_what_ours_alone_refuses(self):
        for text, why in ((b"A=a\0b\n", "the value of A holds a NUL byte"),
                          (b"A=" + b"x" * 65537, "the value of A is longer than 64 KiB"),
                          (b"".join(b"A%d=\n" % n for n in range(2001)), "more than 2000 names")):
            outcome = compare_texts(text)
            self.assertEqual(outcome.kind, "apart", outcome.ours)
            self.assertIn(why, outcome.ours[1])

    def test_generated(self):
        differences.generated("env files", compare_texts, make_file).check(self)

    def test_written(self):
        differences.generated("written env files", compare_written, make_pairs, share=0.1).check(self)

    def test_corpus(self):
        tally = differences.corpus("env files", compare_files, lambda name: name.endswith(".env") or ".env." in name
                                   or name.startswith(".env"))
        if tally is None:
            self.skipTest("CCCI_CORPUS names no folder of real files")
        tally.check(self)


if __name__ == "__main__":
    oracle.skip_without_lab()
    unittest.main()
