# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of `abra recipe lint`; those of level error stop a deploy that is not chaos (H13 of tests/standin/README.md)."""

import re

from . import recipe as recipes
from .compose import Compose
from .terminal import Fatal

STACK = "lint"
MAX_SECRET_NAME = 12


class Facts:
    """What the rules look at, read once; nothing of it may fail."""

    def __init__(self, recipe):
        self.recipe, self.compose = recipe, None
        self.has_sample = recipe.read(".env.sample") is not None
        self.sample = recipe.sample_env()[0] if self.has_sample else {}
        try:
            env = dict(self.sample)
            env.pop("COMPOSE_FILE", None)
            self.compose = Compose(recipe, env, STACK)
        except Fatal:
            pass

    def services(self):
        return self.compose.service_names() if self.compose else []

    def parts(self):
        return [part for name in self.services() for part in self.compose.service_parts(name)]

    def images(self):
        return [self.compose.image(name) for name in self.services()]


def _tag(image):
    return image.rpartition("/")[2].partition(":")[2].partition("@")[0]


def _config_versions(facts):
    """Each config whose name carries a version variable needs that variable exported in abra.sh."""
    exports = facts.recipe.abra_sh_exports()
    text = facts.recipe.read("compose.yml") or ""
    names = re.findall(r"name:.*\$\{([A-Z0-9_]+_VERSION)\}", text)
    wanted = [name for name in names if not name.startswith("SECRET_") and name not in facts.sample]
    if facts.compose and facts.compose.configs() and facts.recipe.read("abra.sh") is None:
        return False
    return all(name in exports for name in wanted)


def _tags_are_valid(facts):
    """Only annotated tags; a lightweight one is an object of type commit."""
    kinds = facts.recipe.git("for-each-ref", "--format=%(objecttype)", "refs/tags").split()
    return all(kind == "tag" for kind in kinds)


RULES = (
    ("R001", "warn", "compose config has expected version", "ensure 'version: \"3.8\"' in compose configs",
     lambda f: bool(f.compose) and all(str(d.get("version")) == "3.8" for d in f.compose.documents)),
    ("R002", "warn", "healthcheck enabled for all services", "wire up healthchecks",
     lambda f: bool(f.parts()) and all(p.get("healthcheck") for p in f.parts())),
    ("R003", "warn", "all images use a tag", "use a tag for all images", lambda f: all(_tag(i) for i in f.images())),
    ("R004", "warn", "no unstable tags", "tag all images with stable tags",
     lambda f: all(_tag(i) not in ("latest", "main", "master", "edge") for i in f.images())),
    ("R005", "warn", "tags use semver-like format", "use semver-like tags",
     lambda f: all(re.match(r"v?\d", _tag(i) or "-") for i in f.images())),
    ("R006", "warn", "has published catalogue version", "publish a recipe version to the catalogue",
     lambda f: bool(recipes.catalogue().get(f.recipe.name, {}).get("versions"))),
    ("R007", "warn", "README.md metadata filled in", "fill out all the metadata",
     lambda f: "<!-- metadata -->" in (f.recipe.read("README.md") or "")),
    ("R008", "error", ".env.sample provided", "create an example .env.sample", lambda f: f.has_sample),
    ("R009", "error", "one service named 'app'", "name a service 'app'", lambda f: "app" in f.services()),
    ("R010", "error", "traefik routing enabled", "include \"traefik.enable=true\" deploy label",
     lambda f: any(f.compose.labels(name).get("traefik.enable") == "true" for name in f.services())),
    ("R011", "error", "all services have images", "ensure \"image: ...\" set on all services",
     lambda f: bool(f.compose) and all(f.images())),
    ("R012", "error", "config version are vendored", "vendor config versions in an abra.sh", _config_versions),
    ("R013", "warn", "git.coopcloud.tech repo exists", "upload your recipe to git.coopcloud.tech", lambda f: False),
    ("R014", "error", "only annotated tags used for recipe version", "replace lightweight tag with annotated tag",
     _tags_are_valid),
    ("R015", "warn", "long secret names", "reduce length of secret names to 12 chars",
     lambda f: not f.compose or all(len(key) <= MAX_SECRET_NAME for key in _secret_keys(f.compose))),
)


def _secret_keys(compose):
    return {key for document in compose.documents for key in document.get("secrets") or {}}


def is_skipped(ref, facts):
    return ref == "R010" and "DOMAIN" not in facts.sample


def results(recipe):
    """Rows of (ref, text, level, is satisfied, is skipped, how to resolve)."""
    facts = Facts(recipe)
    rows = []
    for ref, level, text, resolve, rule in RULES:
        skipped = is_skipped(ref, facts)
        rows.append((ref, text, level, not skipped and bool(rule(facts)), skipped, resolve))
    return rows


def require_no_errors(recipe):
    for ref, text, level, is_satisfied, skipped, resolve in results(recipe):
        if level == "error" and not is_satisfied and not skipped:
            raise Fatal(f"lint error in {recipe.name} configs: {ref} {text}: {resolve}")
