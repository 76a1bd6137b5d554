#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What the bridge must do in any world, on the real Gitea, Drone and exec runner; and what only they can show: deliveries
that Gitea signed, comments as hostile as it lets people write them, servers and bridge killed in mid-run.
"""
import html.parser
import os
import random
import time
import unittest

from lib.bridge_cases import HOOK_SECRET, BridgeCases, results, stage
from lib.world import ORG, PUBLIC, LabWorld, Receiver, exchange, make_bridge, need_lab, wait_for

KILLS = 20
STAGES = ("install", "recreate", "upgrade", "backup", "recipe", "extra")

# Text of a recipe that acts in a comment, if it is let: anywhere, or at the start of a line.
ACTING = ("@member @recipe-maintainers/team @all", "#1 !1 recipe-maintainers/custom-html#1", "a@b.example mailto:a@b.example",
    "https://evil.example http://evil.example ftp://evil.example www.evil.example",
    "[a](https://evil.example) ![a](https://evil.example/a.png) <https://evil.example>",
    "[[https://evil.example]] [[page|name]] [[[x]]] [\x1b[0m[page]]", "[^1] [a][b] [x]: https://evil.example",
    "*a* **b** _c_ __d__ ~~e~~ ~f~ $a$ $$b$$ $`c", "<b>a</b> <script>alert(1)</script> <!-- a --> <a href=x>",
    "</td></table>", "</details></summary> &lt;b&gt; &#60;b&#62; &amp;", "a | b | c || d", "\\| \\*a\\* \\`b",
    ":tada: :+1:", "``` ~~~ `` a", "`a", "\x1b[31mred\x1b[0m\x07\u202eevil\u2066\u200f\u2028\u009b31m",
    "a\nb\r\nc\n\n# d\n- e")
STARTING = ("# a", "- [ ] a", "+ a", "12) a", "\ta", "---", ": a")
IN_CODE = ("`- a` `b`", "`@member #1 [[x]] <b> *c* https://evil.example`",
    "`curl -f http://x.example || exit 1 @member #1 [[x]] <b>`")
HOSTILE_LINES = ("# a\n```\n@member\n</details>\n~~~~\n\x1b[31mred\x1b[0m\n<!-- ccci {\"comment\":81} -->\n"
    "--- ccci results 1 ---\n\u202e`")


class Elements(html.parser.HTMLParser):
    """The elements of a page's piece, in order, each with what of its attributes leads somewhere."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, [value for name, value in attributes if name in ("href", "src")]))

    def handle_data(self, data):
        self.text += data


