"""What a host lacks to take a deploy: a pure function of what was seen there. Whatever a person made is left alone."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.service.obstacles import port_of
from agent.versions.layout import AUTO, SUPERVISORD, Layout
from agent.versions.written import unit_path
from switchback.checks import own_texts
from switchback.checks.links import PROVISION, is_bare
from switchback.settings.model import Settings

Facts = dict[str, Any]

# The text that a missing script starts from, by the setting that says where it goes.
SCRIPTS = {
    "backup_script": "backup_database.sh",
    "maintenance_start_script": "start_maintenance.sh",
    "maintenance_stop_script": "stop_maintenance.sh",
    "restore_script": "restore_database.sh",
}


# What a link is that the survey did not see.
NOTHING = {"kind": "missing"}


@dataclass(frozen=True)
class Supervisord:
    """A supervisord config of the host's own.

    + path: where it goes; link: by which the service finds it
    + values: what is filled in
    """

    path: str
    link: str
    values: dict[str, str]


@dataclass(frozen=True)
class Rewrite:
    """A file that an earlier provision has written, and that nobody has changed since.

    + was, now: its text; user: whose it is; mode: as chmod takes it
    """

    path: str
    was: str
    now: str
    user: str
    mode: str


@dataclass(frozen=True)
class Groundwork:
    """What provision does on a host.

    + packages: Debian's names of those that are missing
    + home: the app user's home, which may still be to be made
    + makes_app, makes_admin: whether the user has to be made
    + folders: the directories that have to be there
    + scripts: the missing ones' paths, each with the file that it is started from
    + supervisord: what the service is run by while the app brings no config; none where there is a service, or one
    + unit: the values for the service's unit; none where there is one
    + rewrites: the files that are as an earlier provision has written them
    + links: the missing ones of a host that has a live version, each with its target
    + adopted: versions that a person has made and that work
    """

    packages: tuple[str, ...]
    home: str
    makes_app: bool
    makes_admin: bool
    folders: tuple[str, ...]
    scripts: dict[str, str]
    supervisord: Supervisord | None
    unit: dict[str, str] | None
    rewrites: tuple[Rewrite, ...]
    links: dict[str, str]
    adopted: tuple[str, ...]


def lacking(facts: Facts, settings: Settings, can_make_venv: bool) -> Groundwork:
    """Find what a host lacks.

    + facts: what `Survey` saw; the app user may be missing
    + can_make_venv: whether the app's Python has what virtual environments are made with
    """
    users = facts["users"]
    home = str(facts.get("home") or f"/home/{settings.app_username}")
    layout = Layout(settings.model_dump(mode="json"), Path(home))
    bare = not users["app_username"] or is_bare(facts)
    scripts, supervisord = _scripts(facts, layout), _supervisord(facts, layout)
    return Groundwork(
        packages=tuple(_packages(facts, settings, can_make_venv)),
        home=home,
        makes_app=not users["app_username"],
        makes_admin=not users["admin_username"],
        folders=tuple(_folders(layout, scripts, logs=bare or supervisord is not None)),
        scripts=scripts,
        supervisord=supervisord,
        unit=_unit(layout) if _has_no_unit(facts) else None,
        rewrites=tuple(rewrites(facts, layout)),
        links={} if bare else dict(_links(facts, layout)),
        adopted=() if bare else tuple(_adopted(facts)),
    )


def _packages(facts: Facts, settings: Settings, can_make_venv: bool) -> list[str]:
    python = facts["tools"].get(settings.python)
    packages = [] if facts["tools"].get("git") else ["git"]
    # uv needs no module for it. Debian's own interpreters come without; anybody else's is theirs to complete.
    completes = not can_make_venv and not facts["tools"].get("uv")
    if python and completes and posixpath.dirname(python) == "/usr/bin":
        packages.append(posixpath.basename(python) + "-venv")
    return packages


def _scripts(facts: Facts, layout: Layout) -> dict[str, str]:
    seen = facts.get("scripts", {})
    missing = {}
    for key, source in SCRIPTS.items():
        path = layout.optional_path(key)
        if path is not None and not (seen.get(key) or {}).get("exists"):
            missing[str(path)] = source
    if layout.settings["restore_script"] == AUTO and _restores_what_it_backs_up(facts, layout, missing):
        missing[str(layout.usual_restore_script)] = SCRIPTS["restore_script"]
    return missing


def _restores_what_it_backs_up(facts: Facts, layout: Layout, missing: dict[str, str]) -> bool:
    """Whether our restore script is lacking: it matches our own backup script, and no other."""
    told = facts.get("restore") or {}
    ours = str(layout.path("backup_script")) in missing or told.get("provisioned")
    return bool(ours and not told.get("there"))


def _folders(layout: Layout, scripts: dict[str, str], logs: bool) -> list[str]:
    folders = [layout.versions, layout.path("deployment_dir"), *(Path(script).parent for script in scripts)]
    if "backup_database.sh" in scripts.values():
        folders.append(layout.home / "backups")
    if logs:
        folders.append(layout.home / "log")
    return [str(folder) for folder in dict.fromkeys(folders) if folder != layout.home]


def _has_no_unit(facts: Facts) -> bool:
    return bool(facts["unit"].get("LoadState") == "not-found")


def _supervisord(facts: Facts, layout: Layout) -> Supervisord | None:
    link = str(layout.path("deployment_dir") / SUPERVISORD)
    # What the live version brings gets its link with all the others.
    if not _has_no_unit(facts) or link in facts.get("links", {}) or link in facts.get("deployment", {}):
        return None
    return Supervisord(str(layout.host_supervisord), link, _supervisord_values(layout))


def _supervisord_values(layout: Layout) -> dict[str, str]:
    return {
        "home": str(layout.home),
        "config": str(layout.path("current_config")),
        "venv": str(layout.path("current_main") / str(layout.settings["venv_subdir"])),
        "port": str(port_of(layout.settings["health_url"])),
    }


def _unit(layout: Layout) -> dict[str, str]:
    paths = {"current": "current_main", "deployment": "deployment_dir", "venv": "current_venv_dir"}
    return {"user": layout.app, **{word: str(layout.path(key)) for word, key in paths.items()}}


def _own(facts: Facts, layout: Layout) -> Iterator[Rewrite]:
    """The files that are ours and have another text by now. What a person has changed is theirs."""
    found: dict[str, str] = facts.get("written") or {}
    path, values = str(unit_path(layout.settings["systemd_service"])), _unit(layout)
    was = found.get(path, "")
    if own_texts.is_own_unit(was, values):
        yield Rewrite(path, was, own_texts.unit_text(values, _needs(was, facts)), "root", "644")
    path, values = str(layout.host_supervisord), _supervisord_values(layout)
    was = found.get(path, "")
    if own_texts.is_own_supervisord(was, values):
        yield Rewrite(path, was, own_texts.supervisord_text(values), layout.app, "644")
    for key, name in SCRIPTS.items():
        script = layout.optional_path(key)
        was = found.get(str(script), "")
        if own_texts.is_own_script(was, name):
            yield Rewrite(str(script), was, (own_texts.FILES / name).read_text(), layout.app, "755")


def _needs(unit: str, facts: Facts) -> int:
    """How long a unit of ours is to say that its programs may take to end: what it says while that is enough."""
    told, needs = own_texts.told_needs(unit), facts.get("programs_need")
    if needs is None:
        # Nothing runs, so that nobody can say.
        needs = 0
    if told is not None and needs < own_texts.stop_limit(told):
        return told
    return max(int(needs), own_texts.OF_OUR_OWN)


def rewrites(facts: Facts, layout: Layout) -> list[Rewrite]:
    """Those of them whose text has changed since."""
    return [one for one in _own(facts, layout) if one.was != one.now]


def rewrite_notices(facts: Facts, settings: Settings) -> list[str]:
    """The files that provision would write anew, as check tells them."""
    layout = Layout(settings.model_dump(mode="json"), Path(facts["home"]))
    return [
        f"{one.path} is as an earlier provision has written it: {PROVISION} (--dry --diff shows what changes)"
        for one in rewrites(facts, layout)
    ]


def _links(facts: Facts, layout: Layout) -> list[tuple[str, str]]:
    if not facts["linked"]["current"]:
        # Which version ought to be live is a person's to say.
        return []
    wanted = {str(link): str(target) for link, target in layout.fixed_links().items()}
    if facts["healthy"]["healthy"]:
        current = layout.version(facts["linked"]["current"])
        wanted[str(layout.main_links()["working"])] = str(current)
    wanted |= {link: told["target"] for link, told in facts["deployment"].items()}
    return [(link, target) for link, target in wanted.items() if facts["links"].get(link, MISSING)["kind"] == "missing"]


MISSING = {"kind": "missing"}


def _adopted(facts: Facts) -> list[str]:
    words = ["working", "previous_working", *(["current"] if facts["healthy"]["healthy"] else [])]
    linked = dict.fromkeys(facts["linked"][word] for word in words)
    known = {version.name: version for version in facts["versions"]}
    return [name for name in linked if name and not known[name].working and not known[name].failed]
