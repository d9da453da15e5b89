"""What a host lacks to take a deploy: a pure function of what was seen there. Whatever a person made is left alone."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.service.obstacles import port_of
from agent.versions.layout import AUTO, SUPERVISORD, Layout, log_rotation
from agent.words.facts import HostFacts, Site
from switchback.checks import own_texts
from switchback.checks.git_access import GitAccess, git_access
from switchback.checks.links import PROVISION
from switchback.checks.postgresql import DatabaseServer, database_server
from switchback.checks.web import WebServer, web_server
from switchback.settings.model import Settings

# The text that a missing script starts from, by the setting that says where it goes.
SCRIPTS = {
    "backup_script": "backup_database.sh",
    "maintenance_start_script": "start_maintenance.sh",
    "maintenance_stop_script": "stop_maintenance.sh",
    "restore_script": "restore_database.sh",
}


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
    + manage: the path of what runs manage.py for people and cron, and what is filled in
    + supervisord: what the service is run by while the app brings no config; none where there is a service, or one
    + unit: the values for the service's unit; none where there is one
    + rewrites: the files that are as an earlier provision has written them
    + git: what it lacks to get at its repositories by SSH
    + web: what there is to do about the web server; database: about a database of its own
    + rotation: the file that says how its logs are rotated, and its text, where that is missing
    + links: the missing ones of a host that has a live version, each with its target
    + adopted: versions that a person has made and that work
    """

    packages: tuple[str, ...]
    home: str
    makes_app: bool
    makes_admin: bool
    folders: tuple[str, ...]
    scripts: dict[str, str]
    manage: tuple[str, dict[str, str]]
    supervisord: Supervisord | None
    unit: dict[str, str] | None
    rewrites: tuple[Rewrite, ...]
    git: GitAccess
    web: WebServer
    database: DatabaseServer
    rotation: tuple[str, str] | None
    links: dict[str, str]
    adopted: tuple[str, ...]


def lacking(facts: HostFacts, settings: Settings, can_make_venv: bool) -> Groundwork:
    """Find what a host lacks.

    + can_make_venv: whether the app's Python has what virtual environments are made with
    """
    site, unit_missing = facts.site, facts.service == "not-found"
    home = site.home if site else f"/home/{settings.app_username}"
    layout = Layout(settings.for_host(), Path(home))
    live = None if site is None or site.is_bare else site
    git, web = git_access(site, settings, home), web_server(facts, settings, layout)
    database, rotation = database_server(facts, settings), str(log_rotation(settings.site))
    # Without a config repository each version brings its own.
    needs_own = unit_missing and settings.config_repo_url is not None
    scripts, supervisord = _scripts(site, layout), _supervisord(site, layout) if needs_own else None
    return Groundwork(
        packages=(*_packages(facts, git, can_make_venv), *web.packages, *database.packages),
        home=home,
        makes_app=site is None,
        makes_admin=not facts.admin,
        folders=tuple(_folders(layout, scripts, logs=live is None or supervisord is not None)),
        scripts=scripts,
        manage=_manage(layout),
        supervisord=supervisord,
        unit=_unit(layout) if unit_missing else None,
        rewrites=tuple(rewrites(site, layout)) if site else (),
        git=git,
        web=web,
        database=database,
        rotation=None if site and rotation in site.written else (rotation, _rotation_text(site, layout)),
        links=dict(_links(live, layout)) if live else {},
        adopted=tuple(_adopted(live)) if live else (),
    )


def _packages(facts: HostFacts, git: GitAccess, can_make_venv: bool) -> list[str]:
    packages = [] if facts.git else ["git"]
    if not facts.logrotate:
        packages.append("logrotate")
    if git.needs_ssh and not facts.ssh:
        packages.append("openssh-client")
    # uv needs no module for it. Debian's own interpreters come without; anybody else's is theirs to complete.
    completes = not can_make_venv and not facts.uv
    if facts.python and completes and posixpath.dirname(facts.python) == "/usr/bin":
        packages.append(posixpath.basename(facts.python) + "-venv")
    return packages


def _scripts(site: Site | None, layout: Layout) -> dict[str, str]:
    there = {key for key, script in site.scripts.items() if script.exists} if site else set[str]()
    missing = {}
    for key, source in SCRIPTS.items():
        path = layout.optional_path(key)
        if path is not None and key not in there:
            missing[str(path)] = source
    if layout.settings.restore_script == AUTO and _restores_what_it_backs_up(site, layout, missing):
        missing[str(layout.usual_restore_script)] = SCRIPTS["restore_script"]
    own = {one.path for one in _own(site, layout)} if site else set[str]()
    for script, tools in layout.database_tools.items():
        if str(script) in missing or str(script) in own:
            missing.update({str(tool): tool.name for tool in tools if site is None or str(tool) not in site.written})
    return missing


def _manage(layout: Layout) -> tuple[str, dict[str, str]]:
    current, settings = layout.path("current_main"), layout.settings
    values = {"current": current, "config": settings.config_subdir, "venv": settings.venv_subdir, "user": layout.app}
    return str(layout.home / "bin" / "manage"), {word: repr(str(value)) for word, value in values.items()}


