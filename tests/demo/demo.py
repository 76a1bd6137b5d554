#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The demo: three pull requests, each asked about with one comment, and what the bot's answer says as it changes.

    ./dev demo --once       shows the three, prints their verdicts and timings, takes everything down
    ./dev demo              stays up; comments typed into the terminal are posted

Forge and Drone are the stand-ins of tests/standin; the Swarm, the containers, ccci-bridge and ccci-run are real. Exit 0
when every verdict is the one its canary declares and nothing is left in Docker.
"""
import argparse
import html
import os
import re
import select
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, docker
from lib.chain import Chain, trailer
from lib.world import ORG

SHOWN = ("green", "crash-loop", "data-loss")
CAPACITY = 2               # the third pull request shows what waiting looks like
VERDICT_WAIT_S = 170
TEARDOWN_WAIT_S = 60
LOOK_EVERY_S = 0.1
ROW = re.compile(r"^\| (\S+) \| (\S+ [^|]*?) \| ([^|]*?) \|(?: ([^|]*?) \|)?$", re.M)


def plain(markdown):
    """A line of Markdown as a terminal shows it."""
    line = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return html.unescape(line).replace("**", "").replace("`", "")


class Watched:
    """One pull request and the bot's answer in it, as last seen."""

    def __init__(self, chain, name):
        self.world, self.name, self.number = chain.world, name, chain.add_canary(name)
        self.asked = None
        self.first_answer_s = self.verdict_s = None
        self.seen_line, self.seen_rows, self.body = "", {}, ""

    def ask(self, text="!testme"):
        self.world.comment(self.name, self.number, "member", text)
        self.asked = time.monotonic()
        self.first_answer_s = self.verdict_s = None
        self.seen_rows = {}

    def answers(self):
        return [row["body"] for row in self.world.bot_comments(self.name, self.number)]

    def news(self):
        """What changed since the last look, as lines for people."""
        bodies = self.answers()
        if not bodies or self.asked is None:
            return []
        now = time.monotonic() - self.asked
        if self.first_answer_s is None:
            self.first_answer_s = now
        self.body, lines = bodies[-1], []
        line = plain(self.body.strip().splitlines()[0])
        if line != self.seen_line:
            self.seen_line = line
            lines.append(line)
        for stage, result, took, why in ROW.findall(self.body):
            if result.endswith(" waiting") or self.seen_rows.get(stage) == result:
                continue
            self.seen_rows[stage] = result
            lines.append("    " + "  ".join(plain(part) for part in (stage, result, took, why) if part))
        if self.verdict_s is None and self.verdict():
            self.verdict_s = now
        return lines

    def verdict(self):
        return trailer(self.body).get("verdict", "")


class View:
    """The terminal: each line with the seconds since the start and the pull request it is about."""

    def __init__(self, watched):
        self.watched, self.start = watched, time.monotonic()

    def look(self):
        for pull in self.watched:
            for line in pull.news():
                print(f"{time.monotonic() - self.start:6.1f} s  {pull.name + ' #' + str(pull.number):<14} {line}",
                    flush=True)


def show_once(watched):
    """Asks about all of them and shows the answers until each has its verdict; False when one never came."""
    view = View(watched)
    for pull in watched:
        print(f"{0:6.1f} s  {pull.name + ' #' + str(pull.number):<14} member comments: !testme", flush=True)
        pull.ask()
    deadline = time.monotonic() + VERDICT_WAIT_S
    while any(pull.verdict_s is None for pull in watched):
        if time.monotonic() > deadline:
            return False
        view.look()
        time.sleep(LOOK_EVERY_S)
    view.look()
    return True


def judge(watched):
    """The answers as the forge has them, and a table of the timings; whether each is what its canary declares."""
    good = True
    for pull in watched:
        print(f"\n---- {ORG}/{pull.name} #{pull.number}: the bot's comment\n\n{pull.body.strip()}")
        if len(pull.answers()) != 1:
            print(f"demo: {len(pull.answers())} comments of the bot instead of one")
            good = False
    print(f"\n{'pull request':<16}{'first answer':>13}{'verdict after':>15}  verdict")
    for pull in watched:
        expected = canary.load(pull.name)["expect"]["verdict"]
        note = "as declared" if pull.verdict() == expected else f"SHOULD BE {expected}"
        good = good and pull.verdict() == expected
        print(f"{pull.name + ' #' + str(pull.number):<16}{pull.first_answer_s or 0:>11.1f} s"
            f"{pull.verdict_s or 0:>13.1f} s  {pull.verdict() or 'none'} ({note})")
    return good


def stay(chain, watched):
    """Posts what is typed and shows what the bot makes of it, until end of input or Ctrl-C."""
    names = ", ".join(f"{pull.name} (#{pull.number})" for pull in watched)
    print(f"forge {chain.world.forge_url}, Drone {chain.world.drone_url}, bridge {chain.bridge.url}\n"
        f"pull requests: {names}\ntype RECIPE COMMENT, such as: green !testme\nCtrl-C takes everything down\n", flush=True)
    view, by_name = View(watched), {pull.name: pull for pull in watched}
    while True:
        view.look()
        if not select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
            continue
        data = os.read(sys.stdin.fileno(), 65536).decode(errors="replace")
        if not data:
            return
        for line in data.splitlines():
            name, _, text = line.strip().partition(" ")
            if name in by_name and text:
                by_name[name].ask(text)
            elif line.strip():
                print(f"no such pull request: {name} (there are: {', '.join(by_name)})")


def take_down(chain, before):
    """Ends everything; False when Docker holds more or less than before."""
    chain.close()
    left = docker.wait_for(before, TEARDOWN_WAIT_S)
    for kind, lines in left.items():
        print(f"demo: {kind}: {', '.join(lines)}")
    return not left


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description="pull requests tested on a real Swarm")
    parser.add_argument("--once", action="store_true", help="show three pull requests, then take everything down")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    before, started, good = docker.snapshot(), time.monotonic(), False
    chain = Chain(capacity=CAPACITY)
    try:
        watched = [Watched(chain, name) for name in SHOWN]
        chain.start()
        print(f"{time.monotonic() - started:.1f} s to start forge, Drone, runner, proxy and bridge\n", flush=True)
        if options.once:
            good = show_once(watched)
            if not good:
                print(f"demo: no verdict within {VERDICT_WAIT_S} s")
                print(chain.explain())
            good = judge(watched) and good
        else:
            stay(chain, watched)
            good = True
    except KeyboardInterrupt:
        good = not options.once
        print()
    finally:
        taking = time.monotonic()
        good = take_down(chain, before) and good
        print(f"\ntaken down in {time.monotonic() - taking:.1f} s; {time.monotonic() - started:.1f} s in all")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
