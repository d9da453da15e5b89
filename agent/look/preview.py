"""What a run would do to this host, read and changed nowhere: commits, packages, migrations, static files, windows."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from agent.django import foresight
from agent.host.command import CommandFailed
from agent.host.parallel import at_once
from agent.host.users import acting_as
from agent.look.app import app_to_come
from agent.look.request import Look
from agent.look.requirements import packages_to_come
from agent.repository.commits import between, check_out_in, repository_with
from agent.restart.mode import decide_restart_mode
from agent.state import State
from agent.steps.build import trial
from agent.text.lines import first_line
from agent.text.masking import masked_message
from agent.transaction.downtime import last_windows
from agent.versions.layout import Layout

Found = dict[str, Any]


def preview(state: State, request: Found, read_only: bool) -> Found:
    """Read what a run would do.

    + request: `settings`; `urls` of code and config; `was`, the live version; `version` and `built`, where it goes and
      whether that is built already; `commits`, the full ids of code and config to go to, where it is not; `live`, those
      that are live; `database`, what becomes of the migrations that are left; `diff`, whether SQL and texts are wanted
    + read_only: whether nothing can be written; the app is asked only then
    """
    look = Look(Layout.of(request["settings"]), request, read_only)
    runner = look.runner
    with acting_as(look.layout.app):
        room = Path(tempfile.mkdtemp(prefix="switchback-"))
    try:
        foresight.lay_out(runner, room)
        found = _read(look, room)
    finally:
        with acting_as(look.layout.app):
            shutil.rmtree(room, ignore_errors=True)
    return {**found, "windows": last_windows(state), "read_only": read_only}


def _read(look: Look, room: Path) -> Found:
    sources = at_once({part: partial(_source, look, room, part) for part in ("code", "config") if look.commits})
    jobs: dict[str, Callable[[], Any]] = {
        part: partial(_changes, look, part, source) for part, source in sources.items()
    }
    jobs["packages"] = partial(packages_to_come, look, sources.get("code"))
    jobs["app"] = partial(app_to_come, look, room, sources)
    found = at_once(jobs)
    app = _less_certain(look, found.pop("app"), found["packages"])
    return {**found, **app, **_config_names(look, room), **_service(look, room)}


def _service(look: Look, room: Path) -> Found:
    """How the service would be restarted, and why there would be no trial start: by supervisord's config to come."""
    folder = room / look.settings["config_subdir"]
    config = folder if folder.is_dir() else None
    return {
        "restart": decide_restart_mode(look.layout, look.was, look.version, config),
        "no_trial": trial.why_none(look.layout, look.version, config),
    }


def _less_certain(look: Look, app: Found, has: Found) -> Found:
    """What the new code has said with the packages that are live, where it will have others."""
    changes = any(has.get(key) for key in ("added", "removed", "up", "down", "unsure"))
    if look.built or not (changes or has["source"] in ("pins", "unknown")):
        return app
    why = "asked with the packages that are live now, and it will have others"
    return {key: told if told["source"] != "django" else {**told, "why": why} for key, told in app.items()}


def _source(look: Look, room: Path, part: str) -> Found:
    """A repository that has the commit to come, with that commit checked out into the room unless it is built."""
    mirror = look.layout.own / (part + ".git")
    try:
        commit = look.commits[part]
        repository = repository_with(look.runner, look.urls[part], mirror, commit, room / (part + ".git"))
        folder = room / look.settings[part + "_subdir"]
        if not look.built:
            check_out_in(look.runner, repository, folder, commit)
    except CommandFailed as problem:
        return {"problem": masked_message(first_line(str(problem)))}
    return {"repository": str(repository), "folder": str(folder)}


def _changes(look: Look, part: str, source: Found) -> Found | None:
    before, after = look.live.get(part), look.commits[part]
    if not before or after.startswith(before):
        return None
    if "problem" in source:
        return {"unknown": source["problem"]}
    text = look.diff and part == "config"
    try:
        return between(look.runner, Path(source["repository"]), before, after, text)
    except CommandFailed as problem:
        return {"unknown": masked_message(first_line(str(problem)))}


def _config_names(look: Look, room: Path) -> Found:
    """What the config to come has at its top, and what of it the deployment directory gets links to."""
    config = look.layout.part(look.version, "config") if look.built else room / look.settings["config_subdir"]
    if not config.is_dir():
        return {"entries": None, "laid": {}}
    laid = {str(link): str(target) for link, target in look.layout.deployment_links(config).items()}
    return {"entries": sorted(path.name for path in config.iterdir()), "laid": laid}
