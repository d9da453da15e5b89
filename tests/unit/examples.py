"""What the unit tests start from: settings, a run on one host, and what a well host looks like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from agent.words.seen import Failure, Version
from agent.words.shapes import to_json
from switchback.runs.fleet import Fleet
from switchback.runs.run import Run
from switchback.settings.model import Settings
from switchback.settings.options import Options
from tests.unit import healthy

Facts = dict[str, Any]

HIDDEN = "s3cret-word"
CODE_URL = f"https://deployer:{HIDDEN}@git.example.com/site/code.git"
CONFIG_URL = f"https://deployer:{HIDDEN}@git.example.com/site/config.git"
CODE, CONFIG = "c" * 40, "f" * 40

OLD = "django-20261101-100000-aaaaaaa-fffffff"
LIVE = "django-20261102-100000-bbbbbbb-fffffff"
NEW = "django-20261103-100000-ccccccc-fffffff"


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
        "settings": settings(build_script="build.sh", install_script="install.sh"),
        "version": NEW,
        "was": LIVE,
        "steps": ALL_STEPS,
        "about": {"code": {"ref": "main", "sha": CODE}, "config": {"ref": "main", "sha": CONFIG}},
        **changes,
    }
    return Run(**values)


ALL_STEPS = (
    "code",
    "config",
    "venv",
    "build_script",
    "static",
    "checks",
    "seal",
    "trial",
    "backup_before",
    "maintenance_start",
    "backup",
    "migrate",
    "swap",
    "install_script",
    "restart",
    "health",
    "maintenance_stop",
    "site",
    "commit",
)


def version(name: str, **changes: Any) -> Version:
    """A version as the survey describes it, of the commits in its name."""
    code, config = name.split("-")[3:]
    return healthy.version(name, **{"code": code[0] * 40, "config": config[0] * 40, **changes})


FAILED = {"working": False, "failed": Failure("health", "x", 1)}


def host_facts(*versions: Version, current: str | None = LIVE, **changes: Any) -> Facts:
    """What the survey sees on a host that is ready for a deploy, with `main` at `CODE` and `CONFIG`.

    + versions: those on the host, the newest first; a live one and one before it unless given
    + current: the live one
    """
    facts = healthy.bare()
    if current is not None:
        facts = json.loads(to_json(healthy.host()).replace(healthy.NEWER, current))
    for link in ("previous", "previous-working"):
        path = f"{healthy.HOME}/django-{link}"
        facts["links"][path] = healthy.no_link(path)
    known = [
        replace(one, links=("current", "working") if one.name == current else ())
        for one in versions or ([version(LIVE), version(OLD)] if current else [])
    ]
    linked = {**dict.fromkeys(facts["linked"]), "current": current, "working": current}
    return {**facts, "versions": known, "linked": linked, "refs": refs(), **changes}


def refs(code: str | None = CODE, config: str | None = CONFIG, problem: str = "") -> Facts:
    """What the refs of a deploy were found to stand for."""
    found = {"code": code, "config": config}
    return {
        part: {"ref": "main", "sha": sha, **({} if sha else {"kind": "unknown", "problem": problem})}
        for part, sha in found.items()
    }


def fleet(**hosts: Facts) -> Fleet:
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
