"""What the unit tests start from: settings, a run on one host, and what a well host looks like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from agent.django.foresight import with_risks
from agent.inside import protocol
from agent.state import State
from agent.steps.order import HOOK_POINTS
from agent.text.masking import masked_lines
from agent.words.facts import FoundRef, HostFacts, Linked, OpenRun, Site
from agent.words.foreseen import Foreseen
from agent.words.journal import Commit
from agent.words.seen import Failure, Version
from agent.words.shapes import from_json, read, to_json
from switchback.runs.fleet import Fleet
from switchback.runs.run import About, Run
from switchback.settings.model import Settings
from switchback.settings.options import Options
from switchback.wire import calls
from switchback.wire.calls import PYTHON
from tests.unit import healthy

HIDDEN = "s3cret-word"
CODE_URL = f"https://deployer:{HIDDEN}@git.example.com/site/code.git"
CONFIG_URL = f"https://deployer:{HIDDEN}@git.example.com/site/config.git"
CODE, CONFIG = "c" * 40, "f" * 40

# What asks the runner of a host.
CLIENT = f"{PYTHON} -IS {State('django').agent / calls.CLIENT}"

OLD = "django-20261101-100000-aaaaaaa-fffffff"
LIVE = "django-20261102-100000-bbbbbbb-fffffff"
NEW = "django-20261103-100000-ccccccc-fffffff"
APPLIED = ["auth.0012_alter_user_first_name_max_length", "items.0001_initial"]


def settings(**changes: Any) -> Settings:
    """The settings of an environment whose repositories have a password in their URLs."""
    return healthy.settings(**{"code_repo_url": CODE_URL, "config_repo_url": CONFIG_URL, **changes})


def run(**changes: Any) -> Run:
    """A deploy on one host, with all of its steps."""
    values: dict[str, Any] = {
        "kind": "deploy",
        "deploy": "20261123-120000-deploy-ab12",
        "host": "web1",
        "hosts": ("web1",),
        "primary": "web1",
        "settings": settings(build_script="build.sh", install_script="install.sh", hooks=HOOKS),
        "version": NEW,
        "was": LIVE,
        "steps": ALL_STEPS,
        "about": About(Commit("main", CODE), Commit("main", CONFIG)),
        **changes,
    }
    return Run(**values)


HOOKS = dict.fromkeys(HOOK_POINTS, "true")
ALL_STEPS = (
    "code",
    "config",
    "shared",
    "before_build",
    "venv",
    "build_script",
    "static",
    "after_static",
    "checks",
    "after_build",
    "seal",
    "trial",
    "backup_before",
    "maintenance_start",
    "pause",
    "backup",
    "after_backup",
    "before_migrate",
    "migrate",
    "after_migrate",
    "release",
    "swap",
    "install_script",
    "after_switch",
    "restart",
    "health",
    "maintenance_stop",
    "schedule",
    "site",
    "watch",
    "commit",
)


def version(name: str, **changes: Any) -> Version:
    """A version as the survey describes it, of the commits in its name."""
    code, config = name.split("-")[3:]
    return healthy.version(name, **{"code": code[0] * 40, "config": config[0] * 40, **changes})


FAILED = {"working": False, "failed": Failure("health", "x", 1)}


def site(*versions: Version, current: str | None = LIVE, **changes: Any) -> Site:
    """What the survey sees of a site that is ready for a deploy, with `main` at `CODE` and `CONFIG`.

    + versions: those on the host, the newest first; a live one and one before it unless given
    + current: the live one
    """
    seen = healthy.site(live=current) if current else healthy.bare_site()
    gone = {path: healthy.no_link(path) for word, path in seen.main.items() if word.startswith("previous")}
    known = [
        replace(one, links=("current", "working") if one.name == current else ())
        for one in versions or ([version(LIVE), version(OLD)] if current else [])
    ]
    linked = Linked(current=current, working=current)
    seen = replace(seen, links={**seen.links, **gone}, versions=tuple(known), linked=linked, refs=refs())
    return replace(seen, **changes)


def host_facts(
    *versions: Version, agent: str | None = "cd20b04956cba714", transaction: OpenRun | None = None, **changes: Any
) -> HostFacts:
    """What the survey sees of a host with such a site."""
    return healthy.host(site(*versions, **changes), agent=agent, transaction=transaction)


def refs(code: str | None = CODE, config: str | None = CONFIG, problem: str = "") -> dict[str, FoundRef]:
    """What the refs of a deploy were found to stand for."""
    found = {"code": code, "config": config}
    return {part: FoundRef("main", sha, "" if sha else problem) for part, sha in found.items()}


# What is at the top of the config of a well host, and what the deployment directory gets links to.
ENTRIES = ("README", "django", "manage.py", "settings.py", "supervisord.conf", "wsgi.py")
LAID = {
    f"{healthy.HOME}/deployment/{name}": f"{healthy.HOME}/django-current/config/{name}"
    for name in ("settings.py", "wsgi.py")
}
NO_CHANGES = {"back": 0, "forward": 0, "commits": [], "left": [], "files": 0, "insertions": 0, "deletions": 0}
PACKAGE_CHANGES = ("added", "removed", "up", "down", "unsure")


def foreseen(**told: Any) -> Foreseen:
    """What the agent foresees of a run in which nothing but the code changes, but for what is told.

    + code, config: some of what lies between the commits; numbered: the newest of many
    + made, filled: the config to come where it is made of the code, and what it sets
    + packages: what changes beside what else is known of them; migrations: with operations as Django describes them
    """
    packages = {"source": "unchanged", **told.get("packages", {})}
    migrations = {"source": "django", "applied": APPLIED, **told.get("migrations", {})}
    for key in ("pending", "leaving"):
        described = [{"atomic": True, "reversible": True, **one} for one in migrations.get(key, [])]
        migrations[key] = with_risks([read(protocol.Migration, one, "a migration") for one in described])
    found = {
        **{part: {"between": _between(**told[part])} if part in told else None for part in ("code", "config")},
        "packages": {**packages, "changes": {key: packages[key] for key in PACKAGE_CHANGES if key in packages}},
        "app": {
            "migrations": migrations,
            "static": told.get("static", {"source": "django"}),
            "filled": told.get("filled", []),
        },
        "made": told.get("made"),
        "top": told.get("top", {"entries": ENTRIES, "laid": LAID}),
        "restart": told.get("restart", {"way": "restart", "interrupts": True}),
        "no_trial": told.get("no_trial", ""),
        "windows": told.get("windows", []),
        "env": told.get("env", {}),
        "shared": told.get("shared", []),
    }
    return from_json(Foreseen, to_json(found))


def _between(numbered: int = 0, **told: Any) -> dict[str, Any]:
    newest = range(numbered, max(numbered - 20, 0), -1)
    commits = [{"sha": f"{one:07x}", "author": "Sam Sample", "subject": f"Change {one}"} for one in newest]
    diff = masked_lines(told["diff"], signs=True) if "diff" in told else None
    return {**NO_CHANGES, "commits": commits, **told, "diff": diff}


def fleet(**hosts: HostFacts) -> Fleet:
    """Hosts as they were seen; the first one is the primary."""
    return Fleet({name: settings() for name in hosts}, hosts, next(iter(hosts)))


def asked(**options: str) -> Options:
    """What --data said."""
    return Options.of(options)


@contextmanager
def without_gevent() -> Iterator[None]:
    """For imports of pyinfra_cli, which would patch threads and sockets under pytest and its workers."""
    with patch("gevent.monkey.patch_all"):
        yield
