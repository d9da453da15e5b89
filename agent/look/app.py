"""What the app itself foresees of a version to come: its migrations and its static files."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from agent.database import going_back
from agent.django import foresight
from agent.host.command import CommandFailed
from agent.host.reading import beginning_of, matching
from agent.host.users import acting_as
from agent.inside.protocol import Foreseen, Migration, Question
from agent.look.request import Look, Source
from agent.look.requirements import other_packages
from agent.migrations.names import label
from agent.text.masking import masked_lines, masked_message, secrets_in
from agent.text.tracebacks import reason
from agent.versions import static_files
from agent.versions.marks import outside_of, read_seal
from agent.words.foreseen import App, Migrations, Static

# How many of a config's files are read for secrets, how much of each, bytes; and how much of an error's line is told,
# characters.
FILES, READ, SHOWN_OF_LINE = 50, 256 * 1024, 300


def app_to_come(look: Look, room: Path, sources: Mapping[str, Source]) -> App:
    """The migrations and the static files, each with who has told them: Django, or the files alone.

    + sources: where code and config to come are checked out, or why they are not
    """
    if not look.read_only:
        return _unknown("this host does not let a look be made read-only, so that the app is not asked")
    if look.built:
        return App(_migrations_of_built(look, room), _static_of_built(look))
    broken = [source.problem for source in sources.values() if source.problem]
    if broken or not sources:
        return _unknown(broken[0] if broken else "the commit isn't known")
    folders = {part: Path(source.folder) for part, source in sources.items()}
    why = other_packages(look, sources["code"])
    if not why:
        try:
            return _app_of_checkout(look, room, folders)
        except CommandFailed as problem:
            why = "the new code can't be asked before it is built: " + _why(look, folders["config"], problem)
    return _app_of_files(look, room, folders["code"], why)


def _unknown(why: str) -> App:
    return App(Migrations("unknown", why), Static("unknown", why))


def _why(look: Look, config: Path, problem: CommandFailed) -> str:
    """Why a Django could not be asked, in one line."""
    return masked_message(reason(problem.output) or str(problem.args[0]), _secrets(look, config))[:SHOWN_OF_LINE]


def _secrets(look: Look, config: Path) -> set[str]:
    """The secret values in a config: what an error says of one is not to be shown either."""
    found = set[str]()
    with acting_as(look.layout.app):
        for path in matching(config, "*")[:FILES]:
            with contextlib.suppress(OSError):
                found |= secrets_in(beginning_of(path, READ))
    return found


def _app_of_checkout(look: Look, room: Path, folders: Mapping[str, Path]) -> App:
    """Ask the new code, as it is checked out, with the packages that are live."""
    python = look.layout.part(str(look.was), "venv") / "bin" / "python"
    runner = look.runner_of(look.version)
    found = foresight.ask(runner, room, python, folders["config"], Question(sql=look.diff, static=True))
    strangers = outside_of(room, found.migrations.code)
    if strangers:
        raise CommandFailed("another code answers", f"the config leads to code in {strangers[0]}")
    return App(_foreseen(look, room, found), _static(look, found.static), found.filled)


def _ask(look: Look, room: Path, version: str, question: Question) -> Foreseen:
    """Ask a version that is built: at its own path, with its own packages."""
    python = look.layout.part(version, "venv") / "bin" / "python"
    return foresight.ask(look.runner_of(version), room, python, look.layout.part(version, "config"), question)


def _foreseen(look: Look, room: Path, found: Foreseen) -> Migrations:
    told = found.migrations
    known = {*told.known, *told.replaced}
    missing = [name for name in told.applied if name[:2] not in known]
    return Migrations(
        "django",
        applied=tuple(map(label, told.applied)),
        databases=tuple(one.alias for one in told.databases),
        pending=tuple(map(_masked_sql, foresight.with_risks(told.pending))),
        missing=tuple(map(label, missing)),
        leaving=_described_by_live(look, room, sorted(known)) if missing and look.was else (),
        conflicts=told.conflicts,
        inconsistent=told.inconsistent,
    )


def _masked_sql(migration: Migration) -> Migration:
    return replace(migration, sql=tuple(masked_lines(migration.sql))) if migration.sql else migration


def _migrations_of_built(look: Look, room: Path) -> Migrations:
    """What a version that is built would do; of one that lacks some of what is applied, what that is."""
    asked = look.version if look.leaves is None else str(look.was)
    try:
        if look.leaves is not None:
            return _leaving(look, room)
        return _foreseen(look, room, _ask(look, room, asked, Question(sql=look.diff)))
    except CommandFailed as problem:
        return Migrations("unknown", _why(look, look.layout.part(asked, "config"), problem))


def _described_by_live(look: Look, room: Path, known: Sequence[tuple[str, ...]]) -> tuple[Migration, ...]:
    """What is applied that the new code does not know, as the live version has it; nothing where that can't tell."""
    try:
        left = _ask(look, room, str(look.was), Question(keep=tuple(known))).left
    except CommandFailed:
        return ()
    return foresight.with_risks(left.leaving) if left else ()


def _leaving(look: Look, room: Path) -> Migrations:
    """What the live version has applied that the older one lacks: only the live one can tell, and reverse it."""
    known = read_seal(look.layout.version(look.version)).migrations
    found = _ask(look, room, str(look.was), Question(keep=known))
    return Migrations(
        "django",
        "" if known is not None else going_back.says_nothing(look.version),
        applied=tuple(map(label, found.migrations.applied)),
        leaving=foresight.with_risks(found.left.leaving) if found.left else (),
        unknown=tuple(map(label, (found.left or found.migrations).unknown)),
    )


def _app_of_files(look: Look, room: Path, code: Path, why: str) -> App:
    """Read the new code's files, and ask the live version what is applied."""
    static = Static("unknown", why)
    applied = None
    if look.was:
        try:
            applied = _ask(look, room, look.was, Question()).migrations.applied
        except CommandFailed as problem:
            said = _why(look, look.layout.part(look.was, "config"), problem)
            why = f"{why}; and the live version can't say what is applied: {said}"
    with acting_as(look.layout.app):
        pending, missing = foresight.from_files(code, applied or ())
    told = None if applied is None else tuple(map(label, applied))
    return App(Migrations("files", why, applied=told, pending=pending, missing=missing), static)


def _static(look: Look, after: Mapping[str, str] | None) -> Static:
    if after is None:
        return Static("unknown", "there are more static files than can be read in time")
    return _compared(look, "django", after)


def _static_of_built(look: Look) -> Static:
    """Those of a version that is built."""
    try:
        with acting_as(look.layout.app):
            after = static_files.collected(look.layout.part(look.version, "static"))
    except static_files.TooMuch as problem:
        return Static("unknown", str(problem))
    return _compared(look, "built", after)


def _compared(look: Look, source: Literal["django", "built"], after: Mapping[str, str]) -> Static:
    live = look.part("static")
    try:
        with acting_as(look.layout.app):
            before = static_files.collected(live) if live else {}
    except static_files.TooMuch as problem:
        return Static("unknown", str(problem))
    return static_files.compare(source, before, after)
