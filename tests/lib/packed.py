# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a small image from Debian's packages, which are downloaded and unpacked, not installed: programs that the host
need not have, with the libraries that they are linked to.

    entries = packed.files(["redis-server", ...], ["usr/bin/redis-server", ...])     # {path in the image: bytes}
    packed.files(["curl"], ["usr/bin/curl"], {"usr/bin/ccci-bridge": "/here/ccci-bridge"})      # and programs of this machine

A path that is a directory stands for everything below it. In a checkout the packages stay in build/debs. Libraries that no package brings
are the host's own.
"""

import glob
import os
import re
import subprocess
import tempfile

BUILD = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))), "build")


def files(packages, paths, own=()):
    with tempfile.TemporaryDirectory(prefix="packed-") as root:
        debs = os.path.join(BUILD if os.path.isdir(BUILD) else root, "debs")
        for deb in _download(packages, debs):
            _run(["dpkg-deb", "-x", deb, root])
        found = {}
        for path in paths:
            for name in _below(root, path):
                with open(os.path.join(root, name), "rb") as file:
                    found[name] = file.read()
        programs = [os.path.join(root, name) for name, data in found.items() if data.startswith(b"\x7fELF")]
        for name, path in dict(own).items():
            with open(path, "rb") as file:
                found[name] = file.read()
            programs.append(path)
        for name, path in sorted(_libraries(root, programs).items()):
            with open(path, "rb") as file:
                found[name] = file.read()
        return found


def _below(root, path):
    whole = os.path.join(root, path)
    if not os.path.isdir(whole):
        return [path]
    return [os.path.relpath(os.path.join(base, name), root) for base, _, names in os.walk(whole) for name in names]


def _download(packages, debs):
    """The paths of their files, as Debian has them now or had them when they were downloaded."""
    os.makedirs(debs, exist_ok=True)
    missing = [package for package in packages if not _have(package, debs)]
    if missing and not _try(["apt-get", "-q", "download", *missing], debs):
        _run(["apt-get", "-q", "update"])
        _run(["apt-get", "-q", "download", *missing], debs)
    return [_have(package, debs)[-1] for package in packages]


def _have(package, debs):
    return sorted(glob.glob(os.path.join(debs, f"{package}_*.deb")))


def _libraries(root, programs):
    """{path in the image: path here} of everything that they are linked to, the loader too."""
    places = [os.path.join(root, place) for place in ("usr/lib", "lib")]
    places = [os.path.dirname(path) for place in places for path in glob.glob(os.path.join(place, "*", "*.so*"))]
    environment = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": ":".join(sorted(set(places)))}
    found = {}
    for line in _run(["ldd", *programs], environment=environment).splitlines():
        needed = re.fullmatch(r"\s+(\S+) => (\S+) \(0x[0-9a-f]+\)", line)
        loader = re.fullmatch(r"\s+/(\S+) \(0x[0-9a-f]+\)", line)
        if needed:
            found[f"usr/lib/{needed[1]}"] = needed[2]
        elif loader:
            found[loader[1]] = "/" + loader[1]
        elif "not found" in line:
            raise RuntimeError(f"a library that no package here brings: {line.strip()}")
    return found


def _try(argv, directory=None):
    return subprocess.run(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def _run(argv, directory=None, environment=None):
    done = subprocess.run(argv, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()[-500:]}")
    return done.stdout
