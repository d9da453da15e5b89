"""The packages that a version would have, next to those that the live one has: resolved, nothing installed."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import textwrap
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agent.host.command import CommandFailed, Runner
from agent.host.files import remove
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.locks.releases import canonical
from agent.packages.installed import NOT_THE_APPS, Versions, compare, installed
from agent.packages.installing import Installer, add, tell
from agent.packages.pythons import path_of
from agent.packages.requirements import PIN, names_local, pins
from agent.packages.wanted import Wanted
from agent.text.lines import lines_of
from agent.text.masking import masked_message
from agent.words.foreseen import Packages

# How long resolving may take, seconds: somebody waits for it.
LIMIT = 25.0
# How much is told of an installer's refusal, characters: it repeats itself from there on.
SHOWN = 300
NO_INSTALLER = (
    "this host has neither uv nor a pip outside of a version's environment, which brings its own when it is built"
)


@dataclass(frozen=True)
class Live:
    """The live virtual environment, if there is one, and what it was built from, where that can be read."""

    venv: Path | None
    wanted: Wanted | None


def foresee(runner: Runner, installer: Installer, code: Path, wanted: Wanted, live: Live) -> Packages:
    """What the packages of a version to be built will be, by what is wanted.

    + code: a checkout of its code
    """
    with acting_as(str(runner.user)):
        has = installed(live.venv) if live.venv else {}
    said = wanted.locked if wanted.locked is not None else pins({**wanted.texts, "": "\n".join(wanted.lines)})
    same = wanted.says_same(live.wanted) and not names_local(wanted.texts)
    if same and all(said.get(name) == version for name, version in has.items() if name not in NOT_THE_APPS):
        return Packages("unchanged", same_text=True)
    try:
        resolved = _resolve(runner, installer, code, wanted, live.venv)
    except (CommandFailed, NotTried) as problem:
        shown = {name: version for name, version in said.items() if has.get(name) != version}
        refused = isinstance(problem, CommandFailed)
        why = masked_message(refusal(problem.output) if isinstance(problem, CommandFailed) else str(problem))
        # Of what is not pinned, nothing is known: not even that it goes.
        changes = compare({name: has[name] for name in shown if name in has}, shown)
        return Packages("pins", changes, same_text=same, why=why or str(problem.args[0]), refused=refused)
    return Packages("resolved", compare(has, resolved), same_text=same)


def with_script(found: Packages, by_script: Sequence[str] | None) -> Packages:
    """What was compared, but for what `build_script` will install again. Pure.

    + by_script: what it has installed in the live environment; None where nobody has written it down
    """
    told = found.changes
    if by_script is None:
        # The same requirements would have brought it.
        by_script = [one.name for one in told.removed] if found.same_text else []
    removed, up, down = (
        tuple(one for one in some if one.name not in by_script) for some in (told.removed, told.up, told.down)
    )
    changes = replace(told, removed=removed, up=up, down=down)
    return replace(found, changes=changes, by_script=tuple(sorted(by_script)))


class NotTried(Exception):
    """The installer could not be asked: what it would have said is known when the version is built."""


def refusal(output: str) -> str:
    """Why an installer has refused, in one line: what it says before its first error is of no use. Pure."""
    lines = [line.strip() for line in lines_of(output)]
    first = next((number for number, line in enumerate(lines) if re.match("error\\b|\u00d7", line, re.IGNORECASE)), 0)
    return textwrap.shorten(" ".join(lines[first:]), SHOWN, placeholder=" …")


def _resolve(runner: Runner, installer: Installer, code: Path, wanted: Wanted, live: Path | None) -> Versions:
    """Have the installer say what it would install. Nothing is kept, not even in a cache.

    Raises CommandFailed when it refuses, NotTried when it can't be asked.
    """
    runner = replace(runner, until=min(runner.until, time.time() + LIMIT), secrets=wanted.secrets)
    with acting_as(str(runner.user)):
        room = Path(tempfile.mkdtemp(prefix="switchback-"))
    try:
        found = wanted.locked
        if found is None:
            with acting_as(str(runner.user)):
                calls = tell(wanted, code, room)
            folder = (code / wanted.found.path).parent
            found = {name: one for told in calls for name, one in _ask(runner, installer, folder, live, told).items()}
        if not (wanted.apart and wanted.added):
            return found
        with acting_as(str(runner.user)):
            more = add(wanted, found, room)
        return {**_ask(runner, installer, room, live, more), **found}
    except CommandFailed as problem:
        if time.time() >= runner.until:
            raise NotTried(f"it takes longer than the {LIMIT:.0f} s that a look has for it") from None
        if "No module named pip" in problem.output:
            raise NotTried(NO_INSTALLER) from None
        raise
    finally:
        with acting_as(str(runner.user)):
            remove(room)


def _ask(runner: Runner, installer: Installer, folder: Path, live: Path | None, told: Sequence[str]) -> Versions:
    """What the installer says to what it is told."""
    if installer.uv:
        argv = [installer.uv, "pip", "compile", "--quiet", "--no-cache", "--no-header", "--no-annotate"]
        release, path = installer.python.to_fetch, path_of(installer.python)
        argv += ["--no-python-downloads", "--python", path, *(["--python-version", release] if release else [])]
        argv += installer.offline
        # Here the files have no option of their own.
        return from_compiled(runner.run([*argv, *(word for word in told if word != "--requirement")], cwd=folder))
    python = str(live / "bin" / "python") if live else path_of(installer.python)
    if not shutil.which(python):
        raise NotTried(f"{python} is not there")
    argv = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet", "--no-cache-dir"]
    argv += ["--dry-run", "--ignore-installed", "--report", "-", *installer.offline]
    return from_report(runner.run([*argv, *told], cwd=folder))


def from_compiled(output: str) -> Versions:
    """What `uv pip compile` printed. Pure."""
    found: Versions = {}
    for line in lines_of(output):
        pin = PIN.match(line.strip())
        if pin:
            found[canonical(pin.group(1))] = pin.group(2)
        elif " @ " in line:
            found[canonical(line.partition(" @ ")[0].partition("[")[0].strip())] = None
    return found


def from_report(output: str) -> Versions:
    """What `pip install --report -` printed. Raises CommandFailed when it is no report. Pure."""
    try:
        report = json.loads(output)
        metadata = [one["metadata"] for one in report["install"]]
        return {canonical(one["name"]): str(one["version"]) for one in metadata}
    except (ValueError, KeyError, TypeError):
        raise CommandFailed("pip printed no report", output) from None
