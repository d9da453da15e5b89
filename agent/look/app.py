"""What the app itself foresees of a version to come: its migrations and its static files."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.database import going_back
from agent.django import foresight
from agent.host.command import CommandFailed
from agent.host.reading import beginning_of
from agent.host.users import acting_as
from agent.look.request import Look
from agent.look.requirements import other_packages
from agent.text.masking import masked_lines, masked_message, secrets_in
from agent.text.tracebacks import reason
from agent.versions import static_files
from agent.versions.marks import SEAL, outside_of, read_json

Found = dict[str, Any]
# How many names of a kind are told; all of them are counted.
SHOWN = 50
# How much of an error's line is told, characters; and how much of a config file is read for it, bytes.
SHOWN_OF_LINE, READ = 300, 256 * 1024


def app_to_come(look: Look, room: Path, sources: Mapping[str, Found]) -> Found:
    """The migrations and the static files, each with who has told them: Django, or the files alone.

    + sources: where code and config to come are checked out, or why they are not
    """
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
    why = other_packages(look, sources["code"])
    if not why:
        try:
            return _app_of_checkout(look, room, folders)
        except CommandFailed as problem:
            why = "the new code can't be asked before it is built: " + _why(look, folders["config"], problem)
    return _app_of_files(look, room, folders["code"], why)


def _why(look: Look, config: Path, problem: CommandFailed) -> str:
    """Why a Django could not be asked, in one line."""
    return masked_message(reason(problem.output) or str(problem.args[0]), _secrets(look, config))[:SHOWN_OF_LINE]


def _secrets(look: Look, config: Path) -> set[str]:
    """The secret values in a config: what an error says of one is not to be shown either."""
    found = set[str]()
    with acting_as(look.layout.app):
        for path in sorted(config.glob("*"))[:SHOWN]:
            with contextlib.suppress(OSError):
                found |= secrets_in(beginning_of(path, READ))
    return found


def _app_of_checkout(look: Look, room: Path, folders: Mapping[str, Path]) -> Found:
    """Ask the new code, as it is checked out, with the packages that are live."""
    python = look.layout.part(str(look.was), "venv") / "bin" / "python"
    asked = {"sql": look.diff, "static": True, "keep": None}
    found = foresight.ask(look.runner, room, python, folders["config"], asked)
    strangers = outside_of(room, found["code"])
    if strangers:
        raise CommandFailed("another code answers", f"the config leads to code in {strangers[0]}")
    return {"migrations": _foreseen(look, room, found), "static": _static(look, found["static"])}


def _foreseen(look: Look, room: Path, found: Found) -> Found:
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


def _app_of_built(look: Look, room: Path) -> Found:
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


def _described_by_live(look: Look, room: Path, known: Any) -> list[Found]:
    """What is applied that the new code does not know, as the live version has it; nothing where that can't tell."""
    try:
        return foresight.with_risks(_ask_live(look, room, known)["leaving"])
    except CommandFailed:
        return []


def _ask_live(look: Look, room: Path, known: Any) -> Found:
    was = str(look.was)
    python = look.layout.part(was, "venv") / "bin" / "python"
    asked = {"sql": False, "static": False, "keep": known}
    return foresight.ask(look.runner, room, python, look.layout.part(was, "config"), asked)


def _leaving(look: Look, room: Path) -> Found:
    """What the live version has applied that the older one lacks: only the live one can tell, and reverse it."""
    known = read_json(look.layout.version(look.version) / SEAL).get("migrations")
    found = _ask_live(look, room, known)
    why = "" if known is not None else going_back.says_nothing(look.version)
    said = {"source": "django", "why": why, "applied": found["applied"], "conflicts": {}, "pending": [], "missing": []}
    return {**said, "leaving": foresight.with_risks(found["leaving"]), "unknown": found["unknown"]}


def _app_of_files(look: Look, room: Path, code: Path, why: str) -> Found:
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


def _static(look: Look, after: dict[str, str] | None) -> Found:
    if after is None:
        return {"source": "unknown", "why": "there are more static files than can be read in time"}
    return _compared(look, "django", after)


def _static_of_built(look: Look) -> Found:
    """Those of a version that is built."""
    try:
        with acting_as(look.layout.app):
            after = static_files.collected(look.layout.part(look.version, "static"))
    except static_files.TooMuch as problem:
        return {"source": "unknown", "why": str(problem)}
    return _compared(look, "built", after)


def _compared(look: Look, source: str, after: dict[str, str]) -> Found:
    live = look.part("static")
    try:
        with acting_as(look.layout.app):
            before = static_files.collected(live) if live else {}
    except static_files.TooMuch as problem:
        return {"source": "unknown", "why": str(problem)}
    return {"source": source, "why": "", **static_files.compare(before, after)}
