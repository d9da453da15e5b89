"""What the survey sees of a host that is as it should be, for tests to change one thing of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent.words.facts import Disk, Health, HostFacts, Link, Linked, OpenRun, Restore, Script, Site, Wanted
from agent.words.needs import Databases, InTheWay, Needs, Stops
from agent.words.outcomes import Outcome
from agent.words.seen import Kept, Version
from agent.words.settings import Settings as HostSettings
from switchback.settings.model import Settings

OLDER = "django-20250106-100000-9b1fcb4-e1ec11b"
NEWER = "django-20250113-100000-cd7050e-e1ec11b"
HOME = "/home/app"


def settings(**values: Any) -> Settings:
    """Settings with nothing in them but what is required, and the given ones."""
    required = {
        "website_url": "https://www.example.com/",
        "code_repo_url": "git@git.example.com:site/code.git",
        "config_repo_url": "git@git.example.com:site/config.git",
        "code_branch": "main",
        "config_branch": "main",
        # What `auto` stands for on a host whose scripts a person has written.
        "restore_script": None,
    }
    return Settings(**{**required, **values})


def host_settings(**changes: Any) -> HostSettings:
    """What a host is told of such settings, but for what is changed."""
    return replace(settings().for_host(), **changes)


def link(target: str, resolved: str) -> Link:
    """A link as the survey describes it."""
    return Link("link", resolved, target, leads=True)


def no_link(path: str, kind: str = "missing") -> Link:
    """What isn't a link, or isn't there."""
    return Link(kind, path, leads=kind != "missing")


def dangling(target: str) -> Link:
    """A link that leads nowhere."""
    return Link("link", target, target)


def version(name: str, **values: Any) -> Version:
    """A version as the survey describes it."""
    known = Version(
        name,
        sealed=True,
        ours=True,
        code="cd7050e4e2ac7f7aca69889f2a849cf784cca162",
        config="e1ec11b33c2580d821bfcd82e5911ae7cb9d222a",
        refs={"code": "good-1", "config": "main"},
        bytes=79_208_448,
        age=390,
        working=True,
    )
    return replace(known, **values)


def script(name: str, exists: bool = True, executable: bool = True) -> Script:
    """A script as the survey describes it."""
    return Script(f"{HOME}/scripts/{name}.sh", exists, executable)


CURRENT = f"{HOME}/django-current"
MAIN = {
    "current": CURRENT,
    "previous": f"{HOME}/django-previous",
    "working": f"{HOME}/django-working",
    "previous_working": f"{HOME}/django-previous-working",
}
FIXED = {f"{HOME}/venv": f"{CURRENT}/venv", f"{HOME}/django": f"{CURRENT}/code"}
LAID = ("settings.py", "wsgi.py")
USUAL = f"{HOME}/scripts/restore_database.sh"


def site(live: str = NEWER, before: str = OLDER, **changes: Any) -> Site:
    """A site with two versions, all links, and nothing wrong, but for what is changed.

    + live: the version that is live; before: the one that was
    """
    folder = f"{HOME}/{live}"
    links = {path: link(target, target.replace(CURRENT, folder)) for path, target in FIXED.items()}
    laid = {f"{HOME}/deployment/{name}": f"config/{name}" for name in LAID}
    known = Site(
        home=HOME,
        versions_dir="folder",
        deployment_dir="folder",
        main=MAIN,
        fixed=FIXED,
        links={
            **{
                path: link(f"{HOME}/{name}", f"{HOME}/{name}")
                for path, name in zip(MAIN.values(), (live, before, live, before), strict=True)
            },
            **links,
            **{path: link(f"{CURRENT}/{name}", f"{folder}/{name}") for path, name in laid.items()},
        },
        linked=Linked(live, before, live, before),
        deployment={path: Wanted(f"{CURRENT}/{name}", f"{folder}/{name}") for path, name in laid.items()},
        scripts={
            "backup_script": script("backup_database"),
            "maintenance_start_script": script("start_maintenance"),
            "maintenance_stop_script": script("stop_maintenance"),
        },
        restore=Restore(USUAL, there=False, provisioned=False),
        versions=(version(live, links=("current", "working")), version(before, links=("previous", "previous_working"))),
        lineage=(),
        history=(),
        disk=Disk(10**10, 10**6),
        health=Health(None, (1, 2)),
        kept=Kept(0, 0, 0, 0, None),
    )
    return replace(known, **changes)


def with_links(changes: dict[str, Link], **more: Any) -> Site:
    """A site as it should be, but for what is at these paths."""
    return site(links={**site().links, **changes}, **more)


def with_script(key: str, found: Script, **more: Any) -> Site:
    """A site as it should be, but for one script."""
    return site(scripts={**site().scripts, key: found}, **more)


def with_supervisord(target: str) -> Site:
    """A site whose deployment directory needs a link to a supervisord config, too."""
    path = f"{HOME}/deployment/supervisord.conf"
    return site(deployment={**site().deployment, path: Wanted(target, target)})


def host(of: Site | None = None, **changes: Any) -> HostFacts:
    """A host as it should be, but for what is changed.

    + of: its site; one as it should be unless it is given
    """
    known = HostFacts(
        agent="cd20b04956cba714",
        hears=True,
        admin=True,
        service="loaded",
        git=True,
        uv=False,
        python="/usr/bin/python3",
        transaction=None,
        now=1_795_475_500.0,
        site=of or site(),
    )
    return replace(known, **changes)


def needs(**changes: Any) -> Needs:
    """What is seen where all that a deploy needs was tried, and nothing is wrong with it, but for what is changed."""
    known = Needs(website=None, database=Databases(), in_the_way=InTheWay((), None, Stops(None, 0, "")))
    return replace(known, **changes)


def bare_site(**changes: Any) -> Site:
    """The same where provision has made all fit, and no version was ever live."""
    known = site(
        links={path: no_link(path) for path in (*MAIN.values(), *FIXED)},
        linked=Linked(),
        deployment={},
        versions=(),
        health=Health("no version is live"),
    )
    return replace(known, **changes)


def bare(**changes: Any) -> HostFacts:
    """A host that provision has made fit, and that no version was ever live on."""
    return host(bare_site(**changes))


def untouched(**changes: Any) -> HostFacts:
    """A host as it was installed: there is not even an app user."""
    return host(**{"agent": None, "hears": False, "service": "not-found", "site": None, **changes})


def open_run(says: str, outcome: Outcome | None = None, **changes: Any) -> OpenRun:
    """A run that holds a host."""
    known = OpenRun(deploy="x", kind="deploy", says=says, outcome=outcome, step="code")
    return replace(known, **changes)