def _restores_what_it_backs_up(site: Site | None, layout: Layout, missing: dict[str, str]) -> bool:
    """Whether our restore script is lacking: it matches our own backup script, and no other."""
    ours = str(layout.path("backup_script")) in missing or (site is not None and site.restore.provisioned)
    return ours and not (site and site.restore.there)


def _folders(layout: Layout, scripts: dict[str, str], logs: bool) -> list[str]:
    folders = [
        layout.versions,
        layout.path("deployment_dir"),
        layout.home / "bin",
        *(Path(script).parent for script in scripts),
    ]
    if "backup_database.sh" in scripts.values():
        folders.append(layout.home / "backups")
    if logs:
        folders.append(layout.home / "log")
    return [str(folder) for folder in dict.fromkeys(folders) if folder != layout.home]


def _supervisord(site: Site | None, layout: Layout) -> Supervisord | None:
    link = str(layout.path("deployment_dir") / SUPERVISORD)
    # What the live version brings gets its link with all the others.
    if site and (link in site.links or link in site.deployment):
        return None
    return Supervisord(str(layout.host_supervisord), link, _supervisord_values(layout))


def _supervisord_values(layout: Layout) -> dict[str, str]:
    return {
        "home": str(layout.home),
        "config": str(layout.path("current_config")),
        "venv": str(layout.path("current_main") / layout.settings.venv_subdir),
        "port": str(port_of(layout.settings.health_url)),
    }


def _unit(layout: Layout) -> dict[str, str]:
    paths = {"current": "current_main", "deployment": "deployment_dir", "venv": "current_venv_dir"}
    needs = own_texts.OF_OUR_OWN + layout.settings.processes_stop
    found = {word: str(layout.path(key)) for word, key in paths.items()}
    return {"user": layout.app, own_texts.NEEDS: str(needs), **found}


def _rotation_text(site: Site | None, layout: Layout) -> str:
    return own_texts.rotation_text(str(layout.home), layout.app, (site and site.group) or layout.app)


def _own(site: Site, layout: Layout) -> Iterator[Rewrite]:
    """The files that are ours and have another text by now. What a person has changed is theirs."""
    found = site.written
    path, values = str(layout.unit), _unit(layout)
    was = found.get(path, "")
    if own_texts.is_own_unit(was, values):
        yield Rewrite(path, was, own_texts.unit_text(values, _needs(was, values, site.programs_need)), "root", "644")
    path, values = str(layout.host_supervisord), _supervisord_values(layout)
    was = found.get(path, "")
    if own_texts.is_own_supervisord(was, values):
        yield Rewrite(path, was, own_texts.supervisord_text(values), layout.app, "644")
    path = str(log_rotation(layout.settings.site))
    was = found.get(path, "")
    if own_texts.is_signed(was):
        yield Rewrite(path, was, _rotation_text(site, layout), "root", "644")
    places = {str(layout.script(key)): name for key, name in SCRIPTS.items()}
    places.update({str(tool): tool.name for tools in layout.database_tools.values() for tool in tools})
    for path, name in places.items():
        was = found.get(path, "")
        if own_texts.is_own_script(was, name):
            yield Rewrite(path, was, (own_texts.FILES / name).read_text(), layout.app, "755")


def _needs(unit: str, values: Mapping[str, str], needs: int | None) -> int:
    """How long a unit of ours is to say that its programs may take to end: what it says while that is enough.

    + needs: how long those that run may take, seconds; None where none do, so that nobody can say
    """
    told, named = own_texts.told_needs(unit), int(values[own_texts.NEEDS]) - own_texts.OF_OUR_OWN
    if told is not None and max(needs or 0, named) < own_texts.stop_limit(told):
        return told
    return max(needs or 0, int(values[own_texts.NEEDS]))


def rewrites(site: Site, layout: Layout) -> list[Rewrite]:
    """Those of them whose text has changed since."""
    return [one for one in _own(site, layout) if one.was != one.now]


def rewrite_notices(site: Site, settings: Settings) -> list[str]:
    """The files that provision would write anew, as check tells them."""
    layout = Layout(settings.for_host(), Path(site.home))
    return [
        f"{one.path} is as an earlier provision has written it: {PROVISION} (--dry --diff shows what changes)"
        for one in rewrites(site, layout)
    ]


def _links(site: Site, layout: Layout) -> list[tuple[str, str]]:
    live = site.linked.current
    if not live:
        # Which version ought to be live is a person's to say.
        return []
    wanted = {str(link): str(target) for link, target in layout.fixed_links().items()}
    if site.health.healthy:
        wanted[str(layout.main_links()["working"])] = str(layout.version(live))
    wanted |= {link: told.target for link, told in site.deployment.items()}
    return [(link, target) for link, target in wanted.items() if link not in site.links or site.links[link].is_missing]


def _adopted(site: Site) -> list[str]:
    names = (site.linked.working, site.linked.previous_working, site.linked.current if site.health.healthy else None)
    known = [one for name in dict.fromkeys(names) if (one := site.version(name))]
    return [one.name for one in known if not one.working and not one.failed]
