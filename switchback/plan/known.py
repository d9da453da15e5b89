"""What is known of a host before a run on it, and how a preview names what is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.versions.layout import Layout
from agent.words.facts import Site
from agent.words.foreseen import Foreseen
from switchback.runs.run import Run


@dataclass(frozen=True)
class Known:
    """What is known of a host before a run.

    + seen: what is there; found: what `Preview` found, None where it was not asked, or can't tell
    + problems: what would refuse the run; notices: what is worth knowing
    """

    seen: Site
    found: Foreseen | None = None
    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def is_built(run: Run, seen: Site) -> bool:
    """Whether the host has the version that the run goes to."""
    return seen.version(run.version) is not None


def shown_name(run: Run, seen: Site) -> str:
    """A version's name; the time in that of a new one is when the run begins."""
    return run.version if is_built(run, seen) else "-".join(["django-<time>", *run.version.split("-")[3:]])


def commit_of(seen: Site, name: str | None, part: str) -> str | None:
    """The commit that a version's code or config is of, as far as that is known."""
    version = seen.version(name)
    return version.commit(part) if version else None


def layout_of(run: Run, seen: Site) -> Layout:
    """Where things are on the host."""
    return Layout(run.settings.for_host(), Path(seen.home))
