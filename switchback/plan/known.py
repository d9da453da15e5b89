"""What is known of a host before a run on it, and how a preview names what is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.versions.layout import Layout
from agent.words.seen import Version
from switchback.runs.run import Run

Facts = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """What is known of a host before a run.

    + seen: what `Survey` saw; found: what `Preview` found, empty where it was not asked
    + problems: what would refuse the run; notices: what is worth knowing
    """

    seen: Facts
    found: Facts = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def is_built(run: Run, seen: Facts) -> bool:
    """Whether the host has the version that the run goes to."""
    return any(one.name == run.version for one in seen["versions"])


def shown_name(run: Run, seen: Facts) -> str:
    """A version's name; the time in that of a new one is when the run begins."""
    return run.version if is_built(run, seen) else "-".join(["django-<time>", *run.version.split("-")[3:]])


def version_of(seen: Facts, name: str | None) -> Version | None:
    """A version as it was seen there; None where it is not."""
    return next((one for one in seen["versions"] if one.name == name), None)


def commit_of(seen: Facts, name: str | None, part: str) -> str | None:
    """The commit that a version's code or config is of, as far as that is known."""
    version = version_of(seen, name)
    return version.commit(part) if version else None


def layout_of(run: Run, seen: Facts) -> Layout:
    """Where things are on the host."""
    return Layout(run.settings.model_dump(mode="json"), Path(seen["home"]))
