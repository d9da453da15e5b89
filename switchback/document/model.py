"""The document of a run as a model: what --json prints, whatever the run, and however it ends.

What a host has said of itself stands here in the words in which it travels (agent/words).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agent.words.facts import Linked, OpenRun, Past, Removal
from agent.words.history import Cost, Evidence, PastRun
from agent.words.seen import Kept, Version
from switchback.ended import Ended
from switchback.plan.model import Preview
from switchback.plan.parts import Part

# Changes whenever a field is taken away or means something else.
SCHEMA = 1


class Problem(Part):
    """Why a run was refused, or would be."""

    host: str | None = Field(description="null where it is not about one host")
    says: str = Field(description="what is wrong, and what to do about it")


class StepEnd(Part):
    """A step that has ended well."""

    name: str
    seconds: float
    says: tuple[str, ...] = Field(description="what was said of it")


class Versions(Part):
    """The version that was live before the run, and the one that is live after it."""

    was: str | None = Field(description="null where none was live")
    now: str | None = Field(description="null where none is, or where that is not known")
    wanted: str | None = Field(description="where the run was to go")


class Operation(Part):
    """One of pyinfra's operations, of a run that is no transaction."""

    name: str
    changes: bool = Field(description="whether it has changed something, or would")
    well: bool | None = Field(description="null where it was not begun")
    says: tuple[str, ...] = Field(description="what was said of it")


class Next(Part):
    """What is left for a person to do, once provision is through."""

    what: str
    how: tuple[str, ...] = Field(description="commands, and what has to be copied")


class Checked(Part):
    """What check has found."""

    ready: bool
    notices: tuple[str, ...] = Field(default=(), description="what is worth knowing, and refuses nothing")
    looked_at: tuple[str, ...] = Field(default=(), description="what else was looked at, and what was found there")


class Healthy(Part):
    """Whether the live version is well."""

    healthy: bool
    problem: str | None
    pids: tuple[int, ...] = Field(description="its processes")


class Status(Part):
    """What status has found; null where there is no site yet."""

    transaction: OpenRun | None = Field(description="the run that holds the host")
    linked: Linked | None = None
    healthy: Healthy | None = None
    versions: tuple[Version, ...] | None = Field(default=None, description="the newest first")
    history: tuple[PastRun, ...] | None = Field(default=None, description="the oldest first")
    kept: Kept | None = None
    untold: str | None = Field(
        default=None, description="why nobody could be told how the last run has ended; null where that is not so"
    )


class Log(Part):
    """The end of a log."""

    name: str
    lines: tuple[str, ...]


class Managed(Part):
    """How a command of manage.py's has ended."""

    exit_code: int = Field(description="its own")
    lines: tuple[str, ...] = Field(description="what it has printed")


class HostEnd(Part):
    """How the run has ended on one host."""

    host: str
    primary: bool | None = Field(
        default=None, description="whether it backs up and migrates for all; null where it has not come to that"
    )
    outcome: Ended = Field(description="how it has ended: see above")
    sentence: str = Field(default="", description="what the site is like now")
    reason: tuple[str, ...] = Field(default=(), description="what went wrong, with the output that goes with it")
    failed: str | None = Field(default=None, description="the step that has failed, or during which it ended")
    stopped: bool = Field(default=False, description="whether a person has stopped it")
    followed: bool = Field(default=False, description="whether it falls back only because another host has failed")
    versions: Versions | None = None
    backup: str | None = Field(default=None, description="the one that was made in this run, on the host")
    evidence: str | None = Field(
        default=None, description="the folder of the journal, each step's output and the logs, on the host, for root"
    )
    steps: tuple[StepEnd, ...] = Field(default=(), description="those that have ended well, in order")
    cost: Cost | None = Field(default=None, description="what visitors noticed, and the seconds of each step")
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = Field(default=(), description="what was decided, and waited for")
    operations: tuple[Operation, ...] = Field(default=(), description="of a run that is no transaction")
    next: tuple[Next, ...] = Field(default=(), description="of provision")
    check: Checked | None = None
    status: Status | None = None
    history: Past | None = None
    why: Evidence | None = None
    logs: tuple[Log, ...] = Field(default=(), description="of logs: the end of each")
    manage: Managed | None = Field(default=None, description="of manage: the host that it ran on")
    removal: Removal | None = Field(default=None, description="of a look at remove: what goes, and what stays")


class Document(Part):
    """A run, and how it has ended."""

    schema_version: Literal[1] = Field(default=1, description="of this document")
    kind: str = Field(description="the run: the name of its file in deploys/, as in `deploy` or `check`")
    id: str | None = Field(description="the run's; null where none was begun")
    by: str = Field(description="who runs it, and where")
    began: str = Field(description="when, UTC")
    seconds: float = Field(description="how long it took")
    only_looked: bool = Field(description="whether looking was all that was asked for: --dry, or --json without -y")
    outcome: Ended = Field(description="how it has ended: as on the host where it went worst")
    exit_code: int = Field(description="what says the same as an exit code; of manage that of the command")
    sentence: str = Field(description="the same in a line, for people")
    problems: tuple[Problem, ...] = Field(default=(), description="why it was refused, all at once; empty if not")
    warnings: tuple[str, ...] = Field(default=(), description="of what runs on the controller")
    differences: tuple[str, ...] = Field(
        default=(), description="of status and check: in what the hosts differ, and what to do about it"
    )
    hosts: tuple[HostEnd, ...] = Field(default=(), description="those that take part, as far as they are known")
    preview: Preview | None = Field(default=None, description="what it was to do, as far as that was looked for")