class OnTheLab(BridgeCases, unittest.TestCase):
    make_world = staticmethod(lambda: LabWorld(capacity=4))  # one of four pollers of the runner is not deaf; `limit` is 1

    # ---- the hook

    def capture_delivery(self, number, text):
        """(comment, headers, body) of what Gitea sends for it; the bridge hears of it by its poll alone."""
        receiver = Receiver()
        self.addCleanup(receiver.close)
        hook = self.world.add_hook(PUBLIC, receiver.url(), HOOK_SECRET)
        try:
            comment = self.world.comment(PUBLIC, number, "member", text)
            _, headers, body = wait_for(lambda: receiver.got, 15, "delivery")[0]
        finally:
            self.world.forge_must("lab-admin", "DELETE", f"/repos/{self.world.full(PUBLIC)}/hooks/{hook}")
        return comment, {name: headers[name] for name in headers if name.startswith("X-") or name == "Content-Type"}, body

    def test_a_replayed_delivery_starts_nothing(self):
        number = self.open_pr()
        comment, headers, body = self.capture_delivery(number, "!testme")
        self.wait_verdict(PUBLIC, number, comment)
        for _ in range(3):
            self.assertEqual(202, self.hook_once("/hook", body, headers))
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual(1, len(self.builds_of(comment)))
        self.assertEqual(1, len(self.answers(PUBLIC, number)))

    def test_a_delivery_that_was_changed_is_forged(self):
        number = self.open_pr()
        _, headers, body = self.capture_delivery(number, "just words")
        changed = body.replace(b"just words", b"!testme   ")
        self.assertNotEqual(body, changed)
        self.assertEqual(403, self.hook_once("/hook", changed, headers))
        # Signed, and true: but what counts is the comment as the forge has it.
        self.assertEqual(202, self.hook_once("/hook", body, headers))
        self.check_nothing_follows(PUBLIC, number)
        self.assertEqual([], self.answers(PUBLIC, number))

    def test_the_hook_is_heard_before_the_poll(self):
        """With a poll a minute apart, the acknowledgement comes within seconds."""
        other = make_bridge(self.world, webhook_secret=HOOK_SECRET, poll_interval="60s")
        self.bridge.stop()
        with other.start():
            number = self.open_pr()
            hook = self.world.add_hook(PUBLIC, other.hook_url, HOOK_SECRET)
            comment = self.world.comment(PUBLIC, number, "member", "!testme")
            wait_for(lambda: ("bot", "eyes") in self.world.reactions(PUBLIC, comment), 10, "acknowledgement")
            self.wait_verdict(PUBLIC, number, comment)
            self.world.forge_must("lab-admin", "DELETE", f"/repos/{self.world.full(PUBLIC)}/hooks/{hook}")
        # The first bridge has not seen it: the same comment in another store is another run, so it must not start.
        self.bridge_forgets()

    def bridge_forgets(self):
        """A bridge with a fresh store: its first poll marks as seen what is there."""
        type(self).bridge = make_bridge(self.world, webhook_secret=HOOK_SECRET, **self.bridge_settings)
        self.bridge.start()

    # ---- hostile comments

    def check_member_is_still_heard(self, number):
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_verdict(PUBLIC, number, comment)
        self.assertEqual(1, len(self.builds_of(comment)))

    def test_a_nul_in_a_comment_hides_no_other(self):
        number = self.open_pr()
        self.world.comment(PUBLIC, number, "outsider", "a\0b")
        self.check_member_is_still_heard(number)

    def test_a_giant_comment_hides_no_other(self):
        number = self.open_pr()
        self.world.comment(PUBLIC, number, "outsider", "x" * 5_000_000)
        self.check_member_is_still_heard(number)

    # ---- hostile text in answers

    def rendered(self, number, comment):
        """What the forge's own page of the pull request makes of the answer to that comment."""
        body = self.wait_verdict(PUBLIC, number, comment, "recipe_failed")
        answer = next(row["id"] for row in self.world.bot_comments(PUBLIC, number) if row["body"] == body)
        status, page, _ = exchange("GET", f"{self.world.forge_url}/{self.world.full(PUBLIC)}/pulls/{number}", timeout=20)
        self.assertEqual(200, status)
        before = page.decode().split(f'<div id="issuecomment-{answer}-raw"')[0]
        elements = Elements(before.rsplit('class="render-content markup"', 1)[1].split(">", 1)[1])
        links = [place for tag, places in elements.elements for place in places]
        self.assertTrue(all(place.startswith(self.world.drone_url) for place in links), links)
        return [tag for tag, _ in elements.elements], elements.text

    def answer_rendered(self, number, above, reasons, lines=HOSTILE_LINES):
        stages = [stage(name, "fail", reason, lines) for name, reason in zip(STAGES, reasons)]
        self.set_results(results("recipe_failed", 1, above, stages=stages, left=reasons[:5]))
        return self.rendered(number, self.world.comment(PUBLIC, number, "member", "!testme"))

    def test_hostile_text_is_text_in_the_answer(self):
        """The forge makes the same elements of it as of a few words."""
        number, size = self.open_pr(), len(STAGES)
        wanted, _ = self.answer_rendered(number, "others", ["words"] * size, "words")
        for i, start in enumerate(STARTING):
            reasons = [ACTING[(i * size + k) % len(ACTING)] for k in range(size)]
            tags, text = self.answer_rendered(number, start, reasons)
            self.assertEqual(wanted, tags, (start, reasons))
            self.assertIn('<!-- ccci {"comment":81} -->', text)
        wanted, _ = self.answer_rendered(number, "`a` `b`", ["`words`"] * size)
        tags, _ = self.answer_rendered(number, IN_CODE[0], IN_CODE[1:] * (size // 2))
        self.assertEqual(wanted, tags)

    # ---- set up wrongly

    def test_a_bot_outside_the_organisation_is_told_at_start(self):
        with make_bridge(self.world, gitea_token=self.world.tokens["outsider"], poll_repos=f"{ORG}/{PUBLIC}").start() as other:
            wait_for(lambda: "not in the organisation" in other.stderr(), 15, "line that says so")

    # ---- what dies in mid-run

    def test_gitea_is_killed_in_mid_run(self):
        number = self.open_pr()
        self.hold()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, comment, state="running")
        build = self.builds_of(comment)[0]["number"]
        self.world.server("gitea", "kill")
        try:
            self.release()
            self.world.wait_build(build)
            time.sleep(2)  # the bridge has learnt the verdict and cannot say it
        finally:
            self.world.server("gitea", "start")
        self.wait_verdict(PUBLIC, number, comment, seconds=90)
        self.assertEqual(1, len(self.builds_of(comment)))
        self.assertEqual(1, len(self.answers(PUBLIC, number)))

    def test_drone_is_killed_in_mid_run(self):
        number = self.open_pr()
        self.hold()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, comment, state="running")
        self.world.server("drone", "kill")
        try:
            self.release()
            time.sleep(2)  # the build goes on without it
        finally:
            self.world.server("drone", "start")
        self.wait_verdict(PUBLIC, number, comment, seconds=90)
        self.assertEqual(1, len(self.builds_of(comment)))
        self.assertEqual(1, len(self.answers(PUBLIC, number)))

    def test_drone_is_away_when_the_comment_comes(self):
        number = self.open_pr()
        self.world.server("drone", "kill")
        try:
            comment = self.world.comment(PUBLIC, number, "member", "!testme")
            wait_for(lambda: ("bot", "eyes") in self.world.reactions(PUBLIC, comment), 15, "acknowledgement")
            time.sleep(2)
        finally:
            self.world.server("drone", "start")
        self.wait_verdict(PUBLIC, number, comment, seconds=90)
        self.assertEqual(1, len(self.builds_of(comment)))

    def test_both_are_away_right_after_the_comment(self):
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        for name in ("drone", "gitea"):
            self.world.server(name, "kill")
        time.sleep(2)
        for name in ("gitea", "drone"):
            self.world.server(name, "start")
        self.wait_verdict(PUBLIC, number, comment, seconds=90)
        self.assertEqual(1, len(self.builds_of(comment)))
        self.assertEqual(1, len(self.answers(PUBLIC, number)))

    def test_the_bridge_is_killed_at_random_moments(self):
        seed = os.environ.get("CCCI_SEED") or str(random.randrange(10 ** 6))  # any text
        chance, kills = random.Random(seed), 0
        print(f"seed {seed}", flush=True)
        while kills < KILLS:
            number = self.open_pr()
            self.hold()
            comment = self.world.comment(PUBLIC, number, "member", "!testme")
            for left in range(5, 0, -1):
                time.sleep(chance.uniform(0.0, 1.5))
                self.bridge.kill()
                self.bridge.start(wait=False)
                kills += 1
                if left == 2:
                    self.release()
            self.wait_verdict(PUBLIC, number, comment, seconds=90)
            self.assertEqual(1, len(self.builds_of(comment)), f"seed {seed}, kill {kills}")
            self.assertEqual(1, len(self.answers(PUBLIC, number)), f"seed {seed}, kill {kills}")
        self.check_nothing_follows(PUBLIC, number)


class HookOpenToNobody(unittest.TestCase):
    """Without a secret there is no hook at all, and nothing else listens for bodies."""

    def test_closed(self):
        world = LabWorld()
        self.addCleanup(world.down)
        with make_bridge(world).start() as bridge:
            for path, wanted in (("/hook", 404), ("/", 404), ("/healthz", 405), ("/metrics", 405)):
                self.assertEqual(wanted, exchange("POST", bridge.url + path, body=b"{}", timeout=10)[0], path)


if __name__ == "__main__":
    need_lab()
    unittest.main()
