#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge's pages as people and programs meet them: what they answer, to whom, and how they look in a browser."""
import base64
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time
import unittest
import zlib
import xml.etree.ElementTree

from lib import promtool
from lib.bridge_cases import PIPELINE, BridgeCases, check_end, results
from lib.browser import Browser, find_browser
from lib.html_check import Page
from lib.page_store import Filler, document, stage, test
from lib.schema import check_schema
from lib.world import ORG, PRIVATE, PUBLIC, StandinWorld, exchange, make_bridge, wait_for

WIKI, NOTES, RED, FLAKY = f"{ORG}/wiki", f"{ORG}/{PRIVATE}", f"{ORG}/immich", f"{ORG}/plausible"
LONG = f"{ORG}/" + "a-recipe-whose-name-is-as-long-as-the-forge-lets-a-name-be-and-that-is-a-hundred-characters-of-it-all"[:100]
HOSTILE = "</pre></bdi></title><script>alert(1)</script><img src=x onerror=alert(1)> \u202eevil\u2066 \x1b[31mred\x1b[0m `code` &amp; '\"> ]]>"
POLICY = re.compile(r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; img-src 'self'; base-uri 'none'; "
                    r"form-action 'none'; frame-ancestors 'none'")
SCHEMA = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "api.schema.json")
PICTURES = os.path.join(os.environ.get("CCCI_BUILD", tempfile.gettempdir()), "pages")
DAY = 86400
NIGHT = 4200000000000000


def stages(upgrade="pass", factor=1.0):
    done = [stage("install", seconds=41 * factor, phases=[("fetch", 0.8), ("pull", 6.2), ("deploy", 4.1),
                ("converge", 21.5 * factor), ("probe", 1.2)], tests=[test("GET /"), test("GET /api/health", seconds=0.2)]),
            stage("recreate", seconds=12, phases=[("anew", 9.5), ("marks found", 0.4)], tests=[test("volume data at /data of app")]),
            stage("recipe", "not_run", 0, "the recipe has no tests of its own"),
            stage("backup", "not_run", 0, "no service has the label `backupbot.backup=true`")]
    if upgrade == "pass":
        done.append(stage("upgrade", seconds=55, phases=[("deploy base", 4), ("converge base", 18), ("deploy head", 3),
                ("converge head", 22)], tests=[test("GET /"), test("volume data at /data of app")]))
    else:
        done.append(stage("upgrade", "fail", 71, "volume `data` lost its marker: the mount moved from /data to /srv",
                phases=[("deploy base", 4), ("converge base", 18), ("deploy head", 3), ("converge head", 40)],
                tests=[test("GET /"), test("volume data at /data of app", "fail", 0.3, "the marker is gone")],
                evidence="app  | 2026-11-22 03:14:07 migrating 41 of 212 tables\n" * 12 + "app  | FATAL: no such file: /data/index\n",
                service="app"))
    done.append(stage("lint", "pass", 1.4, "2 warnings: R005, R014"))
    return done


