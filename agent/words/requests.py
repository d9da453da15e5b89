"""What a controller asks of the agent: one document on its standard input, with the site, a verb and its details."""

# No `from __future__ import annotations`: see shapes.

import json
from dataclasses import field
from typing import ClassVar, Optional, Union, get_args

from agent.inside.lean import dataclass, fields_of
from agent.words.journal import Intent
from agent.words.outcomes import Cause
from agent.words.settings import Settings, site_of
from agent.words.shapes import Unreadable, from_json

SCHEMA = 2
ANOTHER_VERSION = (
    "another version of Switchback asks this agent than the one that has installed it: run it from the checkout that "
    "has, or run the deploy again once nothing is open on the host"
)


@dataclass(frozen=True)
class Ref:
    """A branch, tag or SHA of a repository."""

    url: str
    ref: str


@dataclass(frozen=True)
class Survey:
    """Look at the host.

    + refs: what the commits are looked up of: `code`, `config`
    + hotfixes: whether to look for what was changed by hand; written: for what provision has written
    + postgresql: whether to look for a database of the app's own
    + servers: whether the app's user knows the keys of these, as known_hosts names them
    + needs: whether to try what else a deploy needs; starts: to look for what keeps the service from starting again
    + secrets: those that the site is to have, where it is asked what becomes of them
    """

    verb: ClassVar[str] = "survey"
    settings: Settings
    refs: dict[str, Ref] = field(default_factory=dict)
    hotfixes: bool = False
    needs: bool = False
    written: bool = False
    starts: bool = False
    servers: tuple[str, ...] = ()
    secrets: Optional[dict[str, str]] = None
    postgresql: bool = False


@dataclass(frozen=True)
class Preview:
    """Find out what a run would do.

    + urls: of the repositories; commits: where it goes; live: where it comes from
    + was, version: the version that is live, and the one that it goes to; built: whether that is there already
    + database: what a revert does with the database; None for another run
    + diff: whether the texts are shown too
    + env: the variables of a version to come; secrets: those of the site, None where they stay as they are
    + single: whether the host is the one that has what runs on one of all
    """

    verb: ClassVar[str] = "preview"
    settings: Settings
    urls: dict[str, str]
    was: Optional[str]
    version: str
    built: bool
    commits: dict[str, str]
    live: dict[str, Optional[str]]
    database: Optional[str]
    diff: bool
    env: dict[str, str] = field(default_factory=dict)
    secrets: Optional[dict[str, str]] = None
    single: bool = True


@dataclass(frozen=True)
class History:
    """Tell of so many of the last runs."""

    verb: ClassVar[str] = "history"
    runs: int


@dataclass(frozen=True)
class Why:
    """Tell of one run: what happened, and the evidence.

    + deploy: its id, or a part of one; empty for the last run that did not commit, or the last one
    + most: how much is told of each text, bytes
    """

    verb: ClassVar[str] = "why"
    deploy: str = ""
    most: int = 16 * 1024


@dataclass(frozen=True)
class Logs:
    """Show the ends of the app's logs, or of one program's; then what comes, for so long (`follow`, seconds)."""

    verb: ClassVar[str] = "logs"
    settings: Settings
    lines: int
    process: str = ""
    follow: float = 0


@dataclass(frozen=True)
class Manage:
    """Run a command of manage.py's in the live version, for so many seconds; force: also while a run is open."""

    verb: ClassVar[str] = "manage"
    settings: Settings
    words: tuple[str, ...]
    seconds: float
    force: bool = False


@dataclass(frozen=True)
class Remove:
    """Take off the host what is Switchback's own of a site; look: only say what that is."""

    verb: ClassVar[str] = "remove"
    settings: Settings
    look: bool = True


@dataclass(frozen=True)
class KeepPage:
    """Keep the page (HTML) of a run that has ended, beside its journal."""

    verb: ClassVar[str] = "keep-page"
    deploy: str
    page: str


@dataclass(frozen=True)
class Install:
    """Put the agent that comes along on the host, for the site."""

    verb: ClassVar[str] = "install"


