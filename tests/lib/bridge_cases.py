# SPDX-License-Identifier: GPL-3.0-or-later
"""
What the bridge must do in any world: test bodies that run on the stand-ins (tests/flow) and on the real servers
(tests/lab). No recipe is deployed: the CI repository's pipeline prints a results document made for the occasion.

    class Here(BridgeCases, unittest.TestCase):
        make_world = staticmethod(StandinWorld)
"""
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse

from lib.world import ORG, PRIVATE, PUBLIC, exchange, make_bridge, start_bridge, wait_for
from standin.forge_state import BOT_SCOPES

HOOK_SECRET = "the-key-of-the-hook-in-tests"
NEW_SECRET = "the-next-key-of-the-hook-in-tests"
TRAILER = re.compile(r"^<!-- ccci (\{.*\}) -->\s*\Z", re.M)
ENDED = ("success", "failure", "error", "killed")

# The step named hold waits while {hold}/any exists. The report prints {hold}/results, or what is there for its build
# alone, with the run's own numbers in it.
PREPARE = 'env | grep -E "^(RECIPE|SRC|PR|REF|COMMENT|STAGES|EXTRA_TESTS|FROM|SUITE_REF)=" | sort'
HOLD = 'while [ -e "{hold}/any" ]; do sleep 0.05; done'
REPORT = """B=$DRONE_BUILD_NUMBER$CI_PIPELINE_NUMBER; f="{hold}/results"; [ ! -e "$f.$B" ] || f="$f.$B"; printf '%s\\n' '--- ccci results 1 ---'; sed -e "s/@RECIPE@/$RECIPE/; s,@SRC@,$SRC,; s/@PR@/$((PR + 0))/; s/@REF@/$REF/; s/@SUITE_REF@/$SUITE_REF/; s/@COMMENT@/$((COMMENT + 0))/; s/@BUILD@/$B/" "$f"; printf '%s\\n' '--- end ccci results ---'"""

STEPS = (("prepare", PREPARE), ("hold", HOLD), ("report", REPORT))


def pipelines(steps, head=""):
    """Of a CI server's name its pipeline file with these steps, (name, command), the last of which runs whatever came before;
    head: more of what stands before them. To be formatted with the directory {hold}."""
    listed = {server: "".join(f"  - name: {name}\n{image}    commands:\n      - {command}\n" for name, command in steps)
              for server, image in (("Drone", ""), ("Woodpecker", "    image: bash\n"))}
    return {"Drone": f"""\
kind: pipeline
type: exec
name: recipe

platform: {{{{os: linux, arch: amd64}}}}

trigger:
  event: [custom]

{head}clone: {{{{disable: true}}}}

steps:
{listed["Drone"]}    when: {{{{status: [success, failure]}}}}
""", "Woodpecker": f"""\
when:
  - event: manual

{head}skip_clone: true

steps:
{listed["Woodpecker"]}    when: [{{{{status: [success, failure]}}}}]
"""}


PIPELINES = pipelines(STEPS, "concurrency: {{limit: 1}}\n\n")
PIPELINE = PIPELINES["Drone"]


def stage(name="install", outcome="pass", reason="", evidence=""):
    return {"name": name, "outcome": outcome, "reason": reason, "seconds": 9.1, "phases": [], "tests": [],
            "evidence": evidence}


def results(verdict="passed", level=4, reason="", outcome="pass", stages=(), left=(), **run):
    """
    What a run prints that went so. stages: in place of one with that outcome; run: members of it that are not what
    the build was asked for.
    """
    document = {"schema": 1,
        "run": {"id": "41-9f2c1a", "build": "@BUILD@", "recipe": "@RECIPE@", "src": "@SRC@", "pr": "@PR@",
                "ref": "@REF@", "suite_ref": "@SUITE_REF@", "comment": "@COMMENT@", "domain": "cust-9f2c1a.ci.example.org", "host": "ci1",
                "started": "2026-11-22T03:10:00Z", "seconds": 31.4} | run,
        "verdict": verdict, "level": level, "reason": reason,
        "versions": {"head": "1.2.0+2.1.0", "base": "1.1.0+2.0.3", "base_why": "newest", "rejected": []},
        "deploys": 1, "stages": list(stages) or [stage("install", outcome, reason)],
        "teardown": {"outcome": "left" if left else "clean", "seconds": 3.2, "left": list(left)},
        "provenance": {"ccci": "0.1.0", "abra": "0.11.0", "suite": "sha256:0", "recipe_tests": "", "images": {}}}
    text = json.dumps(document, separators=(",", ":"))
    return re.sub(r'"(@(?:BUILD|PR|COMMENT)@)"', r"\1", text) + "\n"


def trailer(body):
    """The hidden last line of an answer as a dict."""
    found = TRAILER.search(body)
    return json.loads(found[1]) if found else {}


def check_end(bridge):
    """SIGTERM ends it with 0, and no sanitizer has said anything in any of its lives."""
    if bridge.process is None:
        return
    code = bridge.stop() if bridge.is_running() else 0
    log = bridge.stderr()
    assert code == 0, f"ended with {code}:\n{log[-3000:]}"
    assert "Sanitizer" not in log and "runtime error" not in log, log[-6000:]


