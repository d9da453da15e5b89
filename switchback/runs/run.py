"""What one run does on one host, decided before anything is changed. Plain values, which the others here make."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from agent.steps.hooks import AFTER
from agent.steps.kind import PATIENCE, Phase
from agent.steps.order import limit_of, limit_of_way_back, names, with_those_at_once
from agent.words.journal import Commit, Intent
from agent.words.requests import AllWell, Begin, Clean, Go
from agent.words.requests import Commit as CommitRequest
from switchback.settings.environment import read_address, read_secrets
from switchback.settings.model import Settings
from switchback.wire.payload import agent_fingerprint

# How long it may take to begin, seconds.
BEGIN_LIMIT = 120.0
# Besides a step's own limit, what the answer may take on the way, seconds.
ON_THE_WAY = 60.0


@dataclass(frozen=True)
class About:
    """What a run is about, besides where it goes.

    + code, config: the commits that it builds a version of; no config where that is made of the code
    + irreversible, hotfixes: whether what can't be reversed, and what was changed by hand, refuses it
    + provisioned: whether the backup script is the one that provision writes
    + database: what a revert does with it; backup: the one that it restores
    """

    code: Commit | None = None
    config: Commit | None = None
    irreversible: str = "refuse"
    hotfixes: str = "refuse"
    provisioned: bool = False
    database: str = "keep"
    backup: str | None = None

    def commit(self, part: str) -> Commit | None:
        """The commit of its code, or of its config."""
        return {"code": self.code, "config": self.config}[part]


@dataclass(frozen=True)
class Run:
    """A deploy, a build, a revert or a restart on one host.

    + deploy: the run's id, the same on all of its hosts
    + hosts: the names of all hosts of the run; primary: the one of them that migrates and backs up
    + version: where it goes; was: what is live before it
    + steps: the agent's steps that this host has to do; none when there is nothing to do
    + idle: why there is nothing to do
    + agent: the fingerprint of the agent that the host has
    + left_out: the names of hosts that --limit leaves out
    + single: whether this is the host that has what runs on one of all
    + by: who runs it, as they call themselves; empty where that is their login
    """

    kind: str
    deploy: str
    host: str
    hosts: tuple[str, ...]
    primary: str
    settings: Settings
    version: str
    was: str | None
    steps: tuple[str, ...]
    agent: str | None = None
    idle: str = ""
    about: About = About()
    left_out: tuple[str, ...] = ()
    single: bool = True
    by: str = ""

    def request(self) -> Intent:
        """What the host is told when the run begins."""
        return Intent(
            self.kind,
            self.settings.for_host(),
            by=self.by or login(),
            login=login(),
            agent=agent_fingerprint(),
            hosts=self.hosts,
            primary=self.host == self.primary,
            version=self.version,
            was=self.was,
            bare=self.was is None,
            steps=self.steps,
            single=self.single,
            host=self.host,
            **vars(self.about),
        )

    def upto(self, step: str) -> str:
        """How far a host may go with the word for a step, or for `begin`; empty where that allows none.

        The build concerns nobody else; on a host alone it follows `begin` at once, where several begin first, so that
        none builds in vain. In the switch several hosts go step by step where it matters that none is further than the
        others. On a host alone it is one word: that of a controller that is still there, without which the live site is
        not to be touched. So is the commit.
        """
        alone = len(self.hosts) == 1
        build, switch = (
            [name for name in self.steps if name in group] for group in (names(Phase.BUILD), names(Phase.SWITCH))
        )
        if step == "begin":
            return build[-1] if alone and build else ""
        if step in build:
            return build[-1]
        if step in switch:
            return switch[-1] if alone else with_those_at_once(step, self.steps)
        return step

    @property
    def falls_back_alone(self) -> str:
        """When a host that hears nothing more falls back by itself."""
        return f"at the latest {self.settings.confirm_timeout} s after its running step has ended"

    @property
    def cleans_at_once(self) -> bool:
        """Whether old versions are deleted in the call of the commit: with several hosts none may wait for that."""
        return self.kind == "deploy" and len(self.hosts) == 1

    def cleaning(self) -> Cleaning:
        """What to delete once this has committed."""
        idle = "" if self.steps else "nothing was deployed"
        return Cleaning(self.settings, new_id("clean"), self.settings.keep_versions, idle=idle, by=self.by)

    def begins(self) -> Begin:
        """What a host is asked first; a repository's URL, which may hold a password, it keeps nowhere."""
        wanted = {name: url for name, url in self.settings.repositories.items() if name in self.steps}
        env = self.settings.env if "code" in self.steps else {}
        return Begin(self.deploy, self.request(), wanted, self.upto("begin"), env, self.secrets(), self.webhook())

    def secrets(self) -> dict[str, str] | None:
        """The secrets that the site is to have; None where this leaves them as they are, as going back does."""
        return read_secrets(self.settings.secrets) if self.kind in ("deploy", "build") else None

    def webhook(self) -> str | None:
        """The address that is told how runs end, empty for none; None where this leaves it as it is, as secrets are."""
        notify = self.settings.notify
        if self.kind != "deploy":
            return None
        return read_address(notify.url) if notify and notify.url else ""

    def goes(self, step: str, lingers: float = 0, verbose: bool = False) -> Go:
        """What a host is asked for a step, as `Go` has it."""
        return Go(self.deploy, self.upto(step), step, lingers, verbose)

    def is_well(self) -> AllWell:
        """What a host is told once all of them are well."""
        return AllWell(self.deploy)

    def commits(self) -> CommitRequest:
        """What a host is asked at last."""
        return CommitRequest(self.deploy, self.cleaning().request() if self.cleans_at_once else None, tells=True)

    def patience(self, *steps: str) -> float:
        """How long to wait for an answer, seconds: the steps' own limits, and the fallback that may come of them."""
        settings = self.settings.for_host()
        back = limit_of_way_back(settings)
        back += (PATIENCE - 1) * self.settings.health_timeout
        after = max(limit_of(one.name, settings) for one in AFTER)
        return sum(limit_of(name, settings) for name in steps) + back + after + ON_THE_WAY


@dataclass(frozen=True)
class Cleaning:
    """What a run deletes on one host.

    + keep: how many healthy versions stay
    + named: delete these and nothing else
    + idle: why there is nothing to do, if so
    + by: who runs it, as `Run` has it
    """

    settings: Settings
    deploy: str
    keep: int
    named: tuple[str, ...] = ()
    idle: str = ""
    by: str = ""

    def request(self) -> Clean:
        """What the host is asked."""
        return Clean(self.deploy, self.by or login(), self.settings.for_host(), self.keep, self.named, login())


def login() -> str:
    """As whom this runs, and where: what others are told while this run holds a host, unless `by` says more."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container that runs as a number without a name.
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def new_id(kind: str) -> str:
    """An id for a run; the time first, so that they sort."""
    return f"{utc()}-{kind}-{secrets.token_hex(2)}"


def version_name(commits: Mapping[str, Commit]) -> str:
    """A name for a new version of these commits: of the code, and of the config, where that has its own."""
    return "-".join(["django", utc(), *(one.sha[:7] for one in commits.values())])


def utc() -> str:
    """The time as it stands in names."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime())