@dataclass(frozen=True)
class Begin:
    """Take the host for a run.

    + intent: what its journal begins with
    + urls: the repositories of the steps that need one: they may hold a password, and are kept nowhere
    + upto: the last step that it may do without another word; none where that is empty
    + env: the variables of the version that it builds; secrets: those of the site, None where they stay as they are.
      Both are kept with the run, and not in its journal
    + webhook: the web address that is told how runs end, none where that is empty; None where it stays as it is
    """

    verb: ClassVar[str] = "begin"
    deploy: str
    intent: Intent
    urls: dict[str, str] = field(default_factory=dict)
    upto: str = ""
    env: dict[str, str] = field(default_factory=dict)
    secrets: Optional[dict[str, str]] = None
    webhook: Optional[str] = None


@dataclass(frozen=True)
class Go:
    """Go on with a run.

    + upto: the last step that it may do without another word
    + until: the step whose end is waited for, and whose lines are told; where it is empty, this is a sign of life
    + lingers: so long after that the answer may wait, so that it tells of later steps as well, seconds
    + verbose: whether what its commands print is told as well
    """

    verb: ClassVar[str] = "go"
    deploy: str
    upto: str
    until: str = ""
    lingers: float = 0
    verbose: bool = False


@dataclass(frozen=True)
class AllWell:
    """Hear that all hosts of a run are well: without another word, commit."""

    verb: ClassVar[str] = "all-well"
    deploy: str


@dataclass(frozen=True)
class Clean:
    """Delete versions.

    + deploy: the run's id; by, login: who runs it, and where from, as whom
    + keep: how many healthy versions stay; named: delete these and nothing else
    """

    verb: ClassVar[str] = "clean"
    deploy: str
    by: str
    settings: Settings
    keep: int
    named: tuple[str, ...] = ()
    login: str = ""


@dataclass(frozen=True)
class Commit:
    """Commit a deploy.

    + clean: what to delete once it has committed; tells: whether its record is told as well, as `Why` would
    """

    verb: ClassVar[str] = "commit"
    deploy: str
    clean: Optional[Clean] = None
    tells: bool = False


@dataclass(frozen=True)
class FallBack:
    """Take a deploy back.

    + reason: a sentence for people; cause: whose doing it is
    + database_is_back: whether the primary host has taken the database back already
    """

    verb: ClassVar[str] = "fall-back"
    deploy: str
    reason: str
    cause: Cause = Cause.ITSELF
    database_is_back: bool = False


@dataclass(frozen=True)
class Recover:
    """Finish the fallback of a deploy that needs a person, and free the host.

    + database: `keep` when a person has put it right; force: whether the host is freed whatever can't be undone
    """

    verb: ClassVar[str] = "recover"
    database: Optional[str] = None
    force: bool = False


@dataclass(frozen=True)
class Pin:
    """Keep a version from being deleted, or let it go again."""

    verb: ClassVar[str] = "pin"
    version: str
    pinned: bool


@dataclass(frozen=True)
class Adopt:
    """Take versions that somebody else has made, and that work, for working ones."""

    verb: ClassVar[str] = "adopt"
    versions: tuple[str, ...]


Looks = Union[Survey, Preview, History, Why, Logs]
OnSite = Union[Manage, Remove, KeepPage, Install, Pin, Adopt]
Request = Union[Looks, OnSite, Begin, Go, AllWell, Clean, Commit, FallBack, Recover]
SHAPES: dict[str, type[Request]] = {one.verb: one for one in get_args(Request)}


def document(request: Request, site: str) -> str:
    """The line that asks for something on a site."""
    return json.dumps({"schema": SCHEMA, "site": site, "verb": request.verb, **fields_of(request)}, default=fields_of)


@dataclass(frozen=True)
class _Head:
    schema: int
    verb: str
    site: str = ""


def read_request(text: str) -> tuple[str, Request]:
    """The site, and what is asked for there, from its line. Raises Unreadable, with what a person can do about it."""
    head = from_json(_Head, text)
    if head.schema != SCHEMA or head.verb not in SHAPES:
        raise Unreadable(f"{head.verb} (schema {head.schema}): {ANOTHER_VERSION}")
    request: Request = from_json(SHAPES[head.verb], text)
    try:
        return site_of(head.site), request
    except ValueError as problem:
        raise Unreadable(str(problem)) from None
