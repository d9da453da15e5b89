"""What is wrong with a host: a pure function of what was seen there. All problems at once, each with what to do."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from typing import Any

from agent.versions.layout import AUTO
from switchback.settings.model import Settings

Facts = dict[str, Any]

# Besides the version itself: the journal, a backup, what the app writes meanwhile.
SPARE_BYTES = 200 * 1024 * 1024
SPARE_INODES = 20_000
# A first version's size, where there is none to go by.
FIRST_VERSION_BYTES = 200 * 1024 * 1024

PROVISION = "run deploys/provision.py"


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
    app = (_folders, _links, _deployment_links, _scripts, _supervisord)
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


def is_bare(facts: Facts) -> bool:
    """Whether no version was ever live on the host."""
    return all(facts["links"][link]["kind"] == "missing" for link in main_links(facts).values())


def main_links(facts: Facts) -> dict[str, str]:
    """The four links' paths, in the order in which the survey has them."""
    words = ("current", "previous", "working", "previous_working")
    return dict(zip(words, list(facts["links"])[:4], strict=True))


def _links(facts: Facts, settings: Settings) -> Iterator[str]:
    if is_bare(facts):
        # The first deploy makes the links, where nothing is in the way.
        for path in facts["fixed"]:
            if facts["links"][path]["kind"] not in ("missing", "link"):
                yield from _link_problem(path, facts["links"][path])
        return
    for word, path in main_links(facts).items():
        link = facts["links"][path]
        if link["kind"] == "missing":
            # A host with a single version has nothing before it.
            if word in ("current", "working"):
                # What works can be told by looking, what ought to be live can't.
                either = f"{PROVISION}, or " if word == "working" and facts["healthy"]["healthy"] else ""
                yield f"{path} is missing: {either}make it a link to the version that {MEANING[word]}"
        else:
            yield from _link_problem(path, link)
            if link["kind"] == "link" and link["leads"] and not facts["linked"][word]:
                yield (
                    f"{path} leads to {link['resolved']}, which is not a version in {settings.versions_dir}: make it a "
                    f"link to the version that {MEANING[word]}"
                )
    for path, target in facts["fixed"].items():
        yield from _fixed_link(facts, path, target)


# What each of the four links stands for, as a sentence goes on after "the version that".
MEANING = {
    "current": "is live",
    "previous": "was live before",
    "working": "last proved healthy",
    "previous_working": "proved healthy before that",
}


def _fixed_link(facts: Facts, path: str, target: str) -> Iterator[str]:
    """A link that leads into the live version whichever that is."""
    link = facts["links"][path]
    if link["kind"] == "missing":
        yield f"{path} is missing: {PROVISION}, or make it a link to {target}"
        return
    if link["kind"] == "link" and not facts["linked"]["current"]:
        # It can lead nowhere, and what to do about that has been said of the link to the live version.
        return
    problems = list(_link_problem(path, link))
    yield from problems
    if not problems and not _follows(facts, path, target):
        yield f"{path} leads to {link['resolved']}, not into the live version: make it a link to {target}"


def _follows(facts: Facts, path: str, target: str) -> bool:
    """Whether a fixed link leads to its target, in its own words or by another way."""
    link = facts["links"][path]
    if posixpath.normpath(posixpath.join(posixpath.dirname(path), link["target"])) == target:
        return True
    current = main_links(facts)["current"]
    live = target.replace(current, facts["links"][current]["resolved"], 1)
    return bool(link["resolved"] == live)


def _link_problem(path: str, link: Facts) -> Iterator[str]:
    if link["kind"] != "link":
        what = "directory" if link["kind"] == "folder" else link["kind"]
        yield f"{path} is a {what} and has to be a link: move it away, then {PROVISION}"
    elif not link["leads"]:
        yield f"{path} leads to {link['target']}, which does not exist: make it a link to something that does"


def _deployment_links(facts: Facts, settings: Settings) -> Iterator[str]:
    if facts["folders"]["deployment_dir"] != "folder" or not facts["linked"]["current"]:
        return
    for path, wanted in facts["deployment"].items():
        link = facts["links"].get(path)
        if link is None:
            yield f"{path} is not a link to {wanted['target']}: move it away if it is there, then {PROVISION}"
        elif link["resolved"] != wanted["resolved"]:
            yield f"{path} leads to {link['resolved']}, not to {wanted['target']}: make it a link to that"
    for path, link in facts["links"].items():
        if path.startswith(facts["deployment_path"] + "/") and path not in facts["deployment"] and not link["leads"]:
            yield f"{path} leads to {link['target']}, which does not exist: remove it"


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
    sizes = [int(version["bytes"]) for version in facts["versions"] if version["bytes"]]
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
    "links": (_links, _deployment_links),
    "scripts": (_scripts,),
    "room": (_disk,),
}


def rolling_problems(facts: Facts) -> list[str]:
    """What keeps the live version's processes from being replaced one by one, where the settings ask for that."""
    found = (facts.get("rolling") or {}).get("obstacles") or []
    return [f"restart: rolling is not possible, so the service restarts as a whole: {one}" for one in found]


def link_notices(facts: Facts) -> list[str]:
    """The programs that would import from another version than their own while a deploy replaces them."""
    return list(facts.get("by_a_link") or ())


def restore_notices(facts: Facts, settings: Settings) -> list[str]:
    """That nothing restores a backup, on a host whose backups provision's own script makes."""
    told = facts.get("restore") or {}
    if settings.restore_script != AUTO or not told.get("provisioned") or facts["scripts"]["restore_script"]:
        return []
    lacks = "a migration that can't be reversed, or that discards what is stored, will be refused"
    if told["there"]:
        return [f"{told['usual']} is not the one that provision writes: name it as restore_script, or {lacks}"]
    return [f"no script restores a backup, so that {lacks}: {PROVISION}, which writes {told['usual']}"]


def hotfix_problems(facts: Facts) -> list[str]:
    """What was changed on the host itself and is in no repository."""
    problems = []
    for part, lines in facts.get("hotfixes", {}).items():
        listing = "".join(f"\n    {line}" for line in lines)
        problems.append(
            f"hotfixes in the live {part}:{listing}\n    Bring them into the repository, or go on without them: "
            "--data hotfixes=discard (a patch of them is kept in the version that they are in)"
        )
    return problems


def transaction_problems(facts: Facts) -> list[str]:
    """Why no run can begin on the host now."""
    opened = facts.get("transaction")
    return [opened["says"]] if opened else []


def schema_notices(facts: Facts) -> list[str]:
    """What keeps a live version that is healthy from using a database that is newer than its code."""
    live = facts["linked"]["current"]
    told: list[str] = next((one.get("newer_schema", []) for one in facts["versions"] if one["name"] == live), [])
    return [f"the database is newer than the code of {live}: {line}" for line in told]
