"""What is wrong with a host: a pure function of what was seen there. All problems at once, each with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from switchback.checks.links import PROVISION, deployment_links_problems, links_problems
from switchback.settings.model import Settings

Facts = dict[str, Any]

# Besides the version itself: the journal, a backup, what the app writes meanwhile.
SPARE_BYTES = 200 * 1024 * 1024
SPARE_INODES = 20_000
# A first version's size, where there is none to go by.
FIRST_VERSION_BYTES = 200 * 1024 * 1024


def host_problems(facts: Facts, settings: Settings, builds: bool = True) -> list[str]:
    """Find everything that keeps a host from taking a deploy.

    + facts: what `Survey` saw; empty when the host could not be read
    + builds: whether a version is to be built; going back needs no room for one
    """
    if not facts:
        return [
            f"the host can't be looked at: {settings.admin_username} needs sudo without a password (or run with "
            "--use-sudo-password), and the host needs python3"
        ]
    if not facts["users"]["app_username"]:
        # All the rest is this user's, and can't be looked at without.
        return _find(facts, settings, _users, _tools, _agent, _service)
    app = (_folders, links_problems, deployment_links_problems, _scripts, _supervisord)
    room = (_disk, _wheelhouse, _makes_venv) if builds else ()
    return _find(facts, settings, _users, _tools, _agent, _service, *app, *room)


def _find(facts: Facts, settings: Settings, *finders: Callable[[Facts, Settings], Iterator[str]]) -> list[str]:
    return [problem for finder in finders for problem in finder(facts, settings)]


def places_without_problem(facts: Facts, settings: Settings) -> dict[str, bool]:
    """What of a host's layout is looked at, and whether nothing is wrong with it."""
    return {
        name: not [problem for find in finders for problem in find(facts, settings)] for name, finders in PLACES.items()
    }


def ready(facts: Facts, settings: Settings) -> str:
    """The sentence for a host without problems: what is live on it, and how that is."""
    current = facts["linked"]["current"]
    if not current:
        return "ready for its first deploy"
    health = facts["healthy"]
    state = "live and healthy" if health["healthy"] else f"live, but NOT healthy: {health['problem']}"
    return f"ready: {current} is {state}"


def _users(facts: Facts, settings: Settings) -> Iterator[str]:
    for key in ("app_username", "admin_username"):
        if not facts["users"][key]:
            yield f"there is no user {getattr(settings, key)}: {PROVISION}"


def _tools(facts: Facts, settings: Settings) -> Iterator[str]:
    if not facts["tools"].get("git"):
        yield f"git is not installed: {PROVISION}, or apt install git"
    if not facts["tools"].get(settings.python):
        yield f"the Python for the app, {settings.python}, is not there: install it, or change `python` in the settings"


def _makes_venv(facts: Facts, settings: Settings) -> Iterator[str]:
    if facts.get("makes_venv") is False:
        yield (
            f"neither uv nor the venv module of {settings.python} is there, and each version has an environment of its "
            f"own: {PROVISION}, or apt install python3-venv"
        )


def _agent(facts: Facts, settings: Settings) -> Iterator[str]:
    if not facts["agent"]:
        yield f"the agent is not installed: {PROVISION}"


def _folders(facts: Facts, settings: Settings) -> Iterator[str]:
    # It may be a link, to another disk for example.
    if facts["folders"]["versions_dir"] not in ("folder", "link"):
        yield f"versions_dir {settings.versions_dir} is not a directory: {PROVISION}"
    kind = facts["folders"]["deployment_dir"]
    if kind == "missing":
        yield f"deployment_dir {settings.deployment_dir} is missing: {PROVISION}"
    elif kind != "folder":
        yield (
            f"deployment_dir {settings.deployment_dir} is a {kind} and has to be a directory of its own: move it away, "
            f"then {PROVISION}"
        )


def _supervisord(facts: Facts, settings: Settings) -> Iterator[str]:
    if facts.get("supervisord"):
        yield f"the service would not start again: {facts['supervisord']}: mend the host's own supervisord.conf"


def _scripts(facts: Facts, settings: Settings) -> Iterator[str]:
    for key, script in facts["scripts"].items():
        if script is None:
            continue
        if not script["exists"]:
            yield f"{key} {script['path']} is missing: write it, or {PROVISION} for one to start from"
        elif not script["executable"]:
            yield f"{key} {script['path']} can't be run by {settings.app_username}: chmod a+x {script['path']}"


def _service(facts: Facts, settings: Settings) -> Iterator[str]:
    service, load = settings.systemd_service, facts["unit"].get("LoadState")
    if load is None:
        yield "systemd can't be asked for its units: the host has to run systemd (systemctl status)"
    elif load == "not-found":
        yield f"systemd has no service {service}: {PROVISION}"
    elif load == "masked":
        yield f"the service {service} is masked: systemctl unmask {service}"
    elif load != "loaded":
        yield f"systemd can't load the service {service} ({load}): see systemctl status {service}"


def _disk(facts: Facts, settings: Settings) -> Iterator[str]:
    needed = room_needed(facts)
    disk = facts["disk"]
    if disk["free"] < needed:
        yield (
            f"{disk['free'] / 1e6:.0f} MB are free in {settings.versions_dir}, and one more version needs "
            f"{needed / 1e6:.0f} MB: run deploys/clean.py, or make room"
        )
    if disk["has_inodes"] and disk["inodes"] < SPARE_INODES:
        yield (
            f"only {disk['inodes']} more files can be made in {settings.versions_dir} (inodes), and one more version "
            f"needs up to {SPARE_INODES}: run deploys/clean.py, or make room"
        )


def room_needed(facts: Facts) -> int:
    """What one more version may take, bytes: as much as the largest so far, and something to spare."""
    sizes = [version.bytes for version in facts["versions"] if version.bytes]
    return max(sizes, default=FIRST_VERSION_BYTES) + SPARE_BYTES


def _wheelhouse(facts: Facts, settings: Settings) -> Iterator[str]:
    if settings.wheelhouse and not facts["wheelhouse"]:
        yield f"wheelhouse {settings.wheelhouse} is not a directory on the host: copy the wheels there, or change it"


PLACES: dict[str, tuple[Callable[[Facts, Settings], Iterator[str]], ...]] = {
    "users": (_users,),
    "tools": (_tools, _makes_venv),
    "agent": (_agent,),
    "service": (_service, _supervisord),
    "folders": (_folders, _wheelhouse),
    "links": (links_problems, deployment_links_problems),
    "scripts": (_scripts,),
    "room": (_disk,),
}
