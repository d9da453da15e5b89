"""A Pipfile.lock, read as `pipenv sync` does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from agent.locks.documents import Document, Unusable, table, tables, text, texts
from agent.locks.markers import Environment, holds
from agent.locks.pins import Locked, Pin, from_git, from_here, index_of
from agent.locks.releases import canonical

# How the lock calls what the Pipfile calls otherwise.
CALLED = {"packages": "default", "dev-packages": "develop", "dev": "develop"}
REPOSITORIES = ("git", "hg", "svn", "bzr")


def read(path: str, content: str, groups: Sequence[str], environment: Environment) -> Locked:
    """What a lock asks for. Raises Unusable.

    + groups: the categories besides that of the packages
    """
    document = _document(path, content)
    names = ["default", *(CALLED.get(one, one) for one in groups)]
    missing = [one for one in names if not isinstance(document.get(one), dict)]
    if missing:
        has = ", ".join(sorted(one for one in document if one not in ("_meta", "default"))) or "none"
        raise Unusable(
            f"{path} knows no {', '.join(missing)} (it has {has}): change requirements_groups in the settings"
        )
    pins: dict[str, Pin] = {}
    for name in names:
        for package, told in table(document, name).items():
            asked = told if isinstance(told, dict) else {"version": told}
            if holds(text(asked, "markers"), environment):
                pins.setdefault(canonical(package), _pin(path, canonical(package), asked))
    sources = [text(one, "url") for one in tables(table(document, "_meta").get("sources", []))]
    requires = table(document, "_meta", "requires")
    python = text(requires, "python_full_version") or text(requires, "python_version")
    return Locked(
        tuple(pins[name] for name in sorted(pins)),
        tuple(index_of(path, _without_words(path, one)) for one in sources),
        f"=={python}" + ("" if python.count(".") > 1 else ".*") if python else "",
    )


def _document(path: str, content: str) -> Document:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as problem:
        raise Unusable(f"{path} can't be read: {problem}") from None
    if not isinstance(document, dict) or table(document, "_meta").get("pipfile-spec") != 6:
        raise Unusable(f"{path} is of a format that is not understood: lock it with a newer pipenv")
    return document


def _pin(path: str, name: str, asked: Mapping[str, object]) -> Pin:
    told = dict(asked)
    release, hashes = text(told, "version"), texts(told.get("hashes"))
    repository = next((kind for kind in REPOSITORIES if kind in told), None)
    if repository == "git":
        return Pin(name, None, from_git(path, text(told, "git"), text(told, "ref"), text(told, "subdirectory")))
    if text(told, "path"):
        return Pin(name, None, from_here(text(told, "path")))
    if text(told, "file"):
        return Pin(name, None, text(told, "file"), hashes)
    if not release.startswith("==") or repository:
        raise Unusable(f"{path} does not say which release of {name} is meant: lock it anew")
    return Pin(name, release.lstrip("="), "", hashes)


def _without_words(path: str, url: str) -> str:
    """The URL of an index whose login is in variables: the app's .netrc has it, where there is none."""
    login, is_there, rest = url.rpartition("@")
    if is_there and "$" in login:
        return login.partition("://")[0] + "://" + rest
    if "$" in url:
        raise Unusable(f"{path} takes packages from {url}, where variables stand that nobody fills in")
    return url
