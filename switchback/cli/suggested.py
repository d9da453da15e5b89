"""The settings that a project's own files suggest, and the text of the file that they are written to. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import yaml

from agent.locks.documents import Unusable
from agent.packages import finding
from agent.packages.requirements import requirement_texts
from agent.project.found import NotFound, Project, find, texts_of_settings
from agent.words.settings import Settings
from switchback.cli.looking import Checkout

BACKEND = re.compile(r"""["'][\w.]*\.backends\.(\w+)["']""")
BY_URL = re.compile(r"\bDATABASE_URL\b|\bdj_database_url\.config\(|\benv\.db\(\)")
# How settings read a variable: os.environ["X"], os.getenv("X"), and the ways of environs, django-environ and decouple.
READ = re.compile(
    r"""(?:\benviron(?:\.get)?\s*[\[(]|\bgetenv\(|\benv(?:\.\w+)?\(|\bconfig\()\s*["']([A-Z][A-Z0-9_]*)["']"""
)
# What has a meaning of its own here, and is set already.
KNOWN = frozenset({"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "DEBUG", "PORT", "PATH", "HOME"})
DRIVERS = {"postgresql": re.compile(r"\bpsycopg"), "mysql": re.compile(r"\b(?:mysqlclient|pymysql)\b", re.IGNORECASE)}
KINDS = {"postgis": "postgresql", "spatialite": "sqlite3"}
OWN_DATABASE = "postgres:///app"


@dataclass(frozen=True)
class Suggested:
    """A part of the file.

    + why: what it is, or where it was found
    + settings: what is written; where it is only a proposal, as a comment
    """

    why: tuple[str, ...]
    settings: dict[str, object]
    is_proposal: bool = False


@dataclass(frozen=True)
class Found:
    """What a project tells.

    + parts: of the file; said: what was found, a sentence each; missing: what was not, with what to write
    """

    parts: tuple[Suggested, ...]
    said: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def suggest(checkout: Checkout, asked: Settings) -> Found:
    """What the files of a project suggest beyond what everybody has to say.

    + asked: the settings as they are without that
    """
    said, missing = list[str](), list[str]()
    project = None
    try:
        project = find(checkout.paths, checkout.text_of, asked)
        said += project.found
    except NotFound as problem:
        missing += problem.problems
    needed = _needed(checkout, project)
    if isinstance(needed, Unusable):
        missing.append(str(needed))
    else:
        said.append(f"packages: {needed.says}")
    texts = tuple(texts_of_settings(checkout.paths, checkout.text_of, project)) if project else ()
    packages = () if isinstance(needed, Unusable) else _texts(checkout, needed)
    parts = [*_branch(checkout), *_database(texts, packages), *_variables(texts)]
    if project and project.programs:
        said.append(f"processes: {', '.join(project.programs)}, which its Procfile names")
    return Found(tuple(parts), tuple(said), tuple(missing))


def _needed(checkout: Checkout, project: Project | None) -> finding.Found | Unusable:
    try:
        return finding.find(checkout.paths, checkout.text_of, project.folder if project else "", as_ever=False)
    except Unusable as problem:
        return problem


def _texts(checkout: Checkout, needed: finding.Found) -> tuple[str, ...]:
    return tuple(requirement_texts(checkout.text_of, needed.path).values())


def _branch(checkout: Checkout) -> Iterator[Suggested]:
    """What is deployed, unless the remote is known to call it its default."""
    if not checkout.remote or not checkout.branch:
        return
    if checkout.default:
        if checkout.default != checkout.branch:
            why = f"What is deployed is {checkout.default}, the default branch of {checkout.remote}; or what this says:"
            yield Suggested((why,), {"code_branch": checkout.branch}, is_proposal=True)
    else:
        yield Suggested(("Found: it is checked out.",), {"code_branch": checkout.branch})


def _database(texts: Sequence[str], packages: Sequence[str]) -> Iterator[Suggested]:
    named = {KINDS.get(kind, kind) for text in texts for kind in BACKEND.findall(text)}
    by_url = any(BY_URL.search(text) for text in texts)
    drivers = {kind for kind, driver in DRIVERS.items() if any(driver.search(text) for text in packages)}
    kinds = named & DRIVERS.keys() or (drivers if by_url else set())
    if "postgresql" in kinds:
        where = "which its settings name" if named & kinds else "whose driver is among its packages"
        why = f"Found: PostgreSQL, {where}."
        makes = "With this, provision makes a role and a database, both called app."
        yield Suggested((why, makes), {"provision_database": "postgresql"})
        if by_url:
            yield Suggested(("Found: its settings read DATABASE_URL.",), {"env": {"DATABASE_URL": OWN_DATABASE}})
        else:
            how = "Its settings are to have NAME app, and no HOST, USER or PASSWORD: the app comes as its own user."
            yield Suggested((how,), {})
    elif "mysql" in kinds:
        yield Suggested(("Found: MySQL or MariaDB. A database and its user are yours to make, on the host.",), {})
    elif "sqlite3" in named:
        yield Suggested(("Found: SQLite. Its file will be in ~app/shared, which outlives versions.",), {})


def _variables(texts: Iterable[str]) -> Iterator[Suggested]:
    names = dict.fromkeys(name for text in texts for name in READ.findall(text) if name not in KNOWN)
    if names:
        why = "Found: its settings read these from the environment. What is secret is read here, at each deploy, from a"
        how = "variable of that name (or a file or a command); what is not may be in `env`: {NAME: value}."
        yield Suggested((why, how), {"secrets": list(names)}, is_proposal=True)


def text_of(parts: Iterable[Suggested]) -> str:
    """The text of a file of settings."""
    return "\n".join(_lines(parts))


def _lines(parts: Iterable[Suggested]) -> Iterator[str]:
    for part in parts:
        yield from (f"# {line}" for line in part.why)
        told = yaml.safe_dump(part.settings, sort_keys=False, allow_unicode=True, width=1000) if part.settings else ""
        yield from (f"# {line}" if part.is_proposal else line for line in told.splitlines())
        yield ""
