"""What a survey sees of a host."""

# No `from __future__ import annotations`: see shapes.

from dataclasses import field
from typing import Optional

from agent.inside.lean import dataclass
from agent.words.foreseen import SharedPlace
from agent.words.history import PastRun, Text
from agent.words.needs import Needs
from agent.words.outcomes import Outcome
from agent.words.seen import Access, Kept, PostgreSQL, UnwritableLog, Version, Web


@dataclass(frozen=True)
class Link:
    """What is at the path of a link.

    + kind: `link`, `folder`, `file` or `missing`
    + target: what the link itself says; leads: whether there is something; resolved: where it is
    """

    kind: str
    resolved: str
    target: str = ""
    leads: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether there is nothing at its path."""
        return self.kind == "missing"


@dataclass(frozen=True)
class Linked:
    """The version that each of the four links leads to."""

    current: Optional[str] = None
    previous: Optional[str] = None
    working: Optional[str] = None
    previous_working: Optional[str] = None


@dataclass(frozen=True)
class Wanted:
    """Where a link has to lead: in its own words, and in the end."""

    target: str
    resolved: str


@dataclass(frozen=True)
class Script:
    """A script that the settings name; whether the app's user may run it."""

    path: str
    exists: bool
    executable: bool


@dataclass(frozen=True)
class Restore:
    """The restore script at its usual path, and whether provision has written the backup script that it goes with."""

    usual: str
    there: bool
    provisioned: bool


@dataclass(frozen=True)
class Disk:
    """What is free where the versions are: bytes; and how many more files there can be, where that is limited."""

    free: int
    inodes: Optional[int] = None


@dataclass(frozen=True)
class Health:
    """What is wrong with the live version, if anything, and its processes."""

    problem: Optional[str]
    pids: tuple[int, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether it is well."""
        return self.problem is None


@dataclass(frozen=True)
class FoundRef:
    """The commit that a branch, tag or SHA stands for; or why there is none, or why nobody can tell."""

    ref: str
    sha: Optional[str] = None
    problem: str = ""
    unreachable: bool = False


@dataclass(frozen=True)
class OpenRun:
    """The run that holds the host.

    + says: whose it is, since when, and how far it has come, as a sentence
    + outcome: how it has ended, where a person is needed for it to be over
    """

    deploy: str
    kind: str
    says: str
    outcome: Optional[Outcome]
    step: str


@dataclass(frozen=True)
class Past:
    """The runs of a site.

    + runs: the last ones that have ended, the oldest first; kept: how many the history has
    + open: the one that holds the site; now: the host's clock, seconds since the epoch
    """

    runs: tuple[PastRun, ...]
    kept: int
    now: float
    open: Optional[OpenRun] = None


@dataclass(frozen=True)
class Site:
    """What can only be seen once the app's user is there.

    + group: the app user's own
    + versions_dir, deployment_dir: what is at the paths of these settings, as `Link.kind` has it
    + main: the paths of the four links, by the word for each; fixed: those of the links into the live version
    + links: what is at the path of each link, those of the deployment directory too
    + deployment: the links that the deployment directory needs
    + scripts: those that the settings name, by their settings
    + versions: the newest first; lineage: those that were live one after the other, the oldest first
    + hotfixes: what was changed by hand, by part; refs: by part as well
    + unnoticed: whether supervisord's config is provision's, with which a deploy goes unnoticed unless the settings say
      otherwise; rolling: what keeps its processes from being replaced one by one, where they are to be
    + by_a_link: the programs whose Python keeps to a link, each with the line to write
    + written: the texts of the files that provision writes; programs_need: how long the programs that run may take to
      end, seconds
    + supervisord: why it would not start with the host's own config; makes_venv: whether a build can make one
    + logs: those that could not be opened again; wheelhouse: whether it is there
    + needs: what else a deploy needs, shared: what outlives the versions; where that was tried
    + access: how it gets at repositories by SSH, where that was asked
    + secrets: the names of those that become others, each with what becomes of it, where that was asked
    + unlaunched: the programs that no launcher of a version starts
    + untold: why nobody could be told how the last run has ended; unreachable: why nobody can be, where that was asked
    + times: what of the settings is no time to systemd, by name, each with what it says
    + timers: what is wrong with those of the live version, by name, where this is the host that has what runs on one of
      all; others_timers: where it is not; where that was asked
    + failed_at_times: the services of what runs at times that have failed when they ran last, where that was asked
    """

    home: str
    versions_dir: str
    deployment_dir: str
    main: dict[str, str]
    fixed: dict[str, str]
    links: dict[str, Link]
    linked: Linked
    deployment: dict[str, Wanted]
    scripts: dict[str, Script]
    restore: Restore
    versions: tuple[Version, ...]
    lineage: tuple[str, ...]
    history: tuple[PastRun, ...]
    disk: Disk
    health: Health
    kept: Kept
    hotfixes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    refs: dict[str, FoundRef] = field(default_factory=dict)
    unnoticed: bool = False
    rolling: tuple[str, ...] = ()
    by_a_link: tuple[str, ...] = ()
    written: dict[str, str] = field(default_factory=dict)
    programs_need: Optional[int] = None
    supervisord: Optional[str] = None
    makes_venv: bool = True
    logs: tuple[UnwritableLog, ...] = ()
    wheelhouse: bool = False
    needs: Optional[Needs] = None
    access: Optional[Access] = None
    secrets: dict[str, str] = field(default_factory=dict)
    unlaunched: tuple[str, ...] = ()
    group: str = ""
    shared: tuple[SharedPlace, ...] = ()
    times: dict[str, str] = field(default_factory=dict)
    timers: dict[str, str] = field(default_factory=dict)
    others_timers: dict[str, str] = field(default_factory=dict)
    failed_at_times: tuple[str, ...] = ()
    untold: str = ""
    unreachable: str = ""

    @property
    def is_bare(self) -> bool:
        """Whether no version was ever live."""
        return all(self.links[path].is_missing for path in self.main.values())

    def version(self, name: Optional[str]) -> Optional[Version]:
        """A version by its name; None where it is not there."""
        return next((one for one in self.versions if one.name == name), None)


@dataclass(frozen=True)
class HostFacts:
    """What a host is like.

    + agent: the fingerprint of the one that does this site's runs; hears: whether it is asked as this one is
    + service: whether systemd has loaded its unit, in systemd's word; None where systemd can't be asked
    + git, uv, ssh, logrotate: whether they are there; python: the path of the app's, where that is the host's own
    + no_python: why the one that is asked for can't be had
    + now: the host's clock, seconds since the epoch
    + site: None where there is no app user
    + web: what serves the web there, and postgresql: whether it has one, where that was asked
    + clashes: what it uses that is another site's, each with what to do
    """

    agent: Optional[str]
    hears: bool
    admin: bool
    service: Optional[str]
    git: bool
    uv: bool
    python: Optional[str]
    transaction: Optional[OpenRun]
    now: float
    site: Optional[Site]
    clashes: tuple[str, ...] = ()
    ssh: bool = True
    web: Optional[Web] = None
    postgresql: Optional[PostgreSQL] = None
    logrotate: bool = True
    no_python: str = ""


@dataclass(frozen=True)
class Logged:
    """The ends of an app's logs.

    + problem: why there is none to show, with those that there are
    """

    texts: tuple[Text, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Removal:
    """What is Switchback's own of a site on a host, and what is left there of what it has made, each with a word.

    + problem: why it can't be taken off now
    """

    goes: dict[str, str] = field(default_factory=dict)
    stays: dict[str, str] = field(default_factory=dict)
    problem: str = ""