class BridgeCases:
    """One world and one bridge for all tests of a class; each test has pull requests of its own."""

    make_world = None
    bridge_settings = {}
    hook_hears_within = 10
    branches = 0

    @classmethod
    def setUpClass(cls):
        cls.world = cls.make_world()
        cls.addClassCleanup(cls.world.down)
        cls.hold_dir = os.path.join(cls.world.directory, "hold")
        os.mkdir(cls.hold_dir)
        cls.world.set_ci_yml(PIPELINES[cls.world.ci_name].format(hold=cls.hold_dir))
        cls.set_results(results())
        cls.bridge = make_bridge(cls.world, webhook_secret=HOOK_SECRET, auto_test="outsider:auto-", with_tests_allow="member",
            **cls.bridge_settings)
        cls.addClassCleanup(cls.stop_bridge)
        cls.bridge.start()

    @classmethod
    def stop_bridge(cls):
        check_end(cls.bridge)

    @classmethod
    def set_results(cls, text, build=None):
        """Of every build, or of one."""
        name = f"results.{build}" if build else "results"
        with open(os.path.join(cls.hold_dir, name), "w", encoding="utf-8") as file:
            file.write(text)

    def setUp(self):
        self.addCleanup(self.release)
        self.addCleanup(self.set_results, results())
        if not self.bridge.is_running():
            self.bridge.start()

    def hold(self):
        with open(os.path.join(self.hold_dir, "any"), "w", encoding="utf-8"):
            pass

    def release(self):
        if os.path.exists(os.path.join(self.hold_dir, "any")):
            os.remove(os.path.join(self.hold_dir, "any"))

    # ---- what tests do and see

    def open_pr(self, repo=PUBLIC, user="member"):
        """A pull request whose push is in its timeline, so that a comment comes after it."""
        type(self).branches += 1
        number = self.world.open_pr(repo, f"branch-{os.getpid()}-{self.branches}", user=user)
        wait_for(lambda: self.world.pushes(repo, number), 10, "push event of the new pull request")
        return number

    def builds_of(self, comment):
        return [build for build in self.world.builds() if build.get("params", {}).get("COMMENT") == str(comment)]

    def answers(self, repo, number):
        return [row["body"] for row in self.world.bot_comments(repo, number)]

    def answers_to(self, repo, number, comment):
        return [body for body in self.answers(repo, number) if trailer(body).get("comment") == comment]

    def wait_answer(self, repo, number, comment, seconds=20, **wanted):
        """The one comment to this trigger once its hidden line has these members."""
        def look():
            bodies = self.answers_to(repo, number, comment)
            self.assertLessEqual(len(bodies), 1, "more than one comment for one trigger")
            line = trailer(bodies[0]) if bodies else {}
            return bodies and all(line.get(key) == value for key, value in wanted.items()) and bodies[0]
        try:
            return wait_for(look, seconds, f"answer to {comment} with {wanted}")
        except AssertionError as error:
            raise AssertionError(f"{error}\nanswers: {self.answers(repo, number)}\n{self.bridge.stderr()[-3000:]}") from None

    def wait_verdict(self, repo, number, comment, verdict="passed", seconds=40):
        return self.wait_answer(repo, number, comment, seconds, verdict=verdict)

    def check_nothing_follows(self, repo, number, is_answer_allowed=False):
        """
        A command by a member, written after what must not start anything, is heard and done: then whatever was to
        be heard before it has been heard too.
        """
        before = len(self.world.builds())
        said = len(self.answers(repo, number))
        other = self.open_pr(repo)
        witness = self.world.comment(repo, other, "member", "!testme")
        self.wait_verdict(repo, other, witness)
        self.assertEqual(len(self.world.builds()), before + 1, "something else was started")
        if not is_answer_allowed:
            self.assertEqual(len(self.answers(repo, number)), said, "something was answered")

    # ---- whose command it is

    def test_a_deleted_users_command_is_nobodys(self):
        """Written while the bridge was down by somebody who was gone when it came back."""
        number = self.open_pr()
        self.world.new_person("gone")
        self.bridge.stop()
        comment = self.world.comment(PUBLIC, number, "gone", "!testme")
        self.world.delete_person("gone")
        self.bridge.start()
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual((self.builds_of(comment), self.answers(PUBLIC, number)), ([], []))

    def test_a_migrated_command_is_nobodys(self):
        """Of somebody whom the server does not know it shows as the command of whoever ran the migration."""
        self.world.new_recipe("elsewhere")
        number = self.open_pr("elsewhere")
        self.world.new_person("stranger")
        self.world.comment("elsewhere", number, "stranger", "!testme")
        self.world.delete_person("stranger")
        bridge = start_bridge(self.world, poll_repos=f"{ORG}/moved-in")
        self.addCleanup(check_end, bridge)
        time.sleep(1.1)              # the forge's times are whole seconds
        self.world.migrate("elsewhere", "moved-in")
        row = self.world.comments("moved-in", number)[0]
        self.assertEqual((row["user"]["login"], row["body"], row["original_author"]), ("lab-admin", "!testme", ""))
        wait_for(lambda: "moved-in: first poll" in bridge.stderr(), 20, "first poll")
        other = self.open_pr("moved-in")
        witness = self.world.comment("moved-in", other, "member", "!testme")
        wait_for(lambda: self.builds_of(witness), 20, "build of a command of today")
        self.wait_answer("moved-in", other, witness)
        self.assertNotIn(f"heard lab-admin in {ORG}/moved-in", bridge.stderr())
        self.assertEqual((self.builds_of(row["id"]), self.answers("moved-in", number)), ([], []))

    # ---- what became of a repository

    def heard_of(self, words, seconds=20):
        wait_for(lambda: words in self.bridge.stderr(), seconds, f"\"{words}\" in the log")

    def health(self):
        status, body, _ = exchange("GET", f"{self.bridge.url}/healthz")
        return status, body.decode()

    def run_check(self):
        done = subprocess.run([self.bridge.program, "--config", self.bridge.config, "--check"], env=self.bridge.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_a_repository_renamed_and_renamed_back(self):
        """What was asked before is answered under the new name; what is asked meanwhile when the old one is back."""
        new = "renamed-html"
        number = self.open_pr()
        self.hold()
        before = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, before, state="running")
        self.world.rename_repo(PUBLIC, new)
        try:
            meanwhile = self.world.comment(new, number, "member", "!testme")
            words = f"{ORG}/{PUBLIC} is {ORG}/{new} now"
            wait_for(lambda: words in self.health()[1], 20, "line about it in /healthz")
            self.assertEqual(self.health()[0], 200)
            code, text = self.run_check()
            self.assertEqual(code, 2)
            self.assertIn(words, text)
            self.release()
            self.wait_verdict(new, number, before)
            self.assertEqual((self.builds_of(meanwhile), self.answers_to(new, number, meanwhile)), ([], []))
            self.assertEqual(self.bridge.stderr().count(words), 1)
        finally:
            self.world.rename_repo(new, PUBLIC)
        self.wait_verdict(PUBLIC, number, meanwhile)
        self.assertNotIn(words, self.health()[1])
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual([len(self.builds_of(comment)) for comment in (before, meanwhile)], [1, 1])
        self.assertEqual(len(self.answers(PUBLIC, number)), 2)

    def test_an_archived_repository(self):
        self.bridge.stop()
        self.world.archive_repo(PRIVATE)
        try:
            self.bridge.start()
            words = f"{ORG}/{PRIVATE} is archived"
            self.assertIn(words, self.health()[1])
            code, text = self.run_check()
            self.assertEqual(code, 2)
            self.assertIn(words, text)
        finally:
            self.world.archive_repo(PRIVATE, False)
        self.heard_of(f"{ORG}/{PRIVATE} is there again")
        self.assertEqual(self.health(), (200, "ok\n"))
        self.check_member(PRIVATE)

    # ---- a verdict

    def check_member(self, repo):
        number = self.open_pr(repo)
        comment = self.world.comment(repo, number, "member", "!testme")
        body = self.wait_verdict(repo, number, comment)
        builds = self.builds_of(comment)
        self.assertEqual(len(builds), 1)
        self.assertEqual(builds[0]["params"], {"RECIPE": repo, "SRC": self.world.full(repo), "PR": str(number),
            "REF": self.world.head(repo, number), "COMMENT": str(comment)})
        self.assertTrue(body.startswith("**ccci: passed** · custom-html" if repo == PUBLIC else "**ccci: passed**"), body)
        self.assertIn(f"[#{builds[0]['number']}]", body)
        self.assertEqual(trailer(body), {"comment": comment, "build": builds[0]["number"],
            "ref": self.world.head(repo, number), "verdict": "passed", "level": 4})
        self.assertEqual(len(self.answers(repo, number)), 1)
        self.assertIn(("bot", "eyes"), self.world.reactions(repo, comment))

    def test_member_gets_a_verdict_on_the_public_repository(self):
        self.check_member(PUBLIC)

    def test_member_gets_a_verdict_on_the_private_repository(self):
        self.check_member(PRIVATE)

    def test_parameters_are_those_of_the_command(self):
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "please\n\n!testme --extra --stages=install,upgrade --from=1.0.0 --keep=1h\n")
        body = self.wait_verdict(PUBLIC, number, comment)
        self.assertEqual({key: self.builds_of(comment)[0]["params"].get(key) for key in ("STAGES", "EXTRA_TESTS", "FROM", "KEEP")},
            {"STAGES": "install,upgrade", "EXTRA_TESTS": "1", "FROM": "1.0.0", "KEEP": "60"})
        self.assertIn("--stages=install,upgrade", body)

    # ---- suites that are not in force

    CI = "cc-ci"

    def run_in_api(self, number):
        runs = json.loads(exchange("GET", f"{self.bridge.url}/api/v1/runs")[1])["runs"]
        return next(row for row in runs if row["build"] == number)

    def test_suites_of_a_pull_request_judge_a_trial(self):
        suites, number = self.open_pr(self.CI), self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", f"!testme --with-tests={suites}")
        body = self.wait_verdict(PUBLIC, number, comment)
        head, build = self.world.head(self.CI, suites), self.builds_of(comment)[0]
        self.assertEqual((build["params"]["SUITE_REF"], build["params"]["REF"]), (head, self.world.head(PUBLIC, number)))
        self.assertIn(f"\n\nA trial: judged by the suites of `{self.world.ci_repo}#{suites}` at `{head[:8]}`, not by those in force on `main`.", body)
        self.assertTrue(self.run_in_api(build["number"])["trial"])
        plain = self.world.comment(PUBLIC, number, "member", "!testme")
        self.assertNotIn("trial", self.wait_verdict(PUBLIC, number, plain))
        build = self.builds_of(plain)[0]
        self.assertNotIn("SUITE_REF", build["params"])
        self.assertFalse(self.run_in_api(build["number"])["trial"])

    def test_who_may_not_choose_the_suites(self):
        suites, number = self.open_pr(self.CI), self.open_pr()
        comment = self.world.comment(PUBLIC, number, "lab-admin", f"!testme --with-tests={suites}")
        self.assertIn("Only people whom the operator of ccci has listed", self.wait_answer(PUBLIC, number, comment, verdict="not_run"))
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual(self.builds_of(comment), [])

    def test_suites_that_are_none(self):
        closed, pushed, number = self.open_pr(self.CI), self.open_pr(self.CI), self.open_pr()
        self.world.close_pr(self.CI, closed)
        self.bridge.stop()
        comments = [(self.world.comment(PUBLIC, number, "member", f"!testme --with-tests={suites}"), words) for suites, words in (
            (closed, "that --with-tests names is closed"), (99999, "has no pull request of that number"),
            (pushed, "that --with-tests names after this comment"))]
        self.world.push(self.CI, pushed)
        self.bridge.start()
        for comment, words in comments:
            self.assertIn(words, self.wait_answer(PUBLIC, number, comment, verdict="not_run"))
            self.assertEqual(self.builds_of(comment), [])

    def test_a_report_by_the_suites_in_force_is_no_verdict_of_a_trial(self):
        """As of a ccci-run that does not know them yet."""
        suites, number = self.open_pr(self.CI), self.open_pr()
        self.set_results(results(suite_ref=""))
        comment = self.world.comment(PUBLIC, number, "member", f"!testme --with-tests={suites}")
        self.assertIn("names no commit of the suites", self.wait_verdict(PUBLIC, number, comment, "ci_error"))

    def test_one_comment_is_edited_while_the_build_goes_on(self):
        number = self.open_pr()
        self.hold()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        body = wait_for(lambda: [text for text in self.answers_to(PUBLIC, number, comment) if "| hold | ⏳ running | under 1 min |" in text],
            20, "running step in the comment")[0]
        self.assertTrue(body.startswith("**ccci: running hold**"), body)
        self.assertIn("| prepare | ✅ done |", body)
        first = self.world.bot_comments(PUBLIC, number)[0]["id"]
        self.release()
        self.wait_verdict(PUBLIC, number, comment)
        self.assertEqual([row["id"] for row in self.world.bot_comments(PUBLIC, number)], [first])

    def test_a_red_recipe(self):
        self.set_results(results("recipe_failed", 0, "the app answers 502 @everyone", "fail"))
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        body = self.wait_verdict(PUBLIC, number, comment, "recipe_failed")
        self.assertTrue(body.startswith("**ccci: failed at install**"), body)
        self.assertIn("the app answers 502", body)
        self.assertNotIn("@everyone", body)

    def test_an_error_of_ours_is_tried_again_once(self):
        """And said, with the build it was; the second one's word stands, whatever it is."""
        for second, words in ((results(), "passed"), (results("ci_error", 0, "no room", "error"), "CI error at install")):
            with self.subTest(second=words):
                number = self.open_pr()
                comment, build = self.start_run(number)
                self.set_results(results("ci_error", 0, "the engine is away", "error"), build)
                self.set_results(second)
                self.release()
                body = self.wait_verdict(PUBLIC, number, comment, "passed" if words == "passed" else "ci_error")
                self.assertTrue(body.startswith(f"**ccci: {words}**"), body)
                self.assertRegex(body, rf"\nBuild \[#{build}\]\(\S+\) was a CI error and was tried again, once: the engine is away\n")
                self.assertEqual(sorted(made["number"] for made in self.builds_of(comment)), [build, trailer(body)["build"]])

    # ---- a build that no comment asked for

    def wait_by_hand(self, number, build):
        def look():
            bodies = [body for body in self.answers(PUBLIC, number) if trailer(body).get("by_hand") == build]
            self.assertLessEqual(len(bodies), 1, "more than one comment for one build")
            return bodies and trailer(bodies[0]).get("verdict") and bodies[0]
        return wait_for(look, 40, f"answer to build {build}")

    def check_page(self, build):
        """What no comment asked for is a run as any: it has a page, and counts for its recipe."""
        status, body, _ = exchange("GET", f"{self.bridge.url}/runs/{build}")
        self.assertEqual(status, 200, body)

    def test_builds_started_by_hand(self):
        """With parameters typed by somebody, and once more with those of a comment's build; each is answered once."""
        self.heard_of("first look at the builds")
        number = self.open_pr()
        foreign = self.world.create_build(RECIPE="nosuch", PR=str(number))
        build = self.world.create_build(RECIPE=PUBLIC, SRC=self.world.full(PUBLIC), PR=str(number))
        body = self.wait_by_hand(number, build)
        self.assertTrue(body.startswith("**ccci: passed** · custom-html"), body)
        self.assertRegex(body, r"\nStarted on the page of the CI server by \S+, not by a comment\.\n")
        self.assertEqual(trailer(body), {"by_hand": build, "build": build, "verdict": "passed", "level": 4})
        self.check_page(build)

        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_verdict(PUBLIC, number, comment)
        asked = self.builds_of(comment)[0]
        again = self.world.create_build(**asked["params"])
        self.assertIn("Started on the page", self.wait_by_hand(number, again))
        wait_for(lambda: sum("a newer run" in body for body in self.answers(PUBLIC, number)) == 2, 20, "two shrunk answers")
        self.assertEqual([trailer(body)["build"] for body in self.answers(PUBLIC, number)],
            [build, asked["number"], again])
        self.assertNotIn(f"build {foreign} was started by hand", self.bridge.stderr())

    # ---- a head that nobody asks for

    def test_each_head_is_tested_once_without_a_comment(self):
        """Of a user that AUTO_TEST names, on a branch that it names: opened, pushed, and not when somebody talks."""
        type(self).branches += 1
        number = self.world.open_pr(PUBLIC, f"auto-{os.getpid()}-{self.branches}", user="outsider")
        refs = [self.world.head(PUBLIC, number)]

        def answers():
            return [line["ref"] for line in map(trailer, self.answers(PUBLIC, number)) if line.get("auto") and line.get("verdict") == "passed"]
        wait_for(lambda: answers() == refs, 40, "answer to the first head")
        body = self.answers(PUBLIC, number)[0]
        self.assertIn("\n\nTested without a comment, like each head of a pull request of outsider.\n", body)
        self.check_page(trailer(body)["build"])
        refs.append(self.world.push(PUBLIC, number))
        wait_for(lambda: answers() == refs, 40, "answer to the second head")
        wait_for(lambda: "a newer run" in self.answers(PUBLIC, number)[0], 20, "shrunk answer")
        self.world.comment(PUBLIC, number, "member", "looks good")
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual(answers(), refs)

    def test_a_report_of_something_else_is_no_verdict(self):
        number = self.open_pr()
        for other, words in (({"ref": "f" * 40}, "about commit `" + "f" * 40 + "`"), ({"pr": number + 1}, "about pull request"),
                             ({"recipe": "other"}, "about recipe `other` and not about `custom-html`")):
            with self.subTest(other=other):
                self.set_results(results("recipe_failed", 0, "the app answers 502", "fail", **other))
                comment = self.world.comment(PUBLIC, number, "member", "!testme")
                body = self.wait_verdict(PUBLIC, number, comment, "ci_error")
                self.assertIn(words, body)
                self.assertNotIn("the app answers", body)

    # ---- who and what starts nothing

    def test_outsider_is_refused_in_one_sentence(self):
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "outsider", "!testme")
        body = self.wait_answer(PUBLIC, number, comment, verdict="not_run")
        self.assertRegex(body.splitlines()[0], r"^\*\*ccci: not run\*\* · Only members [^.]*\.$")
        self.assertEqual(self.builds_of(comment), [])
        self.check_nothing_follows(PUBLIC, number)

    def test_outsiders_pull_request_is_tested_for_a_member(self):
        number = self.open_pr(user="outsider")
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_verdict(PUBLIC, number, comment)

    def test_quotes_code_and_talk_start_nothing(self):
        number = self.open_pr()
        for text in ("> !testme", "```\n!testme\n```", "    !testme", "`!testme`", "try !testme", "!testmenow",
                     "<!--\n!testme\n-->", "nothing at all"):
            self.world.comment(PUBLIC, number, "member", text)
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual(self.answers(PUBLIC, number), [])

    def test_the_bots_own_comment_starts_nothing(self):
        number = self.open_pr()
        self.world.comment(PUBLIC, number, "bot", "!testme")
        self.check_nothing_follows(PUBLIC, number)

    def test_an_issue_is_no_pull_request(self):
        number = self.world.open_issue(PUBLIC)
        self.world.comment(PUBLIC, number, "member", "!testme")
        self.check_nothing_follows(PUBLIC, number)

    def test_a_closed_pull_request_is_answered_not_run(self):
        number = self.open_pr()
        self.world.close_pr(PUBLIC, number)
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.assertIn("closed", self.wait_answer(PUBLIC, number, comment, verdict="not_run"))
        self.assertEqual(self.builds_of(comment), [])

    def test_an_edited_comment_starts_nothing(self):
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "first words")
        time.sleep(1.1)  # the forge tells edits by whole seconds
        self.world.edit_comment(PUBLIC, comment, "member", "!testme")
        self.check_nothing_follows(PUBLIC, number, is_answer_allowed=True)
        self.assertEqual(self.builds_of(comment), [])
        self.assertLessEqual(len(self.answers(PUBLIC, number)), 1)

    def test_a_command_edited_after_it_ran_does_not_run_again(self):
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_verdict(PUBLIC, number, comment)
        self.world.edit_comment(PUBLIC, comment, "member", "!testme --extra")
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual(len(self.builds_of(comment)), 1)

    def test_a_mistyped_command_gets_one_sentence(self):
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme --stages=instal")
        body = self.wait_answer(PUBLIC, number, comment, verdict="not_run")
        self.assertIn("instal", body.splitlines()[0])
        self.assertEqual(self.builds_of(comment), [])

    # ---- the head

    def test_a_push_after_the_comment_is_refused(self):
        number = self.open_pr()
        self.bridge.stop()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        before = len(self.world.pushes(PUBLIC, number))
        self.world.push(PUBLIC, number)
        wait_for(lambda: len(self.world.pushes(PUBLIC, number)) > before, 10, "event of the push")
        self.bridge.start()
        body = self.wait_answer(PUBLIC, number, comment, verdict="not_run")
        self.assertIn("pushed after", body)
        self.assertEqual(self.builds_of(comment), [])

    def test_a_push_whose_event_is_still_to_come_is_refused(self):
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.world.push(PUBLIC, number)
        body = self.wait_answer(PUBLIC, number, comment)
        line = trailer(body)
        # Heard before the push: then the old head is tested. Heard after: refused, never the new head.
        if line.get("verdict") != "not_run":
            self.assertNotEqual(self.builds_of(comment)[0]["params"]["REF"], self.world.head(PUBLIC, number))
        else:
            self.assertEqual(self.builds_of(comment), [])

    def test_a_head_that_is_behind(self):
        number = self.open_pr()
        for index in range(2):
            self.world.put_files(PUBLIC, {f"later-{index}": "x\n"})
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.assertIn("\n\nThe head is 2 commits behind `main`: ", self.wait_verdict(PUBLIC, number, comment))

    # ---- the queue

    def test_two_comments_at_once_queue_and_both_get_verdicts(self):
        one, two = self.open_pr(), self.open_pr()
        self.hold()
        first = self.world.comment(PUBLIC, one, "member", "!testme")
        self.wait_answer(PUBLIC, one, first, state="running")
        second = self.world.comment(PUBLIC, two, "member", "!testme")
        self.wait_answer(PUBLIC, two, second, state="queued")
        ahead = self.builds_of(first)[0]["number"]
        # Its first text may be from before the bridge has seen the queue.
        body = wait_for(lambda: next((body for body in self.answers_to(PUBLIC, two, second)
            if f"**ccci: queued** behind build [#{ahead}]" in body), None), 20, "answer that says behind what")
        self.assertIn(f"(`custom-html #{one}`, under 1 min in", body)
        three = self.open_pr(PRIVATE)
        third = self.world.comment(PRIVATE, three, "lab-admin", "!testme")
        said = re.compile(rf"\*\*ccci: queued\*\* behind build \[#{ahead}\]\(\S+\) \(`custom-html #{one}`, .*\) and 1 more")
        wait_for(lambda: [body for body in self.answers_to(PRIVATE, three, third) if said.match(body)], 20,
            "answer that counts all repositories")
        self.release()
        self.wait_verdict(PUBLIC, one, first)
        self.wait_verdict(PUBLIC, two, second)
        self.wait_verdict(PRIVATE, three, third)
        self.assertEqual((len(self.builds_of(first)), len(self.builds_of(second))), (1, 1))

    def test_a_private_repository_is_named_to_nobody_else(self):
        one, two, three = self.open_pr(PRIVATE), self.open_pr(), self.open_pr(PRIVATE)
        self.hold()
        first = self.world.comment(PRIVATE, one, "member", "!testme")
        self.wait_answer(PRIVATE, one, first, state="running")
        ahead = self.builds_of(first)[0]["number"]
        second = self.world.comment(PUBLIC, two, "member", "!testme")
        self.says(PUBLIC, two, second, f"**ccci: queued** behind build [#{ahead}](")
        third = self.world.comment(PRIVATE, three, "lab-admin", "!testme")
        self.says(PRIVATE, three, third, f" (`{PRIVATE} #{one}`, ")
        self.assertFalse([body for body in self.answers(PUBLIC, two) if PRIVATE in body])
        self.release()
        for repo, number, comment in ((PRIVATE, one, first), (PUBLIC, two, second), (PRIVATE, three, third)):
            self.wait_verdict(repo, number, comment)

    def says(self, repo, number, comment, words, seconds=20):
        wait_for(lambda: [body for body in self.answers_to(repo, number, comment) if words in body], seconds, words)

    def test_who_asks_for_many_leaves_room_for_others(self):
        """Two runs of one person are in the CI server, the third is held back; it is found after a crash, and runs last."""
        numbers = [self.open_pr(PUBLIC if i < 2 else PRIVATE) for i in range(5)]
        self.hold()
        first = self.world.comment(PUBLIC, numbers[0], "member", "!testme")
        self.wait_answer(PUBLIC, numbers[0], first, state="running")
        second = self.world.comment(PUBLIC, numbers[1], "member", "!testme")
        self.wait_answer(PUBLIC, numbers[1], second, state="queued")
        third = self.world.comment(PRIVATE, numbers[2], "member", "!testme")
        fourth = self.world.comment(PRIVATE, numbers[3], "member", "!testme")
        self.says(PRIVATE, numbers[2], third, "**ccci: queued** behind 2 of your own runs · private-notes at ")
        self.says(PRIVATE, numbers[3], fourth, "**ccci: queued** behind 3 of your own runs")
        self.assertIn(("bot", "eyes"), self.world.reactions(PRIVATE, third))
        other = self.world.comment(PRIVATE, numbers[4], "lab-admin", "!testme")
        self.wait_answer(PRIVATE, numbers[4], other, state="queued")
        self.says(PRIVATE, numbers[2], third, "**ccci: queued** behind 2 of your own runs, as others wait · ")

        # What is held back can be cancelled: there is no build to end.
        self.world.comment(PRIVATE, numbers[3], "member", "!testme cancel")
        self.wait_verdict(PRIVATE, numbers[3], fourth, "cancelled")
        self.bridge.kill()
        self.bridge.start()
        self.assertEqual((self.builds_of(third), self.builds_of(fourth)), ([], []))
        self.release()
        for repo, number, comment in ((PUBLIC, numbers[0], first), (PUBLIC, numbers[1], second), (PRIVATE, numbers[4], other),
                (PRIVATE, numbers[2], third)):
            self.wait_verdict(repo, number, comment)
        self.assertEqual([len(self.builds_of(comment)) for comment in (first, second, other, third, fourth)], [1, 1, 1, 1, 0])
        self.assertLess(self.builds_of(other)[0]["number"], self.builds_of(third)[0]["number"])

    def test_an_older_answer_shrinks_when_a_newer_run_starts(self):
        number = self.open_pr()
        older = self.world.comment(PUBLIC, number, "member", "!testme")
        long = self.wait_verdict(PUBLIC, number, older)
        newer = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_verdict(PUBLIC, number, newer)
        short = wait_for(lambda: [body for body in self.answers_to(PUBLIC, number, older) if body != long], 10,
            "shrunk answer")[0]
        self.assertIn("a newer run", short)
        self.assertEqual(trailer(short), trailer(long))
        self.assertLess(len(short.splitlines()), 5)

    # ---- the hook

    def hook_once(self, path, body, headers):
        return exchange("POST", self.bridge.url + path, body=body, headers=headers, timeout=10)[0]

    def test_hook_and_poll_make_one_build(self):
        number = self.open_pr()
        self.world.add_hook(PUBLIC, self.bridge.hook_url, HOOK_SECRET)
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_verdict(PUBLIC, number, comment)
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual(len(self.builds_of(comment)), 1)

    def test_unsigned_and_forged_deliveries_start_nothing(self):
        number = self.open_pr()
        body = json.dumps({"action": "created", "is_pull": True, "comment": {"id": 10 ** 6, "body": "!testme",
            "user": {"login": "member"}}, "issue": {"number": number}, "repository": {"full_name": self.world.full(PUBLIC)}})
        head = {"Content-Type": "application/json", "X-Gitea-Event": "issue_comment",
                "X-Gitea-Event-Type": "pull_request_comment"}
        self.assertEqual(self.hook_once("/hook", body.encode(), head), 401)
        for signature in ("0" * 64, "zz", "", "0" * 10000):
            self.assertIn(self.hook_once("/hook", body.encode(), {**head, "X-Gitea-Signature": signature}),
                (400, 401, 403, 413, 431))
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual(self.answers(PUBLIC, number), [])

    # ---- the bridge's own webhook

    def hooks_of(self, repo):
        return self.world.forge_must("lab-admin", "GET", f"/repos/{self.world.full(repo)}/hooks?limit=50")

    def registering_bridge(self, repo, **settings):
        """One that knows where it will listen, and hears of that repository by deliveries alone."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.world.new_recipe(repo)
        return make_bridge(self.world, **{"poll_repos": self.world.full(repo), "poll_interval": "60s",
            "listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}/", "webhook_autoregister": "1",
            "webhook_secret": HOOK_SECRET, **settings})

    def wait_webhook(self, bridge, repo):
        """Starts the bridge; its one webhook, once it finds nothing more to do."""
        bridge.start()
        wait_for(lambda: "its webhook is right" in bridge.stderr()[bridge.born_at:], 20, "webhook that is right")
        hooks = [hook for hook in self.hooks_of(repo) if hook["config"]["url"] == bridge.hook_url]
        self.assertEqual([(hook["type"], hook["active"], hook["events"], hook["config"]["content_type"]) for hook in hooks],
            [("gitea", True, ["pull_request_comment"], "json")])
        return hooks[0]

    def check_delivered(self, repo, bot="lab-admin"):
        number = self.open_pr(repo)
        comment = self.world.comment(repo, number, "member", "!testme help")
        wait_for(lambda: self.answers_by(bot, repo, number, comment), self.hook_hears_within, "delivery")

    def answers_by(self, login, repo, number, comment):
        return [row for row in self.world.comments(repo, number, login) if trailer(row["body"]).get("comment") == comment]

    def test_the_bridge_keeps_its_own_webhook(self):
        repo = "hooked"
        token = self.world.new_token("lab-admin", (*BOT_SCOPES, "write:repository"))
        bridge = self.registering_bridge(repo, gitea_token=token)
        self.addCleanup(check_end, bridge)
        theirs = self.world.add_hook(repo, "http://127.0.0.1:9/theirs", "x" * 20)
        first = self.wait_webhook(bridge, repo)
        self.check_delivered(repo)
        bridge.stop()

        # Nothing to do: nothing is written.
        self.assertEqual(first["id"], self.wait_webhook(bridge, repo)["id"])
        self.assertEqual(len(re.findall("webhook .* is (made|set right|one too many)", bridge.stderr())), 1)
        bridge.stop()

        # Somebody made another one.
        path = f"/repos/{self.world.full(repo)}/hooks"
        self.world.add_hook(repo, bridge.hook_url, HOOK_SECRET)
        self.assertEqual(first["id"], self.wait_webhook(bridge, repo)["id"])

        # A new key, while it runs; then without the old one.
        bridge.change_settings(webhook_secret=f"{NEW_SECRET},{HOOK_SECRET}")
        os.kill(bridge.pid, signal.SIGHUP)
        wait_for(lambda: first["id"] not in [hook["id"] for hook in self.hooks_of(repo)], 20, "webhook with the new key")
        bridge.stop()
        bridge.change_settings(webhook_secret=NEW_SECRET)
        second = self.wait_webhook(bridge, repo)
        self.check_delivered(repo)
        self.assertEqual(bridge.stderr().count("is made"), 2)
        bridge.stop()

        # Somebody changed it.
        self.world.forge_must("lab-admin", "PATCH", f"{path}/{second['id']}", {"active": False, "events": ["issue_comment"]})
        self.assertEqual(self.wait_webhook(bridge, repo)["id"], second["id"])
        self.check_delivered(repo)
        bridge.stop()

        # It was deleted there.
        self.world.forge_must("lab-admin", "DELETE", f"{path}/{second['id']}")
        self.assertNotEqual(self.wait_webhook(bridge, repo)["id"], second["id"])
        self.check_delivered(repo)
        self.assertIn(theirs, [hook["id"] for hook in self.hooks_of(repo)])
        self.assertEqual(len(self.hooks_of(repo)), 2)
        for secret in (HOOK_SECRET, NEW_SECRET, token):
            self.assertNotIn(secret, bridge.stderr())

    def test_what_it_made_goes_when_it_is_not_wanted(self):
        """Its own webhook alone: of a repository that is not enrolled any more, and when the setting is switched off."""
        first, second = "hooked-first", "hooked-then"
        self.world.new_recipe(second)
        token = self.world.new_token("lab-admin", (*BOT_SCOPES, "write:repository"))
        bridge = self.registering_bridge(first, gitea_token=token)
        self.addCleanup(check_end, bridge)
        made = self.wait_webhook(bridge, first)["id"]
        bridge.change_settings(poll_repos=self.world.full(second))
        os.kill(bridge.pid, signal.SIGHUP)
        gone = " is wanted no more and is removed\n"
        wait_for(lambda: f"{self.world.full(first)}: webhook {made}{gone}" in bridge.stderr(), 20, "end of the first webhook")
        self.assertEqual(self.hooks_of(first), [])
        made = wait_for(lambda: self.hooks_of(second), 20, "webhook of the second")[0]["id"]
        wait_for(lambda: f"{self.world.full(second)}: its webhook is right" in bridge.stderr(), 20, "webhook that is right")
        bridge.stop()

        others = [self.world.add_hook(second, url, HOOK_SECRET) for url in ("http://127.0.0.1:9/theirs", bridge.hook_url)]
        bridge.change_settings(webhook_autoregister=None)
        bridge.start()
        wait_for(lambda: f"{self.world.full(second)}: webhook {made}{gone}" in bridge.stderr(), 20, "end of the second webhook")
        self.assertEqual([hook["id"] for hook in self.hooks_of(second)], others)
        self.check_delivered(second)
        bridge.stop()

        # Where it may no more, that is said once.
        bridge.change_settings(webhook_autoregister="1")
        made = self.wait_webhook(bridge, second)["id"]
        bridge.stop()
        bridge.change_settings(webhook_autoregister=None, gitea_token=self.world.tokens["bot"])
        said = f"{self.world.full(second)} may still have the webhook {made} that we made, to {bridge.hook_url}: "
        bridge.start()
        wait_for(lambda: said in bridge.stderr(), 20, "line that says so")
        bridge.stop()
        bridge.start()
        self.check_delivered(second, "bot")
        self.assertEqual(bridge.stderr().count(said), 1)

    def test_where_the_token_may_have_no_webhook_it_is_polled(self):
        bridge = self.registering_bridge("unhooked", poll_interval="1s")
        self.addCleanup(check_end, bridge)
        bridge.start()
        line = "unhooked has no webhook of ours, it is only polled"
        wait_for(lambda: line in exchange("GET", f"{bridge.url}/healthz")[1].decode(), 20, "line that says so")
        self.assertEqual(exchange("GET", f"{bridge.url}/healthz")[0], 200)
        number = self.open_pr("unhooked")
        comment = self.world.comment("unhooked", number, "member", "!testme help")
        wait_for(lambda: self.answers_by("bot", "unhooked", number, comment), 20, "answer")
        self.assertEqual(bridge.stderr().count(line), 1)
        self.assertEqual(self.hooks_of("unhooked"), [])

    # ---- the commit status

    def statuses(self, repo, sha):
        """Oldest first."""
        rows = self.world.forge_must("lab-admin", "GET",
            f"/repos/{self.world.full(repo)}/commits/{sha}/statuses?sort=leastindex&limit=50")
        return [(row["status"], row["description"], row["target_url"]) for row in rows if row["context"] == "ccci"][::-1]

    def stating_bridge(self, repo, **settings):
        """One that hears that repository alone."""
        self.world.new_recipe(repo)
        bridge = make_bridge(self.world, **{"poll_repos": self.world.full(repo), "commit_status": "1", **settings})
        self.addCleanup(check_end, bridge)
        bridge.start()
        return bridge

    def wait_over(self, repo, number, comment, verdict):
        wait_for(lambda: [row for row in self.answers_by("lab-admin", repo, number, comment)
            if trailer(row["body"]).get("verdict") == verdict], 40, f"verdict {verdict}")

    def test_the_commit_status_is_that_of_the_newest_run(self):
        repo, token = "stated", self.world.new_token("lab-admin", (*BOT_SCOPES, "write:repository"))
        bridge = self.stating_bridge(repo, gitea_token=token)
        number = self.open_pr(repo)
        sha = self.world.head(repo, number)
        self.hold()
        first = self.world.comment(repo, number, "member", "!testme")
        wait_for(lambda: self.statuses(repo, sha)[-1][:2] == ("pending", "running"), 20, "status of the run")
        page = self.statuses(repo, sha)[-1][2]
        self.assertTrue(page.endswith(f"/{self.builds_of(first)[0]['number']}"), page)
        self.release()
        self.wait_over(repo, number, first, "passed")
        wait_for(lambda: self.statuses(repo, sha)[-1] == ("success", "passed, level 4", page), 20, "green status")
        green = self.statuses(repo, sha)
        self.assertEqual(len(set(green)), len(green), "nothing is set twice")

        # A newer run of the same commit: what the older one comes to is not set any more.
        self.hold()
        second = self.world.comment(repo, number, "member", "!testme")
        wait_for(lambda: self.statuses(repo, sha)[-1][:2] == ("pending", "running"), 20, "status of the second run")
        third = self.world.comment(repo, number, "member", "!testme")
        self.wait_over(repo, number, second, "superseded")
        self.set_results(results("recipe_failed", 1, "it lost data", "fail"))
        bridge.kill()
        bridge.start()
        self.release()
        self.wait_over(repo, number, third, "recipe_failed")
        wait_for(lambda: self.statuses(repo, sha)[-1][:2] == ("failure", "failed at install: it lost data"), 20, "red status")
        said = [text for _, text, _ in self.statuses(repo, sha)]
        self.assertFalse([text for text in said if "superseded" in text], said)
        self.assertEqual(said.count("passed, level 4"), 1)
        self.assertNotIn(token, bridge.stderr())

    def test_where_the_token_may_set_no_status_the_answer_comes(self):
        bridge = self.stating_bridge("unstated")
        for _ in range(2):
            number = self.open_pr("unstated")
            comment = self.world.comment("unstated", number, "member", "!testme")
            self.wait_verdict("unstated", number, comment)
            wait_for(lambda: f"job={comment} judged -> answered" in bridge.stderr(), 20, "end of the job")
            self.assertEqual(self.statuses("unstated", self.world.head("unstated", number)), [])
        self.assertEqual(bridge.stderr().count("no commit status in"), 1)

    # ---- downtime

    def test_a_comment_written_during_downtime_runs_once(self):
        number = self.open_pr()
        self.bridge.stop()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        time.sleep(1.2)
        self.bridge.start()
        self.wait_verdict(PUBLIC, number, comment)
        self.bridge.kill()
        self.bridge.start()
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual(len(self.builds_of(comment)), 1)

    def test_killed_in_mid_run_the_verdict_arrives(self):
        number = self.open_pr()
        self.hold()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, comment, state="running")
        self.bridge.kill()
        self.release()
        self.world.wait_build(self.builds_of(comment)[0]["number"])
        self.bridge.start()
        self.wait_verdict(PUBLIC, number, comment)
        self.assertEqual(len(self.builds_of(comment)), 1)

    def test_a_build_cancelled_in_its_server(self):
        number = self.open_pr()
        self.hold()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, comment, state="running")
        self.world.cancel(self.builds_of(comment)[0]["number"])
        body = self.wait_verdict(PUBLIC, number, comment, "cancelled")
        self.assertIn(f"cancelled in {self.world.ci_name}", body)

    # ---- cancel, status, a newer command

    def start_run(self, number, state="running"):
        """A run that does not end by itself: its comment and its build."""
        self.hold()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, comment, state=state)
        return comment, self.builds_of(comment)[0]["number"]

    def test_cancel_by_comment(self):
        number, other = self.open_pr(), self.open_pr()
        comment, build = self.start_run(number)
        waiting, behind = self.start_run(other, "queued")
        outsider = self.world.comment(PUBLIC, number, "outsider", "!testme cancel")
        body = self.wait_answer(PUBLIC, number, outsider, verdict="not_run")
        self.assertTrue(body.startswith("**ccci: cancel** · Only members"), body)
        self.assertEqual(self.world.build(build)["status"], "running")

        cancel = self.world.comment(PUBLIC, other, "member", "!testme cancel")
        body = self.wait_verdict(PUBLIC, other, waiting, "cancelled")
        self.assertTrue(body.startswith("**ccci: cancelled**"), body)
        self.assertIn("Cancelled by member.", body)
        self.assertEqual(self.world.build(behind)["status"], "killed")
        self.assertEqual(self.answers_to(PUBLIC, other, cancel), [], "it was answered by what it ended")
        self.assertEqual(self.world.build(build)["status"], "running", "another pull request's")

        self.world.comment(PUBLIC, number, "member", "!testme cancel")
        self.wait_verdict(PUBLIC, number, comment, "cancelled", seconds=60)
        self.assertEqual(self.world.build(build)["status"], "killed")
        nothing = self.world.comment(PUBLIC, number, "member", "!testme cancel")
        body = self.wait_answer(PUBLIC, number, nothing, verdict="not_run")
        self.assertIn("**ccci: cancel** · Nothing that was asked for in this pull request is running.", body)

    def test_status_by_comment(self):
        number = self.open_pr()
        ask = self.world.comment(PUBLIC, number, "member", "!testme status")
        body = self.wait_answer(PUBLIC, number, ask, verdict="not_run")
        self.assertTrue(body.startswith("**ccci: status** · Nothing was run in this pull request yet."), body)
        comment, build = self.start_run(number)
        ask = self.world.comment(PUBLIC, number, "member", "!testme status")
        self.assertIn(f"Build {build} has been running for ", self.wait_answer(PUBLIC, number, ask, verdict="not_run"))
        self.release()
        self.wait_verdict(PUBLIC, number, comment)
        other = self.world.comment(PUBLIC, number, "member", "!testme status")
        self.assertRegex(self.wait_answer(PUBLIC, number, other, verdict="not_run"),
            f"The last run, build {build}, ended .* ago: passed, level 4")

    def test_a_newer_command_supersedes(self):
        number = self.open_pr()
        older, build = self.start_run(number)
        newer = self.world.comment(PUBLIC, number, "member", "!testme")
        body = self.wait_verdict(PUBLIC, number, older, "superseded", seconds=60)
        self.assertTrue(body.startswith("**ccci: superseded**"), body)
        self.assertEqual(self.world.build(build)["status"], "killed")
        self.release()
        self.wait_verdict(PUBLIC, number, newer)
        self.assertEqual((len(self.builds_of(older)), len(self.builds_of(newer))), (1, 1))

    def test_a_newer_command_supersedes_one_that_is_held_back(self):
        self.hold()
        for _ in range(2):
            number = self.open_pr()
            self.wait_answer(PUBLIC, number, self.world.comment(PUBLIC, number, "member", "!testme"))
        number = self.open_pr(PRIVATE)
        older = self.world.comment(PRIVATE, number, "member", "!testme")
        self.says(PRIVATE, number, older, "of your own runs")
        newer = self.world.comment(PRIVATE, number, "lab-admin", "!testme")
        self.wait_verdict(PRIVATE, number, older, "superseded")
        self.release()
        self.wait_verdict(PRIVATE, number, newer)
        self.assertEqual((len(self.builds_of(older)), len(self.builds_of(newer))), (0, 1))

    def test_zz_no_secret_is_in_the_log(self):
        log = self.bridge.stderr()
        for secret in (self.world.tokens["bot"], *self.world.ci_secrets(), HOOK_SECRET):
            self.assertNotIn(secret, log)
            self.assertNotIn(urllib.parse.quote(secret, safe=""), log)
