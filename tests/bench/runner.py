# SPDX-License-Identifier: GPL-3.0-or-later
"""ccci-run on the real Swarm with the abra stand-in: what it adds to the calls that a shell script would make as well, how
soon it tells a crash loop, how few deployments it needs, and what its processes hold in memory."""
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from bench.measure import proportional_mib
from lib import canary, docker, images
from lib.host import RunnerHost

SPAWNS = 100
ROUNDS = 3
SETTLE_S = 1               # how long a task has to stay healthy (runner-plugin/swarm/converge.c)
# The same life of one app, by hand: what ccci-run does for an install, without looking at anything but the app's page.
SCRIPT = """
set -eu
git clone -q "$RECIPE_DIR" "$ABRA_DIR/recipes/$RECIPE"
git -C "$ABRA_DIR/recipes/$RECIPE" checkout -q pull
abra app new "$RECIPE" --server default --domain "$DOMAIN" --chaos --offline --no-input
abra app secret generate "$DOMAIN" --all --chaos --offline --no-input
abra app deploy "$DOMAIN" --chaos --offline --no-domain-checks --no-input
until curl -sf -o /dev/null --cacert "$CA_FILE" --connect-to "::$PROBE_CONNECT" "https://$DOMAIN/"; do sleep 0.1; done
abra app undeploy "$DOMAIN" --offline --no-input
until [ -z "$(docker ps -aq --filter label=com.docker.stack.namespace="$STACK")" ]; do sleep 0.1; done
abra app volume rm "$DOMAIN" --force --offline --no-input
abra app secret rm "$DOMAIN" --all --offline --no-input || true        # it has none
rm "$ABRA_DIR/servers/default/$DOMAIN.env"
rm -rf "$ABRA_DIR/recipes/$RECIPE"
"""


def spawn_ms(argv, times=SPAWNS):
    took = []
    for _ in range(times):
        since = time.perf_counter_ns()
        subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        took.append(time.perf_counter_ns() - since)
    return statistics.median(took) / 1e6


def measure_help(table):
    program = os.path.join(os.environ["CCCI_BUILD"], "ccci-run")
    ours, least = spawn_ms([program, "--help"]), spawn_ms(["/bin/true"])
    table.row("ccci-run --help", f"{ours:.1f} ms, {ours / least:.1f} times /bin/true", "-", None)


def by_script(host, recipe_dir):
    domain = f"gree-{time.time_ns() % 0xffffff:06x}.{host.zone}"
    environment = host.environment(ABRA_DIR=host.abra_dir, RECIPE_DIR=recipe_dir, RECIPE="green", DOMAIN=domain,
                                   STACK=domain.replace(".", "_"), CA_FILE=host.ca_file,
                                   PROBE_CONNECT=host.probe_connect)
    since = time.monotonic()
    done = subprocess.run(["/bin/sh", "-c", SCRIPT], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=180, check=False)
    if done.returncode:
        raise RuntimeError(f"the script failed:\n{done.stdout}")
    return time.monotonic() - since


def by_program(host, recipe_dir):
    """Seconds, results, and how long after its last healthy task (and the second it has to stay so) it had converged."""
    path = os.path.join(host.directory, "results.json")
    since, since_wall = time.monotonic(), time.time()
    process = host.start("run", "--stages", "install", "--json", path, recipe_dir)
    passed_wall, lines = 0, []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("install: passed"):
            passed_wall = time.time()
    if process.wait(60):
        raise RuntimeError("the run failed:\n" + "".join(lines))
    took = time.monotonic() - since
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    stack = results["run"]["domain"].replace(".", "_")
    phases = {phase["name"]: phase["seconds"] for phase in results["stages"][0]["phases"]}
    healthy = last_healthy(stack, since_wall)
    late = passed_wall - phases.get("probe", 0) - phases.get("checks", 0) - healthy - SETTLE_S
    return took, results, late


def last_healthy(stack, since):
    """The instant at which the engine found the stack's last container healthy."""
    filters = {"type": ["container"], "event": ["health_status: healthy"],
               "label": [f"com.docker.stack.namespace={stack}"]}
    raw = docker.raw("GET", "/events", {"since": str(int(since)), "until": str(int(time.time()) + 1), "filters": filters})
    times = [json.loads(line)["timeNano"] for line in raw.decode().splitlines()]
    if not times:
        raise RuntimeError(f"no container of {stack} became healthy")
    return max(times) / 1e9


