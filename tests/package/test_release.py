#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same commit makes the same bytes, wherever and whenever: packed twice always, released whole from two directories with
CCCI_ALL=1."""
import hashlib
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.join(ROOT, "build", "package")
KINDS = (".deb", ".tar.gz")


def run(words, cwd, seconds=300, **variables):
    done = subprocess.run(words, cwd=cwd, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=seconds, check=False, env=os.environ | variables)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def sums(directory):
    """name -> SHA-256 of what was made there."""
    made = {}
    for name in sorted(os.listdir(directory)):
        if name.endswith(KINDS):
            with open(os.path.join(directory, name), "rb") as file:
                made[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return made


class Release(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="ccci-release-"))

    def pack(self, name, epoch):
        directory = os.path.join(self.directory, name)
        os.makedirs(directory)
        run(["cpack", "--config", f"{BUILD}/CPackConfig.cmake", "-B", directory], BUILD, SOURCE_DATE_EPOCH=epoch)
        return sums(directory)

    def test_packed_twice(self):
        once = self.pack("a", "1700000000")
        self.assertEqual(["ccci-bridge", "ccci-common", "ccci-run"], [name.split("_")[0] for name in once])
        self.assertEqual(once, self.pack("elsewhere/and/deeper", "1700000000"))
        self.assertNotEqual(once, self.pack("c", "1700000001"))

    def test_the_programs_do_not_say_where_they_were_made(self):
        for name in ("ccci-bridge", "ccci-run"):
            with open(os.path.join(BUILD, name), "rb") as file:
                self.assertNotIn(ROOT.encode(), file.read(), name)

    def test_the_programs_keep_their_assertions(self):
        for name in ("ccci-bridge", "ccci-run"):
            self.assertIn("__assert_fail", run(["nm", "-D", "--undefined-only", os.path.join(BUILD, name)], BUILD), name)

    @unittest.skipUnless(os.environ.get("CCCI_ALL") == "1", "builds all of it twice: ./dev test package --all")
    def test_released_twice(self):
        made = []
        commit = run(["git", "-c", f"safe.directory={ROOT}", "rev-parse", "HEAD"], ROOT).strip()
        for name in ("one", "another/place"):
            clone = os.path.join(self.directory, name)
            run(["git", "-c", f"safe.directory={ROOT}/.git", "clone", "-q", "--no-hardlinks", ROOT, clone], self.directory)
            run(["git", "checkout", "-q", "--detach", commit], clone)    # ours may go on meanwhile
            # Without a cache of compiled files, which would give both the same.
            run(["./dev", "release"], clone, 1500, CMAKE_C_COMPILER_LAUNCHER="")
            made.append(sums(os.path.join(clone, "build/release-out")))
            run(["sha256sum", "--check", "--strict", "SHA256SUMS"], os.path.join(clone, "build/release-out"))
        self.assertEqual(4, len(made[0]))
        self.assertEqual(made[0], made[1])


if __name__ == "__main__":
    unittest.main()
