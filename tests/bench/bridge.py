# SPDX-License-Identifier: GPL-3.0-or-later
"""ccci-bridge against the stand-ins: its own processor time, its requests, its memory. Waiting for others is not counted."""
import contextlib
import os
import random
import sqlite3
import time

from bench.measure import cpu_ns, median_ms, own_mib, peak_mib, resident_mib
from lib import flood
from lib.page_store import Filler, document, stage
from lib.world import ORG, PUBLIC, StandinWorld, exchange, make_bridge, start_bridge, wait_for
from standin.forge_state import Pull

SECRET = "a-secret-of-the-bench-hook"
COMMENTS = 30
HOLD_S = 0.1
IDLE_S = 10
JOBS = 10_000
CYCLES = int(os.environ.get("CCCI_BENCH_CYCLES", "60"))    # of a second each; 1000 for a soak
CYCLE_REPOS, CYCLE_PULLS = 500, 5000
SEARCH = r"/issues/search\?.*&page=1&"    # of a search with more than a page the first
PAGE_RECIPES = 500
PAGE_TURNS = 5
PAGE_KEPT_S = 5.1      # PAGES_KEPT_MS and a little: the next one is made anew
FLOOD_S = 4
FLOOD_LEAST = {"forged": 50_000, "unsigned": 50_000}


@contextlib.contextmanager
def timed(owner, name, begin, end):
    """Calls begin() before and end() after each call of owner.name."""
    original = getattr(owner, name)

    def around(*arguments, **named):
        token = begin()
        try:
            return original(*arguments, **named)
        finally:
            end(token)
    setattr(owner, name, around)
    try:
        yield
    finally:
        setattr(owner, name, original)


def measure_hook(table):
    """From the delivery of a comment to the request that creates its build."""
    with StandinWorld(runner=False) as world:
        with start_bridge(world, poll_interval="60s", webhook_secret=SECRET, log_level="info") as bridge:
            world.add_hook(PUBLIC, bridge.hook_url, SECRET)
            # What follows the create is not counted: the forge's answers to what was sent beside it come later.
            world.forge.fault("slow", "POST", "/(comments|reactions)$", times=None, seconds=HOLD_S)
            measure_create(table, world, bridge, "webhook received -> build create sent",
                           [world.open_pr(PUBLIC, f"bench-{turn}") for turn in range(COMMENTS)], 1)
            measure_create(table, world, bridge, "the same, and an older run superseded",
                           [world.open_pr(PUBLIC, "bench")] * COMMENTS, 2)


def measure_create(table, world, bridge, what, pulls, most_ms):
    own, wall, created = [], [], []

    def create_seen():
        created.append((cpu_ns(bridge.pid), time.monotonic_ns()))

    with timed(world.drone, "_create", create_seen, lambda _: None):
        for turn, number in enumerate(pulls):
            before, since = cpu_ns(bridge.pid), time.monotonic_ns()
            world.comment(PUBLIC, number, "member", "!testme")
            wait_for(lambda: len(created) > turn, 10, "build create", every=0.002)
            own.append(created[turn][0] - before)
            wall.append(created[turn][1] - since)
            wait_quiet(world, HOLD_S + 0.15)
            if len(set(pulls)) > 1:              # or those that follow would be held behind it
                world.cancel(world.builds()[0]["number"])
                wait_quiet(world, HOLD_S + 0.15)
    table.row(what, f"{median_ms(own):.2f} ms own time; {median_ms(wall):.1f} ms in all",
              f"{most_ms} ms own time", median_ms(own) <= most_ms)


def wait_quiet(world, seconds=0.15):
    """Until neither server was asked anything for a while: the answer to one comment is not billed to the next."""
    marks, since = None, time.monotonic()
    while time.monotonic() - since < seconds:
        now = (world.forge.mark(), world.drone.mark())
        if now != marks:
            marks, since = now, time.monotonic()
        time.sleep(0.01)


def measure_idle(table, repositories):
    with StandinWorld(runner=False) as world:
        names = [f"{ORG}/{PUBLIC}"]
        for index in range(1, repositories):
            world.forge.add_repo(f"{ORG}/recipe-{index}")
            names.append(f"{ORG}/recipe-{index}")
        world.put_files(world.ci_repo, {f"tests/recipes/{name.split('/')[1]}/suite.yml": "" for name in names})
        polled = names[0] if repositories == 1 else f"{ORG}/*"
        with start_bridge(world, poll_repos=polled, poll_interval="1s", log_level="info") as bridge:
            time.sleep(2)
            wait_for(lambda: world.forge.count("GET", "/issues/search") > 1, 30, "second poll")
            mark, cpu, since = world.forge.mark(), cpu_ns(bridge.pid), time.monotonic()
            time.sleep(IDLE_S)
            seconds = time.monotonic() - since
            requests = len(world.forge.requests(since=mark))
            polls = world.forge.count("GET", "/issues/search", since=mark)
            share = (cpu_ns(bridge.pid) - cpu) / 1e9 / seconds * 100
    each = requests / max(polls, 1)
    share_at_default = share / 30
    table.row(f"idle poll, {repositories} enrolled", f"{each:.2f} requests a poll, {share_at_default:.4f} % CPU at 30 s",
              "1 request, 0.1 % CPU", each <= 1.2 and share_at_default <= 0.1)


