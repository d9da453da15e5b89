"""The packages of a version to come, as its requirements tell."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from agent.host.command import CommandFailed
from agent.host.users import acting_as
from agent.locks.documents import Unusable
from agent.look.request import Look, Source
from agent.packages import installed, resolving
from agent.packages.installing import Installer
from agent.packages.interpreter import Interpreter
from agent.packages.wanted import Wanted, wanted
from agent.project.needs import asked_of
from agent.repository.commits import read_text
from agent.repository.git import names_of
from agent.versions.marks import read_seal
from agent.words.foreseen import Packages


def packages_to_come(look: Look, source: Source | None) -> Packages:
    """What is added to the packages, removed and changed.

    + source: of the code to come; None where its commit isn't known
    """
    live = look.part("venv")
    if look.built:
        with acting_as(look.layout.app):
            has = installed.installed(live) if live else {}
            built = installed.installed(look.layout.part(look.version, "venv"))
        return Packages("built", installed.compare(has, built))
    if source is None or source.problem:
        return Packages("unknown", why=source.problem if source else "the commit isn't known")
    installer = Installer.of(look.settings, look.layout.home, look.layout.own)
    try:
        to_come = wanted_by(look, source, installer, look.commits["code"])
    except Unusable as problem:
        return Packages("unknown", why=str(problem), refused=True)
    now = resolving.Live(live, _before(look, source, installer))
    found = resolving.foresee(look.installs(), installer, Path(source.folder), to_come, now)
    found = replace(found, found="" if to_come.found.as_ever else to_come.found.says)
    if not look.was or not look.settings.build_script:
        return found
    return resolving.with_script(found, read_seal(look.layout.version(look.was)).by_script)


def wanted_by(look: Look, source: Source, installer: Installer, commit: str) -> Wanted:
    """What a commit of the code needs of packages. Raises Unusable, CommandFailed."""
    runner, repository = look.runner, Path(source.repository)
    files, read = names_of(runner, repository, commit), partial(read_text, runner, repository, commit)
    asked = asked_of(look.settings, "config" in look.commits, installer.uv is not None, files, read)
    return wanted(asked, files, read, Interpreter(runner, installer.python))


def _before(look: Look, source: Source, installer: Installer) -> Wanted | None:
    """What the live version was built from, where that can be read."""
    live = look.live.get("code")
    try:
        return wanted_by(look, source, installer, live) if live else None
    except (CommandFailed, Unusable):
        return None


def other_packages(look: Look, source: Source) -> str:
    """Why the new code can't be asked with the live packages; nothing where it can."""
    if look.was is None:
        return "no version is live, so there are no packages to ask the new code with"
    installer = Installer.of(look.settings, look.layout.home, look.layout.own)
    try:
        same = wanted_by(look, source, installer, look.commits["code"]).says_same(_before(look, source, installer))
    except Unusable:
        same = False
    return "" if same else "the requirements change, so that the new code can't be asked before it is built"
