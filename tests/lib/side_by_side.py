# SPDX-License-Identifier: GPL-3.0-or-later
"""
For a test program whose tests mostly wait and share nothing: each in a process of its own, several at once, told in their order.

    if __name__ == "__main__":
        side_by_side.main()

With tests named on the command line it is unittest.main().
"""
import concurrent.futures
import subprocess
import sys
import unittest

AT_ONCE = 4


def _tests(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _tests(test)
        else:
            yield test.id().removeprefix("__main__.")


def _run(name):
    return subprocess.run([sys.executable, *sys.argv, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def main():
    if any(not word.startswith("-") for word in sys.argv[1:]):
        unittest.main()
    names = list(_tests(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    code = 0 if names else 1
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in pool.map(_run, names):
            print(done.stdout, flush=True)
            code = code or done.returncode
    sys.exit(code)