def measure_run(table):
    directory = tempfile.mkdtemp(prefix="ccci-bench-")
    made = images.make(canary.load("green").get("images"))
    host = RunnerHost(os.path.join(directory, "host"))
    try:
        recipe = canary.make_repo("green", os.path.join(directory, "green")).path
        script, program, late = [], [], []
        for _ in range(ROUNDS):
            script.append(by_script(host, recipe))
            took, results, after = by_program(host, recipe)
            program.append(took)
            late.append(after)
        base, ours, after = statistics.median(script), statistics.median(program), statistics.median(late)
        table.row("run, install only, against a shell script", f"{ours:.1f} s / {base:.1f} s = {ours / base:.2f}",
                  "1 s beyond abra and engine", ours - base <= 1)
        table.row("last healthy task -> converged", f"{after * 1000:.0f} ms after the second it settles",
                  "250 ms", after <= 0.25)
        phases = ", ".join(f"{phase['name']} {phase['seconds']:.1f}" for phase in results["stages"][0]["phases"])
        print(f"    phases of the last: {phases}; teardown {results['teardown']['seconds']:.1f} s")
    finally:
        host.close()
        images.remove(made)
        shutil.rmtree(directory, ignore_errors=True)


class Memory:
    """The most that each kind of a host's processes held, looked at while a run goes on."""

    KINDS = {"ccci-keeper": "keeper", "ccci-worker": "worker", "ccci-run": "front"}

    def __init__(self, host):
        self.config, self.most, self.stop = host.config.encode(), {}, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def watch(self):
        while not self.stop.wait(0.1):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    self.look(pid)
                except (FileNotFoundError, ProcessLookupError):
                    pass                     # it ended meanwhile

    def look(self, pid):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if self.config not in file.read():
                return
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            kind = self.KINDS.get(file.read().strip())
        if kind:
            self.most[kind] = max(self.most.get(kind, 0), proportional_mib(pid))


def run_canary(host, directory, name, *words):
    """Wall time and results of a canary's run, whatever it comes out as."""
    path = os.path.join(directory, f"{name}.json")
    recipe = canary.make_repo(name, os.path.join(directory, "recipes", name)).path
    since = time.monotonic()
    done = host.ccci_run("run", "--json", path, *words, recipe)
    took = time.monotonic() - since
    if not os.path.exists(path):
        raise RuntimeError(f"{name} has no results:\n{done.stdout}")
    with open(path, encoding="utf-8") as file:
        return took, json.load(file)


def phases_of(results):
    return [phase for stage in results["stages"] for phase in stage["phases"]]


def abra_between(host):
    """Seconds of abra in no phase: its version is asked for in each stage, and the lint. The stand-in's own start counts."""
    calls = [call for call in host.abra.calls() if call["argv"] == ["--version"] or call["argv"][:2] == ["recipe", "lint"]]
    start = spawn_ms([host.abra.path, "--version"], 5) / 1000
    return sum(start + call["ended"] - call["time"] for call in calls)


def naive_deploys(results):
    """What stages that know nothing of each other deploy: each its own app, the upgrade a base before, rollback two."""
    each = {"upgrade": 2, "rollback": 3, "lint": 0}
    return sum(each.get(stage["name"], 1) for stage in results["stages"] if stage["outcome"] != "not_run")


def measure_whole_run(table, host, directory):
    with Memory(host) as memory:
        took, results = run_canary(host, directory, "green")
    if results["verdict"] != "passed":
        raise RuntimeError(f"green did not pass: {results['reason']}")
    stages = {stage["name"]: stage["seconds"] for stage in results["stages"]}
    table.row("trivial recipe, every stage", f"{took:.1f} s", "45 s", took <= 45)
    print("    " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items())
          + f", teardown {results['teardown']['seconds']:.1f}")
    between = abra_between(host)
    work = sum(phase["seconds"] for phase in phases_of(results)) + results["teardown"]["seconds"] + between
    table.row("our own time in a whole run", f"{took:.1f} s - {work:.1f} s of abra, engine and tests = {took - work:.1f} s",
              "1 s", took - work <= 1)
    naive = naive_deploys(results)
    table.row("deployments against stages on their own",
              f"{results['deploys']} / {naive} = {results['deploys'] / naive:.2f}", "fewer", results["deploys"] < naive)
    most = ", ".join(f"{kind} {mib:.1f}" for kind, mib in sorted(memory.most.items()))
    table.row("memory of a run's processes, each its part", f"{most} MiB", "-", None)


def measure_crash_loop(table, host, directory):
    _, results = run_canary(host, directory, "crash-loop", "--stages=install")
    stage = results["stages"][0]
    if stage["outcome"] != "fail":
        raise RuntimeError(f"crash-loop did not fail: {stage}")
    took = sum(phase["seconds"] for phase in stage["phases"] if phase["name"].startswith(("deploy", "converge")))
    table.row("crash loop every 6 s -> red", f"{took:.1f} s", "25 s", took <= 25)


def measure_runs(table):
    directory = tempfile.mkdtemp(prefix="ccci-bench-")
    made = images.make()
    os.mkdir(os.path.join(directory, "recipes"))
    host = RunnerHost(os.path.join(directory, "host"))
    try:
        measure_whole_run(table, host, directory)
        measure_crash_loop(table, host, directory)
    finally:
        host.close()
        images.remove(made)
        shutil.rmtree(directory, ignore_errors=True)


def measure(table):
    measure_help(table)
    measure_run(table)
    measure_runs(table)
