# SPDX-License-Identifier: GPL-3.0-or-later
"""
Bare repositories for the forge stand-in: commits are written by git itself, one process each.

    repo = BareRepo(path).create()
    sha = repo.commit("main", {"compose.yml": "version: '3.8'"}, "first")

Files are text or bytes; None removes the file; a text that starts with "#!" is executable.
"""
import os
import subprocess
import time

ENVIRONMENT = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", "LC_ALL": "C",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


def as_bytes(content):
    return content if isinstance(content, bytes) else content.encode()


class BareRepo:
    def __init__(self, path):
        self.path = path

    def git(self, *arguments, data=None, check=True):
        done = subprocess.run(["git", *arguments], cwd=self.path, env=ENVIRONMENT, input=data,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
        return done.stdout if done.returncode == 0 else None

    def create(self):
        os.makedirs(self.path)
        self.git("init", "-q", "--bare", "-b", "main", ".")
        for key, value in (("uploadpack.allowAnySHA1InWant", "true"), ("http.receivepack", "false"),
                           ("gc.auto", "0"), ("core.logAllRefUpdates", "false")):
            self.git("config", key, value)
        return self

    def commit(self, branch, files, message, author="member", parent=None, when=None):
        """One commit on top of `parent` (default: the branch's tip); returns its sha."""
        parent = parent or self.tip(f"refs/heads/{branch}")
        stamp = f"{author} <{author}@noreply.localhost> {int(when or time.time())} +0000"
        out = [f"commit refs/heads/{branch}\nmark :1\nauthor {stamp}\ncommitter {stamp}\n".encode()]
        text = as_bytes(message)
        out.append(b"data %d\n%s\n" % (len(text), text))
        if parent:
            out.append(f"from {parent}\n".encode())
        for path, content in files.items():
            if content is None:
                out.append(f'D "{path}"\n'.encode())
                continue
            content = as_bytes(content)
            mode = "100755" if content.startswith(b"#!") else "100644"
            out.append(f'M {mode} inline "{path}"\n'.encode() + b"data %d\n%s\n" % (len(content), content))
        out.append(b"\nget-mark :1\ndone\n")
        printed = self.git("fast-import", "--quiet", "--force", "--done", data=b"".join(out))
        return printed.decode().strip()

    def tip(self, ref):
        out = self.git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", check=False)
        return out.decode().strip() if out else None

    def set_ref(self, ref, sha):
        self.git("update-ref", ref, sha)

    def tag(self, name, sha, annotated=True):
        arguments = ["-c", "user.name=forge", "-c", "user.email=forge@localhost", "tag"]
        self.git(*arguments, *(["-a", "-m", name] if annotated else []), name, sha)

    def read(self, sha, path):
        """The file's bytes at that commit, or None."""
        return self.git("cat-file", "blob", f"{sha}:{path}", check=False)

    def tree(self, sha, path=""):
        """[(name, type, mode, sha, size)] of a directory, or None when there is none."""
        out = self.git("ls-tree", "-l", "-z", f"{sha}:{path}" if path else sha, check=False)
        if out is None:
            return None
        rows = []
        for line in out.decode().split("\0"):
            if line:
                meta, _, name = line.partition("\t")
                mode, kind, object_sha, size = meta.split()
                rows.append((name, kind, mode, object_sha, 0 if size == "-" else int(size)))
        return rows

    def between(self, old, new):
        """Commits of new that old has not, oldest first."""
        out = self.git("rev-list", "--reverse", new, *([f"^{old}"] if old else []), check=False)
        return out.decode().split() if out else []

    def has(self, sha):
        return self.git("cat-file", "-e", f"{sha}^{{commit}}", check=False) is not None

    def is_ancestor(self, old, new):
        return self.git("merge-base", "--is-ancestor", old, new, check=False) is not None

    def merge_base(self, one, two):
        out = self.git("merge-base", one, two, check=False)
        return out.decode().strip() if out else ""

    def message(self, sha):
        return self.git("log", "-1", "--format=%B", sha).decode().rstrip("\n") + "\n"
