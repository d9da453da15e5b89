"""What a run would do to this host, read and changed nowhere: commits, packages, migrations, static files, windows."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from agent.database import going_back
from agent.django import foresight
from agent.host.command import CommandFailed, Runner
from agent.host.parallel import at_once
from agent.host.reading import beginning_of
from agent.host.users import acting_as
from agent.repository.commits import between, check_out_in, read_text, repository_with
from agent.restart import rolling
from agent.state import State
from agent.steps.build import trial
from agent.text.lines import first_line
from agent.text.masking import masked_lines, masked_message, secrets_in
from agent.text.tracebacks import reason
from agent.transaction.downtime import last_windows
from agent.versions import packages, static_files
from agent.versions.layout import Layout
from agent.versions.marks import SEAL, outside_of, read_json

# How long all of it may take, seconds.
LIMIT = 100.0
# How many names of a kind are told; all of them are counted.
SHOWN = 50
# How much of an error's line is told, characters; and how much of a config file is read for it, bytes.
SHOWN_OF_LINE, READ = 300, 256 * 1024

Found = dict[str, Any]


def preview(state: State, request: Found, read_only: bool) -> Found:
    """Read what a run would do.

    + request: `settings`; `urls` of code and config; `was`, the live version; `version` and `built`, where it goes and
      whether that is built already; `commits`, the full ids of code and config to go to, where it is not; `live`, those
      that are live; `database`, what becomes of the migrations that are left; `diff`, whether SQL and texts are wanted
    + read_only: whether nothing can be written; the app is asked only then
    """
    look = _Look(Layout.of(request["settings"]), request, read_only)
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


class _Look:
    """What one look at a host needs."""

    def __init__(self, layout: Layout, request: Found, read_only: bool) -> None:
        self.layout = layout
        self.settings: Found = request["settings"]
        self.was: str | None = request["was"]
        self.version: str = request["version"]
        self.built = bool(request["built"])
        self.commits: Mapping[str, str] = request.get("commits") or {}
        self.live: Mapping[str, str] = request.get("live") or {}
        self.urls: Mapping[str, str] = request["urls"]
        self.diff = bool(request.get("diff"))
        self.leaves = request.get("database")
        self.read_only = read_only
        own = {"TMPDIR": tempfile.gettempdir()} if read_only else {}
        self.runner = Runner(user=layout.app, log=None, until=time.time() + LIMIT, also=own)

    def part(self, which: str) -> Path | None:
        """A part of the live version."""
        return self.layout.part(self.was, which) if self.was else None


def _read(look: _Look, room: Path) -> Found:
    sources = at_once({part: partial(_source, look, room, part) for part in ("code", "config") if look.commits})
    jobs: dict[str, Callable[[], Any]] = {
        part: partial(_changes, look, part, source) for part, source in sources.items()
    }
    jobs["packages"] = partial(_packages, look, sources.get("code"))
    jobs["app"] = partial(_app, look, room, sources)
    found = at_once(jobs)
    app = _less_certain(look, found.pop("app"), found["packages"])
    return {**found, **app, **_config_names(look, room), **_service(look, room)}


def _service(look: _Look, room: Path) -> Found:
    """How the service would be restarted, and why there would be no trial start: by supervisord's config to come."""
    folder = room / look.settings["config_subdir"]
    config = folder if folder.is_dir() else None
    return {
        "restart": rolling.way(look.layout, look.was, look.version, config),
        "no_trial": trial.why_none(look.layout, look.version, config),
    }


def _less_certain(look: _Look, app: Found, has: Found) -> Found:
    """What the new code has said with the packages that are live, where it will have others."""
    changes = any(has.get(key) for key in ("added", "removed", "up", "down", "unsure"))
    if look.built or not (changes or has["source"] in ("pins", "unknown")):
        return app
    why = "asked with the packages that are live now, and it will have others"
    return {key: told if told["source"] != "django" else {**told, "why": why} for key, told in app.items()}


def _source(look: _Look, room: Path, part: str) -> Found:
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


def _changes(look: _Look, part: str, source: Found) -> Found | None:
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


# --- Packages


