#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The NixOS modules, as far as they can be looked at without nixpkgs: parsed, evaluated with the stand-in of tests/nix/, their
services rendered and judged by systemd-analyze. It is no evaluation by NixOS: which of its options exist, nothing here knows,
so the paths that our modules set are a list (tests/nix/paths.txt) that whoever adds one changes too.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from lib.world import skip

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
NIX = os.path.join(ROOT, "tests", "nix")
MODULES = os.path.join(ROOT, "modules")
BUILD = os.environ.get("CCCI_BUILD", os.path.join(ROOT, "build", "dev"))
PROFILES = ("default", "apps-by-hand")
# What nixpkgs calls the libraries that CMake asks pkg-config for.
LIBRARIES = {"libcurl": "curl", "libcjson": "cjson", "yaml-0.1": "libyaml", "libcrypto": "openssl",
             "libmicrohttpd": "libmicrohttpd", "sqlite3": "sqlite"}
MOST_EXPOSED = {"ccci-bridge": 20}  # tenths, as on Debian (test_units.py)


def nix(*words, expression=None, is_ok=True):
    """What it prints; the text of its error when it must fail."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NIX_REMOTE": "dummy://",
                   "NIX_CONFIG": "build-users-group =\nsandbox = false\nsubstitute = false\nsubstituters ="}
    arguments = [*words, *(["-E", expression] if expression else [])]
    done = subprocess.run(["nix-instantiate", *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode == 0) is is_ok, f"nix-instantiate {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout if is_ok else done.stderr


def evaluate(profile="default", more="{ }", what="host", is_ok=True):
    call = f'let host = import {NIX}/host.nix {{ profile = "{profile}"; more = {more}; }}; in {what}'
    printed = nix("--eval", "--strict", "--json", expression=call, is_ok=is_ok)
    return json.loads(printed) if is_ok else printed


def text_of(value):
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def render(name, service):
    """The unit that NixOS would write of it, as far as it is ours; what it starts is /bin/true."""
    def lines(settings):
        for key, value in settings.items():
            for item in value if isinstance(value, list) else [value]:
                item = re.sub(r"^/nix/store/\S+", "/bin/true", text_of(item)) if key.startswith("Exec") else text_of(item)
                yield f"{key}={item}"
    unit = [f"Description={service['description']}", *(f"{key}={' '.join(service[low])}" for key, low in (
        ("After", "after"), ("Wants", "wants")) if service.get(low)), *lines(service.get("unitConfig", {}))]
    environment = [f'Environment="{key}={value}"' for key, value in service.get("environment", {}).items()]
    return "\n".join(["[Unit]", *unit, "[Service]", *environment, *lines(service["serviceConfig"]), ""])


def debian_service(name):
    """[Service] of a unit of modules/systemd/, by key a list of values."""
    found, is_in = {}, False
    with open(os.path.join(MODULES, "systemd", f"{name}.service"), encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("["):
                is_in = line == "[Service]"
            elif is_in and "=" in line and not line.startswith("#"):
                key, _, value = line.partition("=")
                found.setdefault(key, []).append(value)
    return found


class Nix(unittest.TestCase):
    maxDiff = None

    def test_parse(self):
        files = [*glob.glob(f"{MODULES}/*.nix"), *glob.glob(f"{NIX}/*.nix"), f"{ROOT}/flake.nix"]
        self.assertGreater(len(files), 15)
        for file in files:
            nix("--parse", "--store", "dummy://", file)

    def test_services_of_each_profile(self):
        every = {"ccci-bridge", "ccci-drone-runner", "ccci-prune", "ccci-reap", "ccci-registry-cache", "ccci-swarm", "ccci-warm",
                 "drone-runner-exec"}
        for profile, wanted in (("default", every | {"ccci-proxy", "ccci-drone", "ccci-infra-update"}), ("apps-by-hand", every)):
            host = evaluate(profile)
            self.assertEqual(set(host["services"]), wanted)
            self.assertEqual(host["failed"], [])
            self.assertEqual(set(host["timers"]), wanted & {"ccci-prune", "ccci-reap", "ccci-warm", "ccci-infra-update"})
            for name in host["timers"]:
                self.assertNotIn("multi-user.target", host["services"][name].get("wantedBy", []), name)
        self.assertEqual(evaluate("default")["firewall"], [80, 443])

    def test_what_is_off_is_off(self):
        off = " ".join(f"{name}.enable = false;" for name in ("swarm", "proxy", "drone", "drone-runner", "bridge", "registry-cache",
                                                              "warm", "infra-update", "secrets", "rebuild", "prune"))
        host = evaluate(more=f"{{ services.ccci = {{ {off} }}; }}")
        self.assertEqual(set(host["services"]), {"ccci-reap"})
        self.assertEqual((host["firewall"], host["mirrors"], host["sops"]), ([], [], {}))

    def test_at_each_boot_and_activation(self):
        services = evaluate()["services"]
        for name in ("swarm", "proxy", "drone", "drone-runner", "registry-cache"):
            service = services[f"ccci-{name}"]
            self.assertEqual((service["wantedBy"], service["serviceConfig"]["Type"]), (["multi-user.target"], "oneshot"))
            # One that stays active would not run again when a generation is switched to.
            self.assertNotIn("RemainAfterExit", service["serviceConfig"])
        self.assertIn("ccci-swarm.service", services["ccci-proxy"]["after"])
        self.assertIn("ccci-proxy.service", services["ccci-drone"]["after"])
        self.assertIn("ccci-drone.service", services["ccci-drone-runner"]["after"])

    def test_what_is_refused(self):
        for more, says in (("{ services.ccci.maxTests = 0; }", "services.ccci.maxTests is not of type positive int"),
                           ("{ services.ccci.proxy.keyFile = \"key.pem\"; }", "services.ccci.proxy.keyFile is not of type path"),
                           ("{ services.ccci.zone = \"\"; }", "services.ccci.zone is not of type nonEmptyStr")):
            self.assertIn(says, evaluate(more=more, is_ok=False, what="host.services"))
        failed = evaluate(more="{ virtualisation.docker.liveRestore = true; }")["failed"]
        self.assertEqual(len(failed), 1)
        self.assertIn("liveRestore must be false", failed[0])
        self.assertIn("is not set", evaluate(more="{ services.ccci.bridge = { enable = true; ciRepo = throw \"option is not set\"; }; }",
                                             is_ok=False, what="host.etc"))

    def test_paths(self):
        """The options of NixOS that we set. A new one: is its name right? Then put it here too."""
        found = {path for profile in PROFILES for path in evaluate(profile, what="host.paths")}
        found = sorted({re.sub(r"^(systemd\.(?:services|timers))\.[^.]+\.", r"\1.<name>.", path) for path in found})
        # What is in these is free: ours in the first, and systemd's, which test_systemd asks, in the others.
        found = sorted({re.sub(r"\.(environment|serviceConfig|timerConfig)\.\w+$", r".\1.<KEY>", path) for path in found})
        with open(os.path.join(NIX, "paths.txt"), encoding="utf-8") as file:
            self.assertEqual("\n".join(found), file.read().strip())

    def test_services_are_debians(self):
        """Each bolt of a unit on Debian is one on NixOS, and no other."""
        own = {"ExecStart", "ExecReload", "Environment", "EnvironmentFile", "LoadCredential"}
        for name, service in evaluate()["services"].items():
            debian = {key: value for key, value in debian_service(name).items() if key not in own}
            here = {key: value if isinstance(value, list) else [value] for key, value in service["serviceConfig"].items() if key not in own}
            self.assertEqual(here, debian, name)

    def test_systemd(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze here")
        with tempfile.TemporaryDirectory(prefix="ccci-nix-") as directory:
            for profile in PROFILES:
                host = evaluate(profile)
                for name, service in host["services"].items():
                    self.write(directory, f"{name}.service", render(name, service))
                for name, timer in host["timers"].items():
                    self.write(directory, f"{name}.timer", "\n".join(
                        ["[Timer]", *(f"{key}={value}" for key, value in timer["timerConfig"].items()), ""]))
                files = sorted(glob.glob(f"{directory}/*"))
                self.assertEqual(self.analyze("verify", "--man=no", "--recursive-errors=no", *files), (0, ""))
                for name, most in MOST_EXPOSED.items():
                    status, output = self.analyze("security", "--offline=true", "--no-pager", f"--threshold={most}",
                                                  f"{directory}/{name}.service")
                    self.assertEqual(status, 0, output[-300:])
            # It can fail.
            self.write(directory, "wrong.service", render("wrong", {"description": "x", "serviceConfig": {
                "ExecStart": "/bin/true", "ProtectSytem": "full"}}))
            self.assertEqual(self.analyze("verify", "--man=no", "--recursive-errors=no", f"{directory}/wrong.service")[0], 1)

    @staticmethod
    def write(directory, name, text):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)

    @staticmethod
    def analyze(*words):
        done = subprocess.run(["systemd-analyze", *words], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.returncode, done.stdout

    def test_the_programs_take_their_settings(self):
        etc = evaluate(more='{ services.ccci = { maxTests = 2; authorityFile = "/etc/ca.pem"; settings.keep_max = "1h"; '
                            'bridge.settings.poll_interval = "20s"; bridge.settings.auto_test = "bot:up/,other"; }; }', what="host.etc")
        with tempfile.TemporaryDirectory(prefix="ccci-nix-") as directory:
            for name, text in etc.items():
                self.write(directory, os.path.basename(name), text.replace("/run/secrets/ccci/gitea_token", f"{directory}/token"))
            self.write(directory, "token", "x\n")
            for program, wanted in (("run", {"zone": "ci.example.org", "max_tests": "2", "keep_max": "1h", "recipe_org": "recipe-maintainers"}),
                                    ("bridge", {"poll_interval": "20s", "ci_repo": "recipe-maintainers/ccci"})):
                done = subprocess.run(
                    [os.path.join(BUILD, f"ccci-{program}"), "--config", f"{directory}/{program}.yml", "--print-config"],
                    env={"PATH": os.environ["PATH"], "HOME": "/root", "GITEA_TOKEN_FILE": f"{directory}/token",
                         "DRONE_TOKEN_FILE": f"{directory}/token", "GIT_TOKEN_FILE": f"{directory}/token"},
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stdout)
                printed = dict(line.split(": ", 1) for line in done.stdout.splitlines())
                self.assertEqual({key: printed.get(key) for key in wanted}, wanted)

    def test_the_reconcilers_know_their_settings(self):
        with open(os.path.join(MODULES, "reconcile", "common.sh"), encoding="utf-8") as file:
            known = set(re.search(r'^KNOWN="([^"]*)"', file.read(), re.M)[1].split()) | {"HOME"}
        for name, service in evaluate()["services"].items():
            if name not in ("ccci-bridge", "ccci-reap", "drone-runner-exec"):
                self.assertLessEqual(set(service["environment"]), known, name)

    def test_secrets(self):
        """What a module looks for is what sops puts there."""
        host = evaluate()
        made = {f"/run/secrets/{name}" for name in host["sops"]["secrets"]}
        wanted = set(re.findall(r"/run/secrets/[\w/]+", json.dumps([host["services"], host["etc"]])))
        self.assertEqual(made, wanted)
        self.assertEqual(host["sops"]["age"], {"sshKeyPaths": ["/etc/ssh/ssh_host_ed25519_key"]})
        without = nix("--eval", "--strict", "--json", expression=f"""let lib = import {NIX}/lib.nix; made = import {MODULES}/secrets.nix {{
            inherit lib; options = {{ }}; config.services.ccci = {{ bridge.enable = false; secrets = {{ enable = true; file = "/x"; }}; }}; }};
            in {{ names = builtins.attrNames made.config.content; good = map (a: a.assertion) made.config.content.assertions; }}""")
        self.assertEqual(json.loads(without), {"names": ["assertions"], "good": [False]})
        by_hand = evaluate("apps-by-hand")
        self.assertEqual(set(by_hand["sops"]["secrets"]), {"ccci/gitea_token", "ccci/drone_token"})

    def test_packages(self):
        packages = json.loads(nix("--eval", "--strict", "--json", expression=f"import {NIX}/packages.nix"))
        with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
            text = file.read()
        asked = re.findall(r"^pkg_check_modules\(\w+ REQUIRED IMPORTED_TARGET (\S+)\)", text, re.M)
        ccci = packages["default"]["ccci"]
        self.assertEqual(sorted(ccci["buildInputs"]), sorted(LIBRARIES[name] for name in asked))
        self.assertEqual(ccci["version"], re.search(r"project\(ccci VERSION (\S+)", text)[1])
        self.assertEqual((packages["other"]["abra"]["version"], packages["other"]["abra"]["src"]["hash"]), ("9.9.9", "sha256-x"))


if __name__ == "__main__":
    if not shutil.which("nix-instantiate"):
        skip("no nix-instantiate here (Debian's package nix-bin)")
    unittest.main()
