"""What a run would do to this host, read and changed nowhere: commits, packages, migrations, static files, windows."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from agent.django import foresight
from agent.environment import secrets
from agent.environment.fingerprint import changes
from agent.environment.variables import conceal
from agent.host.command import CommandFailed
from agent.host.files import remove
from agent.host.parallel import Beside, at_once
from agent.host.reading import names
from agent.host.users import acting_as
from agent.look.app import app_to_come
from agent.look.request import LIMIT, Look, Source
from agent.look.requirements import packages_to_come
from agent.project import generate
from agent.project.compared import made_config
from agent.project.found import NotFound
from agent.repository.commits import between, check_out_in, repository_with
from agent.restart.mode import decide_restart_mode
from agent.shared.looks import look as look_at_shared
from agent.state import State
from agent.steps.build import trial
from agent.text.lines import first_line
from agent.text.masking import masked_message
from agent.transaction.downtime import last_windows
from agent.versions.layout import Layout
from agent.words.foreseen import App, Changes, ConfigToCome, Foreseen, Made, PackageChanges, Packages, SharedPlace
from agent.words.requests import Preview


def preview(state: State, request: Preview, read_only: bool) -> Foreseen:
    """Read what a run would do.

    + read_only: whether nothing can be written; the app is asked only then
    """
    conceal(state, also=request.secrets)
    look = Look(Layout.of(request.settings), request, read_only, _secrets_now(state))
    with acting_as(look.layout.app):
        room = Path(tempfile.mkdtemp(prefix="switchback-"))
    try:
        foresight.lay_out(look.runner, room)
        return _read(state, look, room)
    finally:
        with acting_as(look.layout.app), contextlib.suppress(OSError):
            remove(room)


def _secrets_now(state: State) -> Mapping[str, str]:
    """The secrets that the site has; none where nobody can read them, as a survey has said."""
    try:
        return secrets.read(secrets.text(state))
    except (OSError, ValueError):
        return {}


def _read(state: State, look: Look, room: Path) -> Foreseen:
    sources = at_once({part: partial(_source, look, room, part) for part in ("code", "config") if part in look.commits})
    made = None
    if look.commits and "config" not in look.commits and not look.built:
        sources["config"], made = _made(look, room, sources["code"])
    code, config = (Beside(partial(_changes, look, sources, part)) for part in ("code", "config"))
    installed = Beside(partial(packages_to_come, look, sources.get("code")))
    app = Beside(partial(app_to_come, look, room, sources))
    folder = room / look.settings.config_subdir
    # By supervisord's config to come.
    to_come = folder if folder.is_dir() else None
    packages = installed.found()
    return Foreseen(
        code=code.found(),
        config=config.found(),
        packages=packages,
        app=_less_certain(look, app.found(), packages),
        top=_config_to_come(look, room),
        restart=decide_restart_mode(look.layout, look.was, look.version, to_come),
        # Where there is no config to come, what keeps it from being made is said.
        no_trial=trial.why_none(look.layout, look.version, to_come) if to_come or look.built else "",
        windows=last_windows(state),
        env=_env_changes(look),
        made=made,
        shared=_shared(look, sources),
    )


def _env_changes(look: Look) -> dict[str, str]:
    """What becomes of each variable of the app's; of one that can't be read, nothing is told."""
    try:
        before = look.own_env(look.was) if look.was else {}
        return changes(before, look.own_env(look.version))
    except CommandFailed:
        return {}


def _shared(look: Look, sources: Mapping[str, Source]) -> tuple[SharedPlace, ...]:
    """What becomes of all that outlives a version that is to be built."""
    folder = sources["code"].folder if "code" in sources else ""
    if look.built or not folder:
        return ()
    with acting_as(look.layout.app):
        return tuple(look_at_shared(look.layout, Path(folder), time.monotonic() + LIMIT))


def _less_certain(look: Look, app: App, packages: Packages) -> App:
    """What the new code has said with the packages that are live, where it will have others."""
    if look.built or (packages.changes == PackageChanges() and packages.source not in ("pins", "unknown")):
        return app
    why = "asked with the packages that are live now, and it will have others"
    migrations, static = app.migrations, app.static
    return App(
        replace(migrations, why=why) if migrations.source == "django" else migrations,
        replace(static, why=why) if static.source == "django" else static,
        app.filled,
    )


def _source(look: Look, room: Path, part: str) -> Source:
    """A repository that has the commit to come, with that commit checked out into the room unless it is built."""
    mirror = look.layout.own / (part + ".git")
    try:
        commit = look.commits[part]
        repository = repository_with(look.runner, look.urls[part], mirror, commit, room / (part + ".git"))
        folder = room / getattr(look.settings, part + "_subdir")
        if not look.built:
            check_out_in(look.runner, repository, folder, commit)
    except CommandFailed as problem:
        return Source(problem=masked_message(first_line(str(problem))))
    return Source(str(repository), str(folder))


def _made(look: Look, room: Path, code: Source) -> tuple[Source, Made]:
    """The config to come where it has no repository: where it is in the room, and what is to be said of it."""
    if code.problem:
        return code, Made()
    try:
        project = generate.project_of(look.runner, look.layout, Path(code.repository), look.commits["code"])
    except NotFound as problem:
        return Source(problem=str(problem)), Made(missing=problem.problems)
    folder = room / look.settings.config_subdir
    made = made_config(look.layout, project, folder, look.part("config"), diff=look.diff, single=look.single)
    return Source(folder=str(folder)), made


def _changes(look: Look, sources: Mapping[str, Source], part: str) -> Changes | None:
    before = look.live.get(part)
    if part not in sources or part not in look.commits or not before or look.commits[part].startswith(before):
        return None
    source = sources[part]
    if source.problem:
        return Changes(None, source.problem)
    text = look.diff and part == "config"
    try:
        return between(look.runner, Path(source.repository), before, look.commits[part], text)
    except CommandFailed as problem:
        return Changes(None, masked_message(first_line(str(problem))))


def _config_to_come(look: Look, room: Path) -> ConfigToCome | None:
    config = look.layout.part(look.version, "config") if look.built else room / look.settings.config_subdir
    if not config.is_dir():
        return None
    laid = {str(link): str(target) for link, target in look.layout.deployment_links(config).items()}
    return ConfigToCome(tuple(names(config)), laid)
