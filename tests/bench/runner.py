# SPDX-License-Identifier: GPL-3.0-or-later
"""ccci-run on the real Swarm with the abra stand-in: what it adds to the calls that a shell script would make as well."""
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from lib import canary, docker, images
from lib.host import RunnerHost

SPAWNS = 100
ROUNDS = 3
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
abra app secret rm "$DOMAIN" --all --offline --no-input
rm "$ABRA_DIR/servers/default/$DOMAIN.env"
rm -rf "$ABRA_DIR/recipes/$RECIPE"
"""


def spawn_ms(argv):
    took = []
    for _ in range(SPAWNS):
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
    results = os.path.join(host.directory, "results.json")
    since = time.monotonic()
    host.ccci_run("run", "--stages", "install", "--json", results, recipe_dir, check=True)
    took = time.monotonic() - since
    with open(results, encoding="utf-8") as file:
        return took, json.load(file)


def measure_run(table):
    directory, before = tempfile.mkdtemp(prefix="ccci-bench-"), docker.snapshot()
    made = images.make(canary.load("green").get("images"))
    host = RunnerHost(os.path.join(directory, "host"))
    try:
        recipe = canary.make_repo("green", os.path.join(directory, "green")).path
        script, program = [], []
        for _ in range(ROUNDS):
            script.append(by_script(host, recipe))
            took, results = by_program(host, recipe)
            program.append(took)
        base, ours = statistics.median(script), statistics.median(program)
        phases = ", ".join(f"{phase['name']} {phase['seconds']:.1f}" for phase in results["stages"][0]["phases"])
        table.row("run, install only, against a shell script", f"{ours:.1f} s / {base:.1f} s = {ours / base:.2f}",
                  "1 s beyond abra and engine", ours - base <= 1)
        print(f"    phases of the last: {phases}; teardown {results['teardown']['seconds']:.1f}")
    finally:
        host.close()
        left = docker.wait_for(before, 30)
        images.remove(made)
        shutil.rmtree(directory, ignore_errors=True)
        if {kind: lines for kind, lines in left.items() if kind != "image"}:
            print(f"    left in Docker: {left}")


def measure(table):
    measure_help(table)
    measure_run(table)
