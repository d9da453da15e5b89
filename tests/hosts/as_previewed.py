"""What a preview has said is what its run has done: commits, packages, migrations, links and deletions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from switchback.plan.model import HostPreview
from switchback.plan.parts import Package
from tests.bed.hosts import Host

LIMIT = 60
# They come with what makes an environment, and are none of the app's.
NOT_THE_APPS = ("pip", "setuptools", "wheel")

LOOK = r"""
import glob, importlib.metadata, json, os, pwd, re, subprocess

def as_app(*argv):
    return subprocess.run(["runuser", "-u", "app", "--", *argv], capture_output=True, text=True, check=True).stdout

def query(statement):
    # Several hosts may share the database of one, as the app's own settings have it.
    shared = "/home/app/database_host"
    there = ["--host", open(shared).read().strip()] if os.path.exists(shared) else []
    # Debian's own psql is a program that looks for this one first.
    psql = max(glob.glob("/usr/lib/postgresql/*/bin/psql"))
    return as_app(psql, *there, "-AtXd", "app", "-c", statement).splitlines()

links = {}
for path in [*glob.glob("/home/app/*"), *glob.glob("/home/app/deployment/*")]:
    if os.path.islink(path):
        links[path] = os.readlink(path)
current = os.path.realpath("/home/app/django-current")
packages = {}
for one in importlib.metadata.distributions(path=glob.glob(current + "/venv/lib/python*/site-packages")):
    packages[re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()] = one.version
def has_app():
    try:
        return bool(pwd.getpwnam("app"))
    except KeyError:
        return False

# A bare host has neither the user nor the database.
there = has_app() and query("select 1 from pg_class where relname = 'django_migrations'")
sealed = {}
try:
    sealed = json.load(open(current + "/.switchback.json"))
except OSError:
    pass
print(json.dumps({
    "links": links,
    "packages": packages,
    "migrations": query("select app || '.' || name from django_migrations") if there else [],
    "versions": [os.path.basename(path) for path in glob.glob("/home/app/django-*") if not os.path.islink(path)],
    "commits": {part: sealed.get(part, {}).get("sha") for part in ("code", "config")},
}))
"""


@dataclass(frozen=True)
class State:
    """What a preview speaks of, as it is on a host."""

    links: dict[str, str]
    packages: dict[str, str]
    migrations: list[str]
    versions: list[str]
    commits: dict[str, str | None]


def state_of(host: Host) -> State:
    """Look at a host, with other eyes than the agent's."""
    return State(**json.loads(host.run(["timeout", str(LIMIT), "python3", "-c", LOOK]).stdout))


def assert_as_previewed(told: HostPreview, before: State, after: State) -> None:
    """Assert that a run has done what its preview said, and nothing else of the kind."""
    if told.idle:
        assert after == before
        return
    if any(step.name == "swap" for step in told.steps):
        for part in ("code", "config"):
            changes = getattr(told, part)
            if changes and after.commits[part]:
                assert after.commits[part] == changes.sha
        _assert_packages(told, before, after)
    _assert_migrations(told, before, after)
    _assert_links(told, before, after)
    _assert_versions(told, before, after)


def _assert_packages(told: HostPreview, before: State, after: State) -> None:
    packages = told.packages
    assert packages is not None
    if packages.source in ("pins", "unknown"):
        return
    expected = {name: version for name, version in before.packages.items() if name not in NOT_THE_APPS}
    for one in packages.removed:
        assert expected.pop(one.name) == one.was
    for one in _coming((packages.added, packages.up, packages.down)):
        assert expected.get(one.name) == one.was
        expected[one.name] = str(one.version)
    assert {name: version for name, version in after.packages.items() if name not in NOT_THE_APPS} == expected


def _coming(kinds: Iterable[Iterable[Package]]) -> list[Package]:
    return [one for kind in kinds for one in kind]


def _assert_migrations(told: HostPreview, before: State, after: State) -> None:
    migrations = told.migrations
    if migrations is None or migrations.source == "unknown":
        return
    if migrations.applied is not None:
        assert sorted(migrations.applied) == sorted(before.migrations)
    migrates = {step.name for step in told.steps if step.does} >= {"migrate"}
    come = [one.label for one in migrations.pending] if migrates else []
    gone = [one.label for one in migrations.leaving] if told.database == "reverse" else []
    if told.database == "restore" or not told.primary:
        # What becomes of the database is the primary host's doing.
        return
    if migrations.applied is None:
        # A first deploy: the project's own files tell of the project's own migrations.
        assert set(come) <= set(after.migrations)
        return
    assert sorted(after.migrations) == sorted({*before.migrations, *come} - {*gone})


def _assert_links(told: HostPreview, before: State, after: State) -> None:
    expected: dict[str, Any] = dict(before.links)
    for link in told.links:
        assert expected.get(link.path) == link.was
        if link.now is None:
            del expected[link.path]
        else:
            expected[link.path] = link.now
    assert after.links.keys() == expected.keys()
    for path, target in expected.items():
        pattern = re.escape(target).replace(re.escape("<time>"), r"\d{8}-\d{6}")
        assert re.fullmatch(pattern, after.links[path]), f"{path}: {after.links[path]}, not {target}"


def _assert_versions(told: HostPreview, before: State, after: State) -> None:
    deleted = {one.name for one in told.deletions}
    assert set(before.versions) - set(after.versions) == deleted
    made = set(after.versions) - set(before.versions)
    builds = any(step.name == "code" for step in told.steps)
    assert len(made) == (1 if builds and told.version is None else 0)