def open_pulls(forge, names, each):
    """Open pull requests by the thousand: as the search shows them, without branches of their own."""
    with forge.lock:
        for name in names:
            repo = forge.repos[name.lower()]
            for _ in range(each):
                forge._number(Pull(0, repo, "open since long", forge.person("member"), forge.clock() - 30 * 86400))


def measure_cycles(table):
    """An organisation of some size, with somebody talking in one of its pull requests in each cycle."""
    with StandinWorld(runner=False) as world:
        names = [f"{ORG}/recipe-{index}" for index in range(CYCLE_REPOS)]
        for name in names:
            world.forge.add_repo(name)
        world.put_files(world.ci_repo, {f"tests/recipes/{name.split('/')[1]}/suite.yml": "" for name in names})
        open_pulls(world.forge, names, CYCLE_PULLS // CYCLE_REPOS)
        with start_bridge(world, poll_repos=f"{ORG}/*", poll_interval="1s", log_level="info") as bridge:
            pick = random.Random(1)

            def cycle(until):
                while world.forge.count("GET", SEARCH, since=mark) < until:
                    searches = world.forge.count("GET", SEARCH, since=mark)
                    world.forge.comment(pick.choice(names), pick.randint(1, CYCLE_PULLS // CYCLE_REPOS), "member", "looks fine")
                    wait_for(lambda: world.forge.count("GET", SEARCH, since=mark) > searches, 10, "next cycle",
                             every=0.05)
            mark = world.forge.mark()
            cycle(CYCLES // 10)
            first, cpu = resident_mib(bridge.pid), cpu_ns(bridge.pid)
            mark = world.forge.mark()
            cycle(CYCLES - CYCLES // 10)
            last, used = resident_mib(bridge.pid), cpu_ns(bridge.pid) - cpu
            polls = world.forge.count("GET", SEARCH, since=mark)
            looks = world.forge.count("GET", r"/repos/[^/]+/[^/?]+$", since=mark)
            requests = len(world.forge.requests(since=mark))
    each_ms, kept = used / 1e6 / polls, last - first
    table.row(f"a cycle of {CYCLE_REPOS} enrolled, {CYCLE_PULLS} open, {CYCLES}",
              f"{(requests - looks) / polls:.2f} requests and {looks / polls:.2f} looks, {each_ms:.2f} ms CPU",
              "0.1 % CPU at 30 s", each_ms <= 30)
    table.row("bridge memory over these cycles", f"{last:.1f} MiB resident, {kept:+.2f} since the first tenth",
              "16 MiB, flat", last <= 16 and kept <= 1)


def copy_job(state_dir, count):
    """Multiplies the one finished job of a store, with its effects."""
    path = next(os.path.join(state_dir, name) for name in os.listdir(state_dir)
                if not name.endswith(("-wal", "-shm", ".lock")))
    with contextlib.closing(sqlite3.connect(path)) as store:
        for name in ("job", "effect"):
            columns = [row[1] for row in store.execute(f"PRAGMA table_info({name})")]
            others = ", ".join(column for column in columns if column != "comment")
            store.execute(f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
                          f"INSERT INTO {name}(comment, {others}) SELECT 1000000 + i, {others} FROM n, {name} "
                          f"WHERE comment < 1000000")
        store.commit()
        states = dict(store.execute("SELECT state, count(*) FROM job GROUP BY state"))
        if set(states) != {"answered"}:
            raise AssertionError(f"the job to copy is not finished: {states}")
        return store.execute("SELECT count(*) FROM job").fetchone()[0]


def measure_pages(table):
    """The pages over many runs, each made anew."""
    with StandinWorld(runner=False) as world:
        bridge = make_bridge(world, poll_interval="60s")
        bridge.start()
        bridge.stop()
        now = int(time.time())
        stages = [stage(name, seconds=20) for name in ("install", "recreate", "backup", "upgrade", "lint")]
        with Filler(os.path.join(os.path.dirname(bridge.config), "state")) as filler:
            for index in range(PAGE_RECIPES):
                filler.recipe(f"{ORG}/recipe-{index}")
            for build in range(1, JOBS + 1):
                repo = f"{ORG}/recipe-{build % PAGE_RECIPES}"
                filler.run(repo, build, now - (JOBS - build) * 600, verdict="passed" if build % 7 else "recipe_failed",
                           level=build % 6, ref=f"{build // PAGE_RECIPES // 2:040x}", results=document(repo, build, stages))
        bridge.start()
        try:
            first = resident_mib(bridge.pid)
            for path, name in (("/", "dashboard"), ("/recipes/recipe-7", "recipe"), (f"/runs/{JOBS}", "run"),
                               ("/api/v1/recipes", "JSON of all recipes")):
                own = []
                for _ in range(PAGE_TURNS):
                    time.sleep(PAGE_KEPT_S if name in ("dashboard", "JSON of all recipes") else 0)
                    before = cpu_ns(bridge.pid)
                    status, body, _ = exchange("GET", bridge.url + path)
                    own.append(cpu_ns(bridge.pid) - before)
                    if status != 200:
                        raise AssertionError(f"{path}: {status} {body[:200]!r}")
                table.row(f"{name}, {PAGE_RECIPES} recipes, {JOBS} runs", f"{median_ms(own):.1f} ms own time, {len(body) / 1024:.0f} KiB",
                          "50 ms", median_ms(own) <= 50)
            table.row("bridge memory after them", f"{resident_mib(bridge.pid):.1f} MiB resident, {resident_mib(bridge.pid) - first:+.1f}",
                      "32 MiB", resident_mib(bridge.pid) <= 32)
        finally:
            bridge.stop()


def measure_memory(table):
    with StandinWorld(capacity=1) as world:
        number = world.open_pr(PUBLIC, "bench")
        bridge = start_bridge(world, poll_interval="1s", webhook_secret=SECRET, log_level="info")
        try:
            world.comment(PUBLIC, number, "member", "!testme")
            wait_for(lambda: any('"verdict"' in row["body"] for row in world.bot_comments(PUBLIC, number)), 60, "verdict")
            wait_quiet(world, 1)                 # the edit is written down as done
            bridge.stop()
            jobs = copy_job(os.path.join(os.path.dirname(bridge.config), "state"), JOBS)
            bridge.start()
            time.sleep(3)
            first = resident_mib(bridge.pid)
            time.sleep(5)
            table.row(f"bridge memory, {jobs} jobs in the store",
                      f"{resident_mib(bridge.pid):.1f} MiB resident, {resident_mib(bridge.pid) - first:+.1f} in 5 s",
                      "16 MiB, flat", resident_mib(bridge.pid) <= 16)
        finally:
            bridge.stop()


def measure_floods(table):
    """Those of lib/flood.py: how many are refused in a second of one core, and what goes on meanwhile."""
    with StandinWorld(runner=False) as world:
        with start_bridge(world, poll_interval="1s", webhook_secret=SECRET, log_level="info") as bridge:
            world.add_hook(PUBLIC, bridge.hook_url, SECRET)
            for kind in flood.KINDS:
                number = world.open_pr(PUBLIC, f"flood-{kind}")
                cpu, most_mib = cpu_ns(bridge.pid), 0.0
                with flood.Flood(kind, bridge.port) as rude:
                    waited = [seconds_until(lambda mark=world.forge.mark(): world.forge.count("GET", "/issues/search", since=mark)),
                              measure_answer(world, number)]
                    until = time.monotonic() + FLOOD_S
                    while time.monotonic() < until:
                        most_mib = max(most_mib, own_mib(bridge.pid))
                        time.sleep(0.05)
                    used = (cpu_ns(bridge.pid) - cpu) / 1e9
                rate = rude.answers / max(used, 1e-9)
                least = FLOOD_LEAST.get(kind, 0)
                table.row(f"flood: {kind}", f"{rate:,.0f}/s of one core, {most_mib:.1f} MiB, poll {waited[0]:.1f} s, build {waited[1]:.1f} s",
                          f"{least:,}/s, 8 MiB, 2 s" if least else "8 MiB, 2 s",
                          rate >= least and most_mib <= 8 and max(waited) <= 2)
            table.row("bridge memory, the most it had", f"{peak_mib(bridge.pid):.1f} MiB resident, with its libraries", "16 MiB",
                      peak_mib(bridge.pid) <= 16)


def seconds_until(predicate):
    since = time.monotonic()
    wait_for(predicate, 20, "sign of life", every=0.005)
    return time.monotonic() - since


def measure_answer(world, number):
    builds = len(world.builds())
    world.comment(PUBLIC, number, "member", "!testme")
    seconds = seconds_until(lambda: len(world.builds()) > builds)
    world.cancel(world.builds()[0]["number"])
    return seconds


def measure(table):
    measure_hook(table)
    measure_idle(table, 1)
    measure_idle(table, 500)
    measure_cycles(table)
    measure_memory(table)
    measure_floods(table)
    measure_pages(table)
