#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
modules/rebuild.sh and modules/reconcile/git-credential-ccci against doubles of what they call; and each reconciler as a
packager puts it together, the common part in front, from a place where there is nothing else.
"""
import glob
import os
import stat
import subprocess
import tempfile
import unittest

from lib.house import SCRIPTS

REBUILD = os.path.join(os.path.dirname(SCRIPTS), "rebuild.sh")
HELPER = os.path.join(SCRIPTS, "git-credential-ccci")

# A NixOS of two generations: `switch` moves the link to the new one and runs what the test says, `--rollback` moves it back.
NIXOS_REBUILD = r"""#!/bin/sh
echo "nixos-rebuild $*" >>"$STATE/calls"
case $1 in
build) exit "${BUILD:-0}" ;;
switch)
	if [ "$2" = --rollback ]; then ln -sfn "$STATE/old" "$SYSTEM"; rm -f "$STATE/failed"; exit "${ROLLBACK:-0}"; fi
	[ "${SAME:-}" ] || ln -sfn "$STATE/new" "$SYSTEM"
	[ -z "${FAILED:-}" ] || printf '%s loaded failed failed\n' $FAILED >"$STATE/failed"
	if [ "${SWITCH:-0}" = early ]; then ln -sfn "$STATE/old" "$SYSTEM"; exit 1; fi
	exit "${SWITCH:-0}" ;;
