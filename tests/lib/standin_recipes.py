# SPDX-License-Identifier: GPL-3.0-or-later
"""Small recipes of the shape of real ones (tests/standin-recipes), run with the suites of the real ones (tests/recipes).

    run = standin_recipes.start("keycloak", directory)             as it should be
    run = standin_recipes.start("keycloak", directory, "login")    with a fault of its canary.yml
    run.result()                                                   lib.runs.Outcome

Their services, volumes, secrets, paths and labels are those that the suites look at; the databases are real ones, everything
else is a few lines of Python. canary.yml is as lib.canary has it, with `faults` in the place of `expect`: each has values, and
says in which stage the suite finds it, with which words.
"""

import glob
import os
import shutil

from lib import canary, images, runs

TESTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
DIRECTORY = os.path.join(TESTS, "standin-recipes")
SUITES = os.path.join(TESTS, "recipes")
RUN_S = 900  # nine services, three times over, beside three other runs
COMPRESSOR = "#!/bin/sh\nexec /usr/bin/python3 /app/compress.py \"$@\"\n"


def names():
    return sorted(os.path.basename(os.path.dirname(path)) for path in glob.glob(os.path.join(DIRECTORY, "*", "canary.yml")))


def _image(version):
    """Python, psql and openssl of Debian, and the programs."""
    files = {"version": f"{version}\n", "bin/synapse_auto_compressor": COMPRESSOR}
    for path in glob.glob(os.path.join(DIRECTORY, "programs", "*.py")):
        with open(path, encoding="utf-8") as file:
            files[f"app/{os.path.basename(path)}"] = file.read()
    return images.Packed(
        "python3.11-minimal libpython3.11-minimal libpython3.11-stdlib python3-yaml libyaml-0-2 postgresql-client-15 libpq5 openssl libssl3",
        "usr/bin/python3.11 usr/lib/python3.11 usr/lib/python3/dist-packages/yaml usr/lib/postgresql/15/bin/psql usr/bin/openssl",
        {**files, "usr/bin/python3": '#!/bin/sh\nexec /usr/bin/python3.11 "$@"\n'},
        'ENTRYPOINT ["/usr/bin/python3.11", "-u"]\nCMD []')


# The databases are those of the canaries under names of our own: who removes one takes it from nobody.
IMAGES = {
    **{f"ccci-standin/app:{version}": _image(version) for version in ("1.0", "1.1")},
    **{name.replace("canary", "standin"): image for name, image in images.DATABASES.items()},
}


def make_images(names=tuple(IMAGES)):
    """The names of those that were not there."""
    return images.make(names, IMAGES)


def needs(name):
    return canary.needs(name, SUITES)


def make_repos(name, directory, **values):
    """The recipe's path; what it needs is beside it, always as it should be."""
    recipe = canary.make_repo(name, os.path.join(directory, name), DIRECTORY, **values)
    for need in needs(name):
        canary.make_repo(need, os.path.join(directory, need), DIRECTORY)
    return recipe.path


def bring_suites(name, host):
    for one in (name, *needs(name)):
        shutil.copytree(os.path.join(SUITES, one), os.path.join(host.directory, "tests/recipes", one))


def start(name, directory, fault=None):
    """One run beside others, in a directory of its own."""
    spec = canary.load(name, DIRECTORY)
    wrong = spec["faults"][fault] if fault else {}
    path = make_repos(name, os.path.join(directory, f"{name}-{fault}"), **wrong.get("values", {}))
    return runs.start(path, change=lambda host: bring_suites(name, host), timeout=RUN_S,
                      arguments=wrong.get("arguments", spec.get("arguments", [])))