def _packages(look: _Look, source: Found | None) -> Found:
    live = look.part("venv")
    if look.built:
        with acting_as(look.layout.app):
            has = packages.installed(live) if live else {}
            built = packages.installed(look.layout.part(look.version, "venv"))
        return {"source": "built", "same_text": has == built, **packages.compare(has, built)}
    if source is None or "problem" in source:
        return {"source": "unknown", "why": (source or {}).get("problem", "the commit isn't known")}
    texts = _requirements(look, source)
    found = packages.foresee(look.runner, look.settings, Path(source["folder"]), texts, live)
    if not look.was or not look.settings.get("build_script"):
        return found
    return packages.with_script(found, read_json(look.layout.version(look.was) / SEAL).get("by_script"))


def _requirements(look: _Look, source: Found) -> tuple[dict[str, str] | None, dict[str, str]]:
    """The requirements that the live version was built from, where they can be read, and those to come."""
    runner, repository, name = look.runner, Path(source["repository"]), str(look.settings["requirements"])
    after = packages.requirement_texts(partial(read_text, runner, repository, look.commits["code"]), name)
    live = look.live.get("code")
    if not live:
        return None, after
    try:
        return packages.requirement_texts(partial(read_text, runner, repository, live), name), after
    except CommandFailed:
        return None, after


# --- What the app itself foresees


def _app(look: _Look, room: Path, sources: Mapping[str, Found]) -> Found:
    if not look.read_only:
        why = "this host does not let a look be made read-only, so that the app is not asked"
        return {"migrations": {"source": "unknown", "why": why}, "static": {"source": "unknown", "why": why}}
    if look.built:
        return _app_of_built(look, room)
    broken = [source["problem"] for source in sources.values() if "problem" in source]
    if broken or not sources:
        why = broken[0] if broken else "the commit isn't known"
        return {"migrations": {"source": "unknown", "why": why}, "static": {"source": "unknown", "why": why}}
    folders = {part: Path(source["folder"]) for part, source in sources.items()}
    why = _other_packages(look, sources["code"])
    if not why:
        try:
            return _app_of_checkout(look, room, folders)
        except CommandFailed as problem:
            why = "the new code can't be asked before it is built: " + _why(look, folders["config"], problem)
    return _app_of_files(look, room, folders["code"], why)


def _other_packages(look: _Look, source: Found) -> str:
    """Why the new code can't be asked with the live packages; nothing where it can."""
    if look.was is None:
        return "no version is live, so there are no packages to ask the new code with"
    before, after = _requirements(look, source)
    return "" if before == after else "the requirements change, so that the new code can't be asked before it is built"


def _why(look: _Look, config: Path, problem: CommandFailed) -> str:
    """Why a Django could not be asked, in one line."""
    return masked_message(reason(problem.output) or str(problem.args[0]), _secrets(look, config))[:SHOWN_OF_LINE]


def _secrets(look: _Look, config: Path) -> set[str]:
    """The secret values in a config: what an error says of one is not to be shown either."""
    found = set[str]()
    with acting_as(look.layout.app):
        for path in sorted(config.glob("*"))[:SHOWN]:
            with contextlib.suppress(OSError):
                found |= secrets_in(beginning_of(path, READ))
    return found


def _app_of_checkout(look: _Look, room: Path, folders: Mapping[str, Path]) -> Found:
    """Ask the new code, as it is checked out, with the packages that are live."""
    python = look.layout.part(str(look.was), "venv") / "bin" / "python"
    asked = {"sql": look.diff, "static": True, "keep": None}
    found = foresight.ask(look.runner, room, python, folders["config"], asked)
    strangers = outside_of(room, found["code"])
    if strangers:
        raise CommandFailed("another code answers", f"the config leads to code in {strangers[0]}")
    return {"migrations": _foreseen(look, room, found), "static": _static(look, found["static"])}


def _foreseen(look: _Look, room: Path, found: Found) -> Found:
    known = {tuple(pair) for pair in found["known"] + found["replaced"]}
    apps = {app for app, _ in known}
    missing = [pair for pair in found["applied"] if tuple(pair[:2]) not in known]
    return {
        "source": "django",
        "why": "",
        "applied": found["applied"],
        "conflicts": found["conflicts"],
        "inconsistent": found["inconsistent"],
        "databases": [one["alias"] for one in found["databases"]],
        "pending": _masked_sql(foresight.with_risks(found["pending"])),
        "missing": missing,
        "leaving": _described_by_live(look, room, sorted(known)) if missing and look.was else [],
        "apps": sorted(apps),
    }


def _masked_sql(migrations: list[Found]) -> list[Found]:
    return [{**one, "sql": masked_lines(one["sql"]) if one["sql"] else one["sql"]} for one in migrations]


