# SPDX-License-Identifier: GPL-3.0-or-later
"""
A bridge's store filled with runs for its pages, as if they had been asked for, answered and ended.

    with Filler(state_dir) as filler:            between two lives of a bridge, which made the store
        filler.recipe("org/wiki")                everybody may see it
        filler.run("org/wiki", build=41, verdict="passed", level=4, results=document(...))
"""
import contextlib
import json
import os
import sqlite3

REF = "4f3c9ad2b1e0c8d7f6a5948372615049aabbccdd"


def stage(name, outcome="pass", seconds=9.1, reason="", phases=(), tests=(), evidence="", service=""):
    return {"name": name, "outcome": outcome, "reason": reason, "seconds": seconds, "service": service, "evidence": evidence,
            "phases": [{"name": word, "seconds": took} for word, took in phases], "tests": list(tests)}


def test(name, outcome="pass", seconds=0.01, reason=""):
    return {"name": name, "outcome": outcome, "seconds": seconds, "reason": reason}


def document(repo, build, stages, verdict="passed", level=4, reason="", **more):
    """A results document."""
    return {"schema": 1,
        "run": {"id": f"{build}-9f2c1a", "build": build, "recipe": repo.split("/")[1], "src": repo, "pr": 3, "ref": REF,
                "comment": build, "domain": "wiki-9f2c1a.ci.example.org", "host": "ci1", "started": "2026-11-22T03:10:00Z",
                "suite": f"tests/recipes/{repo.split('/')[1]}", "seconds": sum(one["seconds"] for one in stages) + 3.2},
        "verdict": verdict, "level": level, "reason": reason,
        "versions": {"head": "1.2.0+2.1.0", "base": "1.1.0+2.0.3", "base_why": "newest green run: build 40, 3 days ago",
                     "rejected": []},
        "deploys": 2, "stages": stages, "teardown": {"outcome": "clean", "seconds": 3.2, "left": []},
        "provenance": {"ccci": "0.1.0", "abra": "0.11.0", "suite": "sha256:" + "7" * 64, "recipe_tests": "",
                       "images": {"app": "sha256:" + "a" * 64}}} | more


def outline(stages):
    return " ".join(f"{one['name']}={one['outcome']}:{one['seconds']}" for one in stages)


class Filler:
    def __init__(self, state_dir):
        self.store = sqlite3.connect(os.path.join(state_dir, "bridge.db"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.closing(self.store):
            self.store.commit()

    def recipe(self, repo, is_public=True):
        self.store.execute("INSERT OR REPLACE INTO repository VALUES(?,?)", (repo, is_public))

    def picture(self, comment, data):
        self.store.execute("INSERT OR REPLACE INTO picture VALUES(?,?)", (comment, data))

    def run(self, repo, build, at, seconds=60, pr=3, ref=REF, verdict="passed", level=4, reason="", results=None, stages=None,
            partial="", comment=None):
        """at: Unix seconds of its end. stages: what lists show, when there is no document."""
        shown = results["stages"] if results else stages or []
        row = dict(comment=comment or build, state="answered", repo=repo, pr=pr, author="member", written_s=at - seconds - 20,
            heard_s=at - seconds - 19, moved_s=at, ref=ref, stages=partial, from_version="", wants_extra=0, build=build,
            started_s=at - seconds, ended_s=at, verdict=verdict, level=level, reason=reason, head_version="1.2.0+2.1.0",
            base_version="1.1.0+2.0.3", results=json.dumps(results) if results else None, reply=1, told="x", is_shrunk=0,
            command="test", keep_min=0, outline=outline(shown))
        self.store.execute(f"INSERT INTO job({','.join(row)}) VALUES({','.join('?' * len(row))})", list(row.values()))