esac
exit 9
"""
SYSTEMCTL = r"""#!/bin/sh
case $1 in
list-units) cat "$STATE/failed" 2>/dev/null || : ;;
is-active) echo "${ACTIVE:-inactive}" ;;
*) exit 9 ;;
esac
"""
DOCTOR = '#!/bin/sh\necho "ccci-run $*" >>"$STATE/calls"\nexit "${DOCTOR:-0}"\n'
# It runs what it is given at once, in an environment of its own, as a unit would.
SYSTEMD_RUN = r"""#!/bin/bash
echo "systemd-run $*" >>"$STATE/calls"
set --  "$@"
while [ "$1" != -- ]; do case $1 in --setenv) export "$2"; shift ;; esac; shift; done
shift
exec "$@"
"""


class Rebuild(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="rebuild-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        for name, text in (("nixos-rebuild", NIXOS_REBUILD), ("systemctl", SYSTEMCTL), ("ccci-run", DOCTOR), ("systemd-run", SYSTEMD_RUN)):
            self.program(name, text)
        for name in ("old", "new"):
            os.mkdir(os.path.join(self.directory, name))
        self.system = os.path.join(self.directory, "system")
        os.symlink(os.path.join(self.directory, "old"), self.system)

    def program(self, name, text):
        path = os.path.join(self.directory, "bin", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, stat.S_IRWXU)

    def rebuild(self, *words, **environment):
        return subprocess.run([REBUILD, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={"PATH": f"{self.directory}/bin:/usr/bin:/bin", "STATE": self.directory, "SYSTEM": self.system,
                                   **environment}, timeout=60, check=False)

    def in_place(self):
        return os.path.basename(os.readlink(self.system))

    def calls(self):
        with open(os.path.join(self.directory, "calls"), encoding="utf-8") as file:
            return file.read().splitlines()

    def inside(self, code, generation, says, **environment):
        done = self.rebuild("--inside", "--flake", "/etc/nixos", **environment)
        self.assertEqual((done.returncode, self.in_place()), (code, generation), done.stdout)
        self.assertIn(says, done.stdout)

    def test_good(self):
        self.inside(0, "new", "rebuild: in place: ")
        self.assertEqual(self.calls(), ["nixos-rebuild build --flake /etc/nixos", "nixos-rebuild switch --flake /etc/nixos", "ccci-run doctor"])

    def test_nothing_new(self):
        self.inside(0, "old", "rebuild: nothing to do", SAME="1")

    def test_it_does_not_build(self):
        self.inside(1, "old", "it does not build; nothing was changed", BUILD="1")
        self.assertEqual(len(self.calls()), 1)

    def test_it_does_not_switch(self):
        self.inside(1, "old", "it does not switch; the generation before is back", SWITCH="1")
        self.assertEqual(self.calls()[-1], "nixos-rebuild switch --rollback")

    def test_it_does_not_begin_to_switch(self):
        self.inside(1, "old", "it does not switch; the generation before is in place", SWITCH="early")
        self.assertNotIn("nixos-rebuild switch --rollback", self.calls())

    def test_a_unit_fails_that_was_well(self):
        with open(os.path.join(self.directory, "failed"), "w", encoding="utf-8") as file:
            file.write("old.service loaded failed failed\n")
        self.inside(1, "old", "failed now: ccci-proxy.service; the generation before is back", FAILED="old.service ccci-proxy.service")

    def test_a_unit_had_failed_before(self):
        with open(os.path.join(self.directory, "failed"), "w", encoding="utf-8") as file:
            file.write("old.service loaded failed failed\n")
        self.inside(0, "new", "in place", FAILED="old.service")

    def test_doctor_is_not_content(self):
        self.inside(1, "old", "ccci-run doctor is not content; the generation before is back", DOCTOR="3")

    def test_no_way_back(self):
        self.inside(1, "old", "and the generation before could not be switched to", DOCTOR="3", ROLLBACK="1")

    def test_a_unit_of_its_own(self):
        done = self.rebuild("--flake", "/srv/host")
        self.assertEqual((done.returncode, self.in_place()), (0, "new"), done.stdout)
        self.assertIn("systemd-run --unit ccci-rebuild --collect --service-type oneshot", self.calls()[0])
        self.assertIn("--no-block", self.calls()[0])
        self.assertIn("nixos-rebuild switch --flake /srv/host", self.calls())
        self.rebuild("--wait")
        self.assertNotIn("--no-block", [call for call in self.calls() if call.startswith("systemd-run")][1])

    def test_missing(self):
        for words, environment, says in (
                (("--frobnicate",), {}, "an option that is known"), (("--flake",), {}, "what --flake names"),
                ((), {"ACTIVE": "activating"}, "the end of the rebuild that goes on")):
            done = self.rebuild(*words, **environment)
            self.assertEqual((done.returncode, self.in_place()), (2, "old"), done.stdout)
            self.assertIn(f"rebuild: missing: {says}", done.stdout)
        os.unlink(os.path.join(self.directory, "bin/nixos-rebuild"))
        self.assertIn("this is no NixOS", self.rebuild().stdout)


class Credential(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="credential-")
        self.addCleanup(directory.cleanup)
        self.etc = directory.name
        os.mkdir(os.path.join(self.etc, "credentials"))
        self.write("run.yml", "zone: x\ngitea_url: \"https://git.example.org\"\n")
        self.write("credentials/gitea_token", "first\n")

    def write(self, name, text):
        with open(os.path.join(self.etc, name), "w", encoding="utf-8") as file:
            file.write(text)

    def fill(self, protocol="https", host="git.example.org"):
        """What git would use."""
        done = subprocess.run(
            ["git", "-c", f"credential.helper={HELPER}", "credential", "fill"], input=f"protocol={protocol}\nhost={host}\n\n",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
            env={"PATH": os.environ["PATH"], "CCCI_ETC": self.etc, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1",
                 "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": self.etc})
        found = dict(line.split("=", 1) for line in done.stdout.splitlines())
        return found.get("password"), done.stderr

    def test_read_at_each_call(self):
        self.assertEqual(self.fill()[0], "first")
        self.write("credentials/gitea_token", "second\n")
        self.assertEqual(self.fill()[0], "second")
        self.assertEqual(sorted(os.listdir(self.etc)), ["credentials", "run.yml"])

    def test_nobody_else_gets_it(self):
        for protocol, host in (("https", "git.example.org.evil.org"), ("https", "other.org"), ("http", "git.example.org"),
                               ("https", "git.example.org:8443")):
            self.assertIsNone(self.fill(protocol, host)[0])
        self.write("run.yml", "gitea_url: http://git.example.org # in clear\n")
        self.assertIsNone(self.fill("http")[0], "in clear over a network")

    def test_no_token(self):
        os.unlink(os.path.join(self.etc, "credentials/gitea_token"))
        password, errors = self.fill()
        self.assertIsNone(password)
        self.assertIn("credentials/gitea_token cannot be read", errors)


class PutTogether(unittest.TestCase):
    def test_each(self):
        with open(os.path.join(SCRIPTS, "common.sh"), encoding="utf-8") as file:
            common = file.read()
        scripts = [path for path in glob.glob(f"{SCRIPTS}/*.sh") if not path.endswith("/common.sh")]
        self.assertEqual(len(scripts), 8)
        for path in scripts:
            name = os.path.basename(path).removesuffix(".sh")
            with self.subTest(name), tempfile.TemporaryDirectory(prefix="together-") as directory:
                program = os.path.join(directory, f"ccci-{name}")
                with open(path, encoding="utf-8") as file, open(program, "w", encoding="utf-8") as out:
                    out.write("#!/bin/bash\nset -o errexit\nset -o nounset\nset -o pipefail\n" + common + file.read())
                os.chmod(program, 0o755)
                etc = os.path.join(directory, "etc")
                os.mkdir(etc)
                done = subprocess.run([program, "--dry-run"], env={"PATH": "/usr/bin:/bin", "CCCI_ETC": etc, "DOCKER_HOST": "tcp://nowhere"},
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                                      check=False)
                self.assertRegex(done.stdout, rf"^{name}: (missing: |off )")
                self.assertIn(done.returncode, (0, 2))
                self.assertEqual(os.listdir(etc), [])


if __name__ == "__main__":
    unittest.main()
