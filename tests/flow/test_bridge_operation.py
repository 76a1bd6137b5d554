#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge as its operator runs it: what systemd is told, its socket over restarts, settings read anew."""
import os
import re
import signal
import socket
import threading
import time
import unittest

from lib import patience, promtool
from lib.bridge_cases import HOOK_SECRET, check_end, results
from lib.manager import Manager
from lib.standin_case import Case
from lib.world import ORG, PRIVATE, PUBLIC, exchange, make_bridge, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SEARCH = "/issues/search"


class Told(Case):
    def manager(self, **options):
        manager = Manager(self.bridge, **options)
        self.addCleanup(manager.__exit__)
        return manager

    def test_ready_after_the_first_poll(self):
        manager = self.manager()
        fault = self.world.forge.fault("slow", "GET", SEARCH, seconds=1.5)
        self.bridge.start(wait=False)
        self.assertTrue(fault.met.wait(10))
        wait_for(manager.status, 10, "a status")
        self.assertNotIn("1", manager.values("READY"))
        manager.wait("READY=1")
        manager.wait_status("polling 2 repositories")
        self.hold()
        number, comment = self.ask()
        self.wait_answer(PUBLIC, number, comment, state="running")
        manager.wait_status("polling 2 repositories, 1 run going on")
        self.release()
        self.wait_verdict(PUBLIC, number, comment)
        self.bridge.stop()
        self.assertEqual(manager.values("READY"), ["1"])
        self.assertEqual(manager.values("STOPPING"), ["1"])

    def test_ready_though_the_forge_is_down(self):
        """A unit that waits for a forge would be killed for it, again and again."""
        manager = self.manager()
        self.world.forge.refuse()
        self.bridge.start(wait=False)
        manager.wait("READY=1")
        said = manager.wait_status("the forge unreachable since ", 20)
        self.assertRegex(said, r"^first poll of 2 repositories; the forge unreachable since \d\d:\d\d UTC$")
        self.world.forge.accept()
        wait_for(lambda: manager.status() == "polling 2 repositories", 40, "status of one that polls")

    def test_not_ready_without_a_store(self):
        manager = self.manager()
        with open(os.path.join(self.bridge.settings["state_dir"], "bridge.db"), "w", encoding="utf-8") as file:
            file.write("this is no database, and never was\n" * 100)
        self.bridge.start(wait=False)
        self.assertEqual(self.bridge.process.wait(10), 1)
        self.assertEqual(manager.values("READY"), [])

    def test_the_watchdog_is_told_by_the_loop(self):
        manager = self.manager(watchdog_s=0.5)
        self.bridge.start()
        manager.wait("WATCHDOG=1", count=4)
        os.kill(self.bridge.pid, signal.SIGSTOP)
        time.sleep(0.3)
        count = len(manager.values("WATCHDOG"))
        time.sleep(1)
        self.assertEqual(len(manager.values("WATCHDOG")), count)
        os.kill(self.bridge.pid, signal.SIGCONT)
        manager.wait("WATCHDOG=1", count=count + 2)

    def test_lines_of_the_journal(self):
        """Each with its priority, and with the fields of the job that it is about."""
        with open(self.bridge.stderr_path, "ab") as file:
            status = os.fstat(file.fileno())
        self.bridge.environment["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
        self.bridge.start()
        number, comment = self.ask()
        self.check_one(number, comment)
        build = self.builds_of(comment)[0]["number"]
        self.logged("judged -> answered")
        for line in self.bridge.stderr().splitlines():
            self.assertRegex(line, r"^(<3>error|<4>warning|<6>info|<7>debug): ")
        fields = f"<6>info: repo={ORG}/{PUBLIC} pr={number}"
        for what in (f" job={comment} heard member", f" job={comment} heard -> asked", f" build={build} job={comment} queued -> running",
                     f" build={build} job={comment} judged -> answered"):
            self.assertIn(fields + what, self.bridge.stderr())
        # Redirected: people read it.
        self.bridge.stop()
        self.bridge.environment["JOURNAL_STREAM"] = "1:2"
        self.bridge.start()
        self.assertIn("\ninfo: ccci-bridge ", self.bridge.stderr()[self.bridge.born_at - 1:])

    def test_a_socket_of_systemd_that_is_none(self):
        self.bridge.environment["NOTIFY_SOCKET"] = "somewhere"
        self.bridge.start(wait=False)
        self.assertEqual(self.bridge.process.wait(10), 2)
        self.assertIn("NOTIFY_SOCKET \"somewhere\"", self.bridge.stderr())


class Socket(Case):
    def manager(self, **options):
        manager = Manager(self.bridge)
        self.addCleanup(manager.__exit__)
        manager.listen(**options)
        return manager

    def test_no_connection_is_lost_over_restarts(self):
        self.manager()
        self.bridge.start()
        self.assertIn("listens on the socket that systemd passed", self.bridge.stderr())
        stop, answers, lost = threading.Event(), [], []

        def ask():
            while not stop.is_set():
                try:
                    with socket.create_connection(("127.0.0.1", self.bridge.port), timeout=20) as connection:
                        time.sleep(0.05)     # so there is always one that was accepted and has asked nothing yet
                        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                        answers.append(connection.recv(4096))
                except OSError as error:
                    lost.append(error)

        threads = [threading.Thread(target=ask) for _ in range(24)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            before = len(answers)
            self.bridge.stop()
            self.bridge.start()
            wait_for(lambda: len(answers) > before + 50, 20, "answers of the next one")
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual((lost, answers.count(b"")), ([], 0))

    def test_a_delivery_on_its_way_is_taken_before_the_end(self):
        """The head and half of the body are there when it is told to stop."""
        self.manager()
        self.bridge.start()
        body = b'{"action":"created"}'
        with socket.create_connection(("127.0.0.1", self.bridge.port), timeout=10) as connection:
            connection.sendall(b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"X-Gitea-Event: issue_comment\r\nX-Gitea-Signature: " + b"0" * 64 +
                f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:5])
            time.sleep(0.2)
            os.kill(self.bridge.pid, signal.SIGTERM)
            time.sleep(0.2)
            connection.sendall(body[5:])
            self.assertIn(b"403", connection.recv(4096).split(b"\r\n")[0])
        self.assertEqual(self.bridge.process.wait(5), 0)

    def test_somebody_who_only_holds_on_does_not_keep_it(self):
        self.manager()
        self.bridge.start()
        with socket.create_connection(("127.0.0.1", self.bridge.port), timeout=10) as connection:
            connection.sendall(b"POST /hook HTTP/1.1\r\n")
            time.sleep(0.2)
            since = time.monotonic()
            self.bridge.stop()
            self.assertLess(time.monotonic() - since, patience.seconds(2))

    def refused(self, words):
        self.bridge.start(wait=False)
        self.assertEqual(self.bridge.process.wait(10), 2, self.bridge.stderr())
        self.assertIn(words, self.bridge.stderr())

    def test_two_sockets(self):
        self.manager(count=2)
        self.refused("systemd passes 2 sockets (hook:hook), one is wanted")

    def test_another_kind_of_socket(self):
        self.manager(kind=socket.SOCK_DGRAM)
        self.refused("systemd passes \"hook\", which is not a TCP socket that listens")

    def test_a_socket_and_no_listener(self):
        self.bridge = make_bridge(self.world, listen="none")
        self.manager()
        self.refused("LISTEN is none, yet systemd passes a socket")


class Reload(Case):
    def reload(self, wait="read the settings anew", **values):
        """As an operator does: writes the file, sends SIGHUP."""
        self.bridge.settings.update(values)
        self.bridge.rewrite()
        said = self.bridge.stderr().count(wait)
        os.kill(self.bridge.pid, signal.SIGHUP)
        wait_for(lambda: self.bridge.stderr().count(wait) > said, 10, f"\"{wait}\" in the log")

    def said(self):
        """Of the last reload."""
        return self.bridge.stderr().rsplit("read the settings anew; new: ", 1)[1].split("\n")[0]

    def test_repositories_come_and_go(self):
        """What is there in a new one is seen; a run in one that goes is answered; nothing is heard twice."""
        self.world.new_recipe("newcomer")
        self.bridge = make_bridge(self.world, poll_repos=f"{ORG}/{PUBLIC}")
        self.bridge.start()
        self.hold()
        number, comment = self.ask()
        old_number, old = self.ask(repo="newcomer")
        self.wait_answer(PUBLIC, number, comment, state="running")
        self.reload(poll_repos=f"{ORG}/newcomer")
        self.assertEqual(self.said(), "POLL_REPOS")
        self.logged(f"{ORG}/newcomer: first poll")
        gone_number, gone = self.ask()
        new_number, new = self.ask(repo="newcomer")
        self.wait_answer("newcomer", new_number, new)
        self.release()
        self.wait_verdict(PUBLIC, number, comment)
        self.wait_verdict("newcomer", new_number, new)
        self.assertEqual((self.builds_of(gone), self.answers(PUBLIC, gone_number)), ([], []))
        self.assertEqual((self.builds_of(old), self.answers("newcomer", old_number)), ([], []))
        # Back again, it is read on from where it was: what was written meanwhile is handled, once, as after a downtime.
        self.reload(poll_repos=f"{ORG}/newcomer,{ORG}/{PUBLIC}")
        self.check_one(gone_number, gone)
        self.reload(poll_repos=f"{ORG}/{PUBLIC}")
        last_number, last = self.ask()
        self.check_one(last_number, last)
        self.assertEqual([len(self.builds_of(each)) for each in (comment, gone, new, last)], [1, 1, 1, 1])

    def test_a_wildcard_comes_and_goes(self):
        self.world.put_suite("newcomer")
        self.world.new_recipe("newcomer")
        self.bridge = make_bridge(self.world, poll_repos=f"{ORG}/{PUBLIC}")
        self.bridge.start()
        self.reload(poll_repos=f"{ORG}/*")
        self.logged(f"{ORG}/newcomer: first poll")
        number, comment = self.ask(repo="newcomer")
        self.wait_verdict("newcomer", number, comment)
        self.reload(poll_repos=f"{ORG}/{PUBLIC}")
        self.logged(f"{ORG}/newcomer is not enrolled any more")
        number, comment = self.ask()
        self.check_one(number, comment)

    def test_a_bad_file_changes_nothing_and_says_every_mistake(self):
        self.bridge.start()
        manager_words = "nothing of them is taken"
        right = dict(self.bridge.settings)
        self.reload(manager_words, poll_repos="", poll_interval="2y", log_level="warning", colour="red")
        said = self.bridge.stderr()
        for word in ("poll_repos", "poll_interval", "colour"):
            self.assertRegex(said, rf"error: \S*bridge.yml:\d+:\d+: .*{word}")
        number, comment = self.ask()
        self.check_one(number, comment)      # still heard, and at level debug
        self.assertIn(f"job={comment} ", self.bridge.stderr())
        self.bridge.settings = right
        self.reload()
        self.assertEqual(self.said(), "nothing")

    def test_what_reloads_and_what_does_not(self):
        self.bridge.start()
        outsider = self.open_pr()
        self.reload(auth_allowlist="outsider", pages_private="1", max_comment_age="2h", poll_interval="2s",
            webhook_secret=f"another-key-of-the-hook,{HOOK_SECRET}", trigger="!please", state_dir="/elsewhere")
        self.assertEqual(self.said(),
            "POLL_INTERVAL, AUTH_ALLOWLIST, MAX_COMMENT_AGE, PAGES_PRIVATE, WEBHOOK_SECRET")
        self.logged("TRIGGER, LISTEN, STATE_DIR: what changed there needs a restart")
        # LISTEN: the file has the port that it was given.
        self.assertNotIn("another-key", self.bridge.stderr())
        comment = self.world.comment(PUBLIC, outsider, "outsider", "!testme")
        self.check_one(outsider, comment)
        number, comment = self.ask(repo=PRIVATE)
        self.wait_verdict(PRIVATE, number, comment)
        self.assertIn(PRIVATE, exchange("GET", f"{self.bridge.url}/")[1].decode())
        self.reload(pages_private="0")
        self.assertNotIn(PRIVATE, exchange("GET", f"{self.bridge.url}/")[1].decode())
        self.world.add_hook(PUBLIC, self.bridge.hook_url, "another-key-of-the-hook")
        delivered = len(self.world.forge.deliveries_done())
        self.ask()
        wait_for(lambda: len(self.world.forge.deliveries_done()) > delivered, 10, "delivery")
        self.assertEqual([row.status for row in self.world.forge.deliveries_done()[delivered:]], [202])
        self.reload(log_level="error")
        before = self.bridge.stderr()
        self.ask()
        time.sleep(3)
        self.assertEqual(re.findall("(info|debug): ", self.bridge.stderr()[len(before):]), [])

    def test_nothing_is_lost_or_twice_while_it_reloads(self):
        self.bridge.start()
        stop = threading.Event()

        def hang_up():
            while not stop.wait(0.07):
                os.kill(self.bridge.pid, signal.SIGHUP)

        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            asked = [self.ask() for _ in range(6)]
            for number, comment in asked:
                self.check_one(number, comment, seconds=90)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(len(self.world.builds()), len(asked))

    def test_systemd_is_told(self):
        with Manager(self.bridge) as manager:
            self.bridge.start()
            manager.wait("READY=1")
            self.reload()
            manager.wait("READY=1", count=2)
            fields = next(fields for _, fields in manager.told if "RELOADING" in fields)
            self.assertLess(abs(int(fields["MONOTONIC_USEC"]) / 1e6 - time.monotonic()), 30)
            self.reload("nothing of them is taken", poll_interval="never")
            manager.wait_status("the new settings have mistakes, the old ones hold")
            manager.wait("READY=1", count=3)
            self.reload(poll_interval="1s")
            wait_for(lambda: "mistakes" not in manager.status(), 10, "status without mistakes")
            check_end(self.bridge)


class Metrics(Case):
    def value(self, row):
        return next((float(line.rsplit(" ", 1)[1]) for line in self.metrics().split("\n") if line.startswith(row + " ")), None)

    def wait_value(self, row, value):
        wait_for(lambda: self.value(row) == value, 15, f"{row} {value}")

    def test_what_is_counted(self):
        self.bridge.start()
        self.assertAlmostEqual(self.value("ccci_poll_last_success_timestamp_seconds"), time.time(), delta=5)
        self.assertEqual(self.value("ccci_repositories_enrolled"), 2)
        self.hold()
        number, comment = self.ask()
        self.wait_answer(PUBLIC, number, comment, state="running")
        second, waiting = self.ask()
        self.wait_answer(PUBLIC, second, waiting, state="queued")
        self.wait_value('ccci_jobs{state="running"}', 1)
        self.wait_value('ccci_jobs{state="queued"}', 1)
        wait_for(lambda: 0 < self.value("ccci_jobs_oldest_waiting_seconds") < 30, 10, "age of the one that waits")
        self.ask(user="outsider")
        self.wait_value("ccci_commands_refused_total", 1)
        self.set_results(results("ci_error", 0, "the engine is away", "error"))
        self.release()
        self.wait_verdict(PUBLIC, number, comment, "ci_error")
        self.wait_verdict(PUBLIC, second, waiting, "ci_error")
        self.wait_value('ccci_verdicts_total{verdict="ci_error"}', 2)
        self.assertEqual(self.value('ccci_verdicts_total{verdict="passed"}'), 0)
        self.assertEqual(self.value("ccci_second_tries_total"), 2)
        self.assertEqual(self.value("ccci_commands_heard_total"), 3)
        self.assertEqual(self.value("ccci_jobs_oldest_waiting_seconds"), 0)
        good = self.value('ccci_peer_requests_total{peer="forge",answer="2xx"}')
        self.assertGreater(good, 10)
        self.world.forge.fault("status", "GET", SEARCH, status=502, body=b"", times=1)
        self.wait_value('ccci_peer_requests_total{peer="forge",answer="5xx"}', 1)
        self.assertEqual(self.value('ccci_peer_up{peer="forge"}'), 1)
        self.world.forge.refuse()
        self.wait_value('ccci_peer_up{peer="forge"}', 0)
        self.assertGreater(self.value('ccci_peer_requests_total{peer="forge",answer="none"}'), 1)
        self.world.forge.accept()
        self.wait_value('ccci_peer_up{peer="forge"}', 1)
        self.assertGreater(self.value("ccci_loop_lag_seconds_count"), 3)
        self.assertEqual(self.value("ccci_store_size_bytes"),
            os.path.getsize(os.path.join(self.bridge.settings["state_dir"], "bridge.db")))

    def test_the_document_has_each(self):
        self.bridge.start()
        with open(os.path.join(ROOT, "docs", "metrics.md"), encoding="utf-8") as file:
            documented = dict(re.findall(r"^\| `([a-z_]+)(?:\{[a-z,]+\})?` \| (\w+) \|", file.read(), re.M))
        self.assertEqual(dict(re.findall(r"^# TYPE (\S+) (\S+)$", self.metrics(), re.M)), documented)

    def test_prometheus_has_no_complaint(self):
        self.bridge.start()
        text = self.metrics()
        promtool.check(text)
        with self.assertRaises(AssertionError):
            promtool.check(text.replace("# HELP ccci_jobs ", "# HELP ccci_other "))


if __name__ == "__main__":
    unittest.main()