def _app_of_built(look: _Look, room: Path) -> Found:
    """Ask a version that is built: at its own path, with its own packages."""
    layout = look.layout
    static = _static_of_built(look)
    try:
        if look.leaves is not None:
            return {"migrations": _leaving(look, room), "static": static}
        asked = {"sql": look.diff, "static": False, "keep": None}
        python = layout.part(look.version, "venv") / "bin" / "python"
        found = foresight.ask(look.runner, room, python, layout.part(look.version, "config"), asked)
    except CommandFailed as problem:
        why = _why(look, layout.part(look.version if look.leaves is None else str(look.was), "config"), problem)
        return {"migrations": {"source": "unknown", "why": why}, "static": static}
    return {"migrations": _foreseen(look, room, found), "static": static}


def _described_by_live(look: _Look, room: Path, known: Any) -> list[Found]:
    """What is applied that the new code does not know, as the live version has it; nothing where that can't tell."""
    try:
        return foresight.with_risks(_ask_live(look, room, known)["leaving"])
    except CommandFailed:
        return []


def _ask_live(look: _Look, room: Path, known: Any) -> Found:
    was = str(look.was)
    python = look.layout.part(was, "venv") / "bin" / "python"
    asked = {"sql": False, "static": False, "keep": known}
    return foresight.ask(look.runner, room, python, look.layout.part(was, "config"), asked)


def _leaving(look: _Look, room: Path) -> Found:
    """What the live version has applied that the older one lacks: only the live one can tell, and reverse it."""
    known = read_json(look.layout.version(look.version) / SEAL).get("migrations")
    found = _ask_live(look, room, known)
    why = "" if known is not None else going_back.says_nothing(look.version)
    said = {"source": "django", "why": why, "applied": found["applied"], "conflicts": {}, "pending": [], "missing": []}
    return {**said, "leaving": foresight.with_risks(found["leaving"]), "unknown": found["unknown"]}


def _app_of_files(look: _Look, room: Path, code: Path, why: str) -> Found:
    """Read the new code's files, and ask the live version what is applied."""
    static = {"source": "unknown", "why": why}
    applied: list[list[str]] = []
    known = False
    if look.was:
        python = look.layout.part(look.was, "venv") / "bin" / "python"
        try:
            asked = {"sql": False, "static": False, "keep": None}
            found = foresight.ask(look.runner, room, python, look.layout.part(look.was, "config"), asked)
            applied, known = found["applied"], True
        except CommandFailed as problem:
            said = _why(look, look.layout.part(look.was, "config"), problem)
            why = f"{why}; and the live version can't say what is applied: {said}"
    with acting_as(look.layout.app):
        pending, missing = foresight.from_files(code, [one for one in applied if len(one) == 2])
    told: Found = {"source": "files", "why": why, "applied": applied if known else None, "conflicts": {}}
    return {"migrations": {**told, "pending": foresight.with_risks(pending), "missing": missing}, "static": static}


# --- Static files


def _static(look: _Look, after: dict[str, str] | None) -> Found:
    if after is None:
        return {"source": "unknown", "why": "there are more static files than can be read in time"}
    return _compared(look, "django", after)


def _static_of_built(look: _Look) -> Found:
    """Those of a version that is built."""
    try:
        with acting_as(look.layout.app):
            after = static_files.collected(look.layout.part(look.version, "static"))
    except static_files.TooMuch as problem:
        return {"source": "unknown", "why": str(problem)}
    return _compared(look, "built", after)


def _compared(look: _Look, source: str, after: dict[str, str]) -> Found:
    live = look.part("static")
    try:
        with acting_as(look.layout.app):
            before = static_files.collected(live) if live else {}
    except static_files.TooMuch as problem:
        return {"source": "unknown", "why": str(problem)}
    return {"source": source, "why": "", **static_files.compare(before, after)}


# --- Links


def _config_names(look: _Look, room: Path) -> Found:
    """What the config to come has at its top, and what of it the deployment directory gets links to."""
    config = look.layout.part(look.version, "config") if look.built else room / look.settings["config_subdir"]
    if not config.is_dir():
        return {"entries": None, "laid": {}}
    laid = {str(link): str(target) for link, target in look.layout.deployment_links(config).items()}
    return {"entries": sorted(path.name for path in config.iterdir()), "laid": laid}