def picture():
    """A PNG of stripes, as an app might look."""
    rows = b"".join(b"\0" + bytes((40, 90 + row // 4, 160)) * 640 for row in range(400))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 640, 400, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def fill(state_dir):
    """Recipes of every kind, years of them and minutes."""
    now = int(time.time())
    with Filler(state_dir) as filler:
        for repo in (WIKI, RED, FLAKY, LONG, f"{ORG}/old-thing", f"{ORG}/keycloak", f"{ORG}/gitea", f"{ORG}/peertube"):
            filler.recipe(repo)
        filler.recipe(NOTES, False)
        build = 1000
        for index in range(40):
            build += 1
            at = now - (40 - index) * DAY // 2
            filler.run(WIKI, build, at, 90 + index * 3 % 40, pr=index % 7 + 1, level=5 if index > 20 else 2,
                results=document(WIKI, build, stages(factor=1 + index / 40), level=5 if index > 20 else 2))
        filler.run(NOTES, 1101, now - 500, results=document(NOTES, 1101, stages()), reason="a secret of the private one")
        why = "upgrade: volume `data` lost its marker: the mount moved from /data to /srv"
        for index in range(9):
            filler.run(RED, 1110 + index, now - (20 - index) * 7000, 120, level=3,
                results=document(RED, 1110 + index, stages()))
        filler.run(RED, 1120, now - 7300, 128, pr=2, ref="2" * 40, verdict="recipe_failed", level=1, reason=why,
            results=document(RED, 1120, stages("fail"), "recipe_failed", 1, why,
                last_green={"build": 1118, "when": "2026-11-21T03:10:00Z", "commit": "1" * 40},
                picture={"type": "image/png", "width": 640, "height": 400, "bytes": len(picture())},
                changed=[{"what": "image app", "was": "ghcr.io/immich:1.1", "is": "ghcr.io/immich:1.2"}]))
        shot = picture()
        filler.picture(1120, shot)
        filler.run(FLAKY, 1130, now - 9000, level=1, verdict="recipe_failed", reason=why,
            results=document(FLAKY, 1130, stages("fail"), "recipe_failed", 1, why))
        filler.run(FLAKY, 1131, now - 8000, level=2, results=document(FLAKY, 1131, stages(), level=2))
        filler.run(LONG, 1140, now - 3 * DAY, verdict="recipe_failed", level=0, reason=HOSTILE,
            results=document(LONG, 1140, [stage("install", "fail", 5, HOSTILE, [(HOSTILE[:100], 2)],
                [test(HOSTILE, "fail", 1, HOSTILE)], HOSTILE + "\n" + "x" * 15000 + "\n" + HOSTILE, HOSTILE[:200])],
                "recipe_failed", 0, HOSTILE, allowed=[{"service": HOSTILE, "what": HOSTILE, "word": HOSTILE}],
                kept={"url": "javascript:alert(1)", "until": HOSTILE, "why_not": ""}))
        filler.run(f"{ORG}/old-thing", 1148, now - 400 * DAY, level=3)
        filler.run(f"{ORG}/keycloak", 1149, now - 2 * DAY, level=4, stages=stages())
        filler.run(f"{ORG}/gitea", 1152, now - 4 * DAY, verdict="ci_error", level=0, reason="the engine could not be reached")
        # Green by night, then red, and once more.
        filler.run(f"{ORG}/peertube", 1150, now - 8 * DAY, level=4, pr=0, comment=NIGHT, ref="3" * 40, stages=stages())
        for build, reason in ((1151, HOSTILE), (1153, "Drone ended the build after its limit.")):
            filler.run(f"{ORG}/peertube", build, now - 6 * DAY, verdict="timed_out", level=1, reason=reason, pr=0, ref="4" * 40,
                comment=NIGHT + build, results=document(f"{ORG}/peertube", build, stages("fail"), "timed_out", 1, reason,
                    last_green={"build": 1150, "when": "2026-11-19T03:10:00Z", "commit": "3" * 40},
                    changed=[{"what": "recipe", "was": "3" * 40, "is": "4" * 40}, {"what": "abra", "was": HOSTILE[:90], "is": "2"}]))


class Case(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.world = StandinWorld()
        cls.addClassCleanup(cls.world.down)
        cls.bridge = make_bridge(cls.world, **cls.settings)
        cls.bridge.start()
        cls.bridge.stop()
        fill(os.path.join(os.path.dirname(cls.bridge.config), "state"))
        cls.bridge.start()
        cls.addClassCleanup(lambda: check_end(cls.bridge))

    def ask(self, path, method="GET", **headers):
        status, body, head = exchange(method, f"{self.bridge.url}{path}",
                                      headers={name.replace("_", "-"): value for name, value in headers.items()})
        return status, body, head

    def get(self, path, status=200):
        got, body, head = self.ask(path)
        self.assertEqual(got, status, f"{path}: {body[:300]!r}")
        return body.decode(), head

    def page(self, path, status=200):
        text, head = self.get(path, status)
        self.assertEqual(head["Content-Type"], "text/html; charset=utf-8")
        try:
            return Page(text)
        except AssertionError as wrong:
            raise AssertionError(f"{path}: {wrong}") from None

    def json(self, path, status=200):
        text, head = self.get(path, status)
        self.assertEqual(head["Content-Type"], "application/json")
        return json.loads(text)


PAGES = ["/", "/?show=red", "/?show=flaky", "/?show=stale", "/recipes/wiki", "/recipes/immich", "/recipes/plausible",
    f"/recipes/{LONG.split('/')[1]}", "/recipes/gitea", "/recipes/peertube", "/runs/1120", "/runs/1040", "/runs/1140", "/runs/1151", "/runs/1152"]
ERRORS = [("/nothing", 404), ("/recipes/nobody", 404), ("/recipes/a/b", 404), ("/runs/9", 404), ("/runs/x", 404), ("/runs/-1", 404),
    ("/runs/1152/results.json", 404), ("/?show=blue", 400), ("/runs/99999999999999999999", 404), ("/recipes/%3Cb%3E", 404)]


class Pages(Case):
    settings = {"public_url": "https://ci.example.org/ccci"}

    def test_every_page_is_html_with_head_and_policy(self):
        for path in PAGES:
            page = self.page(path)
            _, head = self.get(path)
            self.assertRegex(head["Content-Security-Policy"], POLICY)
            self.assertEqual(head["X-Content-Type-Options"], "nosniff")
            self.assertEqual(head["Cache-Control"], "no-cache")
            self.assertIsNone(page.refresh, "nothing runs")
            self.assertNotIn("a secret of the private one", page.text)
            self.assertNotIn(PRIVATE, page.text)

    def test_every_link_leads_somewhere(self):
        seen = set()
        for path in PAGES:
            for link in self.page(path).links:
                if link.startswith(("http", "#")):
                    continue
                way = "/" + os.path.normpath(os.path.join(os.path.dirname(path.split("?")[0]), link.split("#")[0].split("?")[0])).strip("/.")
                if way not in seen:
                    seen.add(way)
                    self.get(way)
        self.assertIn("/recipes/wiki", seen)
        self.assertIn("/runs/1120/junit.xml", seen)

    def test_an_error_says_what_why_and_what_to_do(self):
        for path, status in ERRORS:
            page = self.page(path, status)
            self.assertIn("All recipes", page.text, path)

    def test_a_reload_costs_nothing(self):
        for path in PAGES + ["/badge/wiki.svg", "/api/v1/runs", "/api/v1/runs/1120", "/runs/1120/junit.xml", "/icon.svg"]:
            status, body, head = self.ask(path)
            self.assertEqual(status, 200)
            status, again, _ = self.ask(path, If_None_Match=f'"other", {head["ETag"]}')
            if status == 200 and again != body:
                continue                        # a minute has passed in between
            self.assertEqual((status, again), (304, b""), path)
            status, nothing, same = self.ask(path, "HEAD")
            self.assertEqual((status, nothing), (200, b""), path)
            self.assertEqual(same["Content-Length"], str(len(body)), path)
        self.assertEqual(self.ask("/", If_None_Match='"other"')[0], 200)
        self.assertEqual(self.ask("/nothing", If_None_Match="*")[0], 404)

    def test_only_get_and_head(self):
        for method in ("POST", "PUT", "DELETE"):
            self.assertEqual(self.ask("/", method)[0], 404)

    def test_a_recipe_that_is_red_by_night(self):
        page = self.page("/recipes/peertube")
        for words in ("Red since build 1151", "at 44444444.", "recipe 33333333 → 44444444", "timed out 6 days ago"):
            self.assertIn(words, page.text)
        self.assertEqual(page.text.count("nightly"), 4)
        run = self.page("/runs/1151")
        self.assertIn("nightly", run.text)
        self.assertNotIn("As a comment in", run.text)
        self.assertNotIn("pull request", run.text)

    def test_the_dashboard(self):
        page = self.page("/")
        for words in ("bridge ok", "forge ok", "Drone ok", "Nothing runs", "immich", "lost its marker", "timed out", "CI error",
                      "all (8)", "red (3)", "flaky (1)", "not run for 30 days (1)", "build 1120"):
            self.assertIn(words, page.text)
        self.assertIn("old-thing", self.page("/?show=stale").text)
        self.assertLess(page.text.index("wiki"), page.text.index("old-thing"), "the best stand first")

    def test_a_recipe(self):
        page = self.page("/recipes/plausible")
        self.assertIn("red in build 1130, green in build 1131", page.text)
        self.assertIn("no service has the label", page.text)
        page = self.page("/recipes/wiki")
        self.assertNotIn("Flaky stages", page.text)
        self.assertIn("[![ccci](https://ci.example.org/ccci/badge/wiki.svg)](https://ci.example.org/ccci/recipes/wiki)", page.text)
        self.assertIn("Level 5 of 5", page.text)
        self.assertGreaterEqual(len(re.findall(r"build 10\d\d", page.text)), 40)

    def test_a_red_run(self):
        page = self.page("/runs/1120")
        for words in ("failed at upgrade", "lost its marker", "no such file: /data/index", "image app", "1118",
                      f"ccci-run run immich --ref {'2' * 40}", "!testme", "waiting", "teardown"):
            self.assertIn(words, page.text)

    def test_what_is_hostile_is_shown_harmlessly(self):
        for path in ("/", "/runs/1140", f"/recipes/{LONG.split('/')[1]}"):
            text, _ = self.get(path)
            page = self.page(path)
            for bad in ("<script", "<img src=x", "\u202e", "\u2066", "\x1b", "href=\"javascript"):
                self.assertNotIn(bad, text)
            self.assertIn("<script>alert(1)</script>", page.text, "it is shown, as text")

    def test_badges(self):
        for name, message in (("wiki", "level 5"), ("immich", "level 1"), ("gitea", "unknown")):
            badge = self.json(f"/badge/{name}.json")
            self.assertEqual((badge["schemaVersion"], badge["label"], badge["message"]), (1, name, message))
            text, head = self.get(f"/badge/{name}.svg")
            self.assertEqual(head["Content-Type"], "image/svg+xml")
            root = xml.etree.ElementTree.fromstring(text)
            self.assertEqual((root.get("height"), root.get("aria-label")), ("20", f"{name}: {message}"))
        for name in ("nobody", PRIVATE):
            text, _ = self.get(f"/badge/{name}.svg", 404)
            self.assertIn("unknown", text)

    def test_downloads(self):
        self.assertEqual(self.json("/runs/1120/results.json")["verdict"], "recipe_failed")
        root = xml.etree.ElementTree.fromstring(self.get("/runs/1120/junit.xml")[0])
        self.assertEqual(root.get("name"), "immich")
        status, body, head = self.ask("/runs/1120/picture")
        self.assertEqual((status, head["Content-Type"], body), (200, "image/png", picture()))
        self.assertIn(b'src="1120/picture"', self.ask("/runs/1120")[1])
        self.assertEqual(self.ask("/runs/1040/picture")[0], 404)

    def test_the_api_keeps_to_its_schema(self):
        with open(SCHEMA, encoding="utf-8") as file:
            schema = json.load(file)
        for path, name in (("/api/v1/recipes", "recipes"), ("/api/v1/runs", "runs"), ("/api/v1/queue", "queue"),
                           ("/api/v1/runs?before=1030", "runs"), ("/badge/wiki.json", "badge")):
            check_schema(self.json(path), schema["$defs"][name], schema)
        for path, status in (("/api/v1/runs/9", 404), ("/api/v1/nothing", 404), ("/api/v1/runs?before=x", 400)):
            check_schema(self.json(path, status), schema["$defs"]["error"], schema)

    def test_the_api_goes_through_all_runs_once(self):
        builds, path = [], "/api/v1/runs"
        while path:
            answer = self.json(path)
            builds += [run["build"] for run in answer["runs"]]
            path = f"/api/v1/runs?before={answer['next']}" if answer["next"] else None
        self.assertEqual(builds, sorted(set(builds), reverse=True))
        self.assertNotIn(1101, builds)

    def test_what_is_private_is_not_there(self):
        for path in (f"/recipes/{PRIVATE}", "/runs/1101", "/runs/1101/results.json", "/api/v1/runs/1101"):
            status, body, _ = self.ask(path)
            self.assertEqual(status, 404, path)
            self.assertNotIn(b"a secret", body)
        nobody = self.ask("/recipes/nobody")[1].replace(b"nobody", b"x")
        self.assertEqual(nobody, self.ask(f"/recipes/{PRIVATE}")[1].replace(PRIVATE.encode(), b"x"))


class PrivateShown(Case):
    settings = {"pages_private": "1"}

    def test_the_operator_wants_it(self):
        self.assertIn(PRIVATE, self.page("/").text)
        self.assertIn("a secret of the private one", self.page("/runs/1101").text)
        self.assertIn("PUBLIC_URL", self.page(f"/recipes/{PRIVATE}").text)


class Running(unittest.TestCase):
    """A run that goes on, from the comment to its end."""

    def setUp(self):
        self.world = StandinWorld()
        self.addCleanup(self.world.down)
        self.hold_dir = os.path.join(self.world.directory, "hold")
        os.mkdir(self.hold_dir)
        self.world.set_ci_yml(PIPELINE.format(hold=self.hold_dir))
        self.set_results(results())
        self.bridge = make_bridge(self.world, public_url="https://ci.example.org")
        self.addCleanup(lambda: check_end(self.bridge))
        self.bridge.start()

    set_results = BridgeCases.set_results.__func__
    hold, release, answers_to = BridgeCases.hold, BridgeCases.release, BridgeCases.answers_to
    answers, wait_answer, wait_verdict = BridgeCases.answers, BridgeCases.wait_answer, BridgeCases.wait_verdict

    def page(self, path):
        status, body, _ = exchange("GET", f"{self.bridge.url}{path}")
        return Page(body.decode()) if status == 200 else None

    def test_a_page_lives_while_something_runs(self):
        self.hold()
        number = self.world.open_pr(PUBLIC, "branch-1")
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        page = wait_for(lambda: (one := self.page("/")) and "hold" in one.text and one, 30, "a step that runs on the dashboard")
        self.assertEqual(page.refresh, "15")
        self.assertIn("running", page.text)
        queue = json.loads(exchange("GET", f"{self.bridge.url}/api/v1/queue")[1])["queue"]
        self.assertEqual([(run["state"], run["recipe"]) for run in queue], [("running", PUBLIC)])
        build = queue[0]["build"]
        self.assertEqual(self.page(f"/runs/{build}").refresh, "15")
        self.assertEqual(json.loads(exchange("GET", f"{self.bridge.url}/badge/{PUBLIC}.json")[1])["message"], "running")
        body = self.wait_answer(PUBLIC, number, comment, state="running")
        self.assertIn(f"[page](https://ci.example.org/runs/{build})", body)
        self.release()
        self.wait_verdict(PUBLIC, number, comment)
        page = wait_for(lambda: (one := self.page("/")) and "Nothing runs" in one.text and one, 30, "the end of it")
        self.assertIsNone(page.refresh)
        self.assertIsNone(self.page(f"/runs/{build}").refresh)
        self.assertEqual(json.loads(exchange("GET", f"{self.bridge.url}/badge/{PUBLIC}.json")[1])["message"], "level 4")

    def test_the_picture_behind_the_results_is_shown(self):
        shot = picture()
        told = json.dumps({"type": "image/png", "width": 640, "height": 400, "bytes": len(shot)})
        lines = ["--- end ccci results ---", "--- ccci picture ---", base64.b64encode(shot).decode(), "--- end ccci picture ---"]
        self.set_results(results().rstrip().removesuffix("}") + f',"picture":{told}}}\n' + "\n".join(lines) + "\n")
        number = self.world.open_pr(PUBLIC, "branch-1")
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_verdict(PUBLIC, number, comment)
        build = json.loads(exchange("GET", f"{self.bridge.url}/api/v1/runs")[1])["runs"][0]["build"]
        self.assertEqual(exchange("GET", f"{self.bridge.url}/runs/{build}/picture")[1], shot)
        self.assertIn("The app", self.page(f"/runs/{build}").text)

    def test_a_private_run_has_no_page_and_no_link(self):
        number = self.world.open_pr(PRIVATE, "branch-1")
        comment = self.world.comment(PRIVATE, number, "member", "!testme")
        self.assertNotIn("[page]", self.wait_verdict(PRIVATE, number, comment))
        self.assertNotIn(PRIVATE, self.page("/").text)


CONTRAST = r"""
(() => {
  const number = text => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => { const l = [r, g, b].map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * l[0] + .7152 * l[1] + .0722 * l[2]; };
  const ground = node => { for (; node; node = node.parentElement) { const c = number(getComputedStyle(node).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !node.checkVisibility()) continue;
    const a = light(number(getComputedStyle(node).color)), b = light(ground(node));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push([node.className, walk.currentNode.data.slice(0, 30), ratio]);
  }
  return bad;
})()"""


@unittest.skipUnless(find_browser(), "no Chromium here: nobody looks at the pages")
class Looks(Case):
    """Each page on a phone and on a desk, by day and by night. The pictures stay in build/*/pages."""
    settings = {"public_url": "https://ci.example.org"}

    def test_every_page_in_a_browser(self):
        shutil.rmtree(PICTURES, ignore_errors=True)
        os.makedirs(PICTURES)
        with Browser() as browser:
            for path in PAGES + ["/recipes/nobody", "/badge/wiki.svg"]:
                for width, height in ((390, 844), (1280, 800)):
                    for dark in (False, True):
                        self.look(browser, path, width, height, dark)

    def look(self, browser, path, width, height, dark):
        view = browser.open(f"{self.bridge.url}{path}", width, height, dark)
        where = f"{path} at {width}, {'dark' if dark else 'light'}"
        name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[:40] or "dashboard"
        view.picture(os.path.join(PICTURES, f"{name}-{width}-{'dark' if dark else 'light'}.png"))
        if not path.startswith("/recipes/nobody"):      # its status is told to the console
            self.assertEqual(view.messages, [], where)
        if not path.endswith(".svg"):
            self.assertEqual(view.evaluate(CONTRAST), [], f"{where}: contrast below AA")
            self.assertLessEqual(view.evaluate("document.documentElement.scrollWidth"), width, f"{where}: wider than the screen")
        view.close()


class Tools(Case):
    """What others than we say of it, where they are installed."""

    @unittest.skipUnless(shutil.which("tidy"), "tidy is not installed")
    def test_tidy_finds_nothing(self):
        for path in PAGES:
            done = subprocess.run(["tidy", "-q", "-e", "--drop-empty-elements", "no"], input=self.get(path)[0].encode(),
                                  capture_output=True, timeout=60, check=False)
            said = [line for line in done.stderr.decode().splitlines() if 'attribute "aria-' not in line]   # it is of 2017
            self.assertEqual(said, [], path)

    def test_promtool_accepts_the_metrics(self):
        promtool.check(self.get("/metrics")[0])


if __name__ == "__main__":
    unittest.main()
