"""The packages of a version to come, as its requirements tell."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from agent.host.command import CommandFailed
from agent.host.users import acting_as
from agent.look.request import Look, Source
from agent.repository.commits import read_text
from agent.versions import packages
from agent.versions.marks import read_seal
from agent.words.foreseen import Packages


def packages_to_come(look: Look, source: Source | None) -> Packages:
    """What is added to the packages, removed and changed.

    + source: of the code to come; None where its commit isn't known
    """
    live = look.part("venv")
    if look.built:
        with acting_as(look.layout.app):
            has = packages.installed(live) if live else {}
            built = packages.installed(look.layout.part(look.version, "venv"))
        return Packages("built", packages.compare(has, built))
    if source is None or source.problem:
        return Packages("unknown", why=source.problem if source else "the commit isn't known")
    texts = requirements(look, source)
    found = packages.foresee(look.runner, look.settings, Path(source.folder), texts, live)
    if not look.was or not look.settings.build_script:
        return found
    return packages.with_script(found, read_seal(look.layout.version(look.was)).by_script)


def requirements(look: Look, source: Source) -> tuple[dict[str, str] | None, dict[str, str]]:
    """The requirements that the live version was built from, where they can be read, and those to come."""
    runner, repository, name = look.runner, Path(source.repository), look.settings.requirements
    after = packages.requirement_texts(partial(read_text, runner, repository, look.commits["code"]), name)
    live = look.live.get("code")
    if not live:
        return None, after
    try:
        return packages.requirement_texts(partial(read_text, runner, repository, live), name), after
    except CommandFailed:
        return None, after


def other_packages(look: Look, source: Source) -> str:
    """Why the new code can't be asked with the live packages; nothing where it can."""
    if look.was is None:
        return "no version is live, so there are no packages to ask the new code with"
    before, after = requirements(look, source)
    return "" if before == after else "the requirements change, so that the new code can't be asked before it is built"
