"""What a pyproject.toml says of packages, as requirements. Pure: nothing of the project is built for it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping

from agent.locks.documents import Document, Unusable, table, texts
from agent.locks.releases import canonical

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?")


def requires_python(document: Document) -> str:
    """The releases of Python that a project says it runs with; empty where it does not say."""
    said = table(document, "project").get("requires-python")
    return said if isinstance(said, str) else ""


def has_sources(document: Document) -> bool:
    """Whether it says, for uv alone, where packages come from."""
    return bool(table(document, "tool", "uv", "sources"))


def files_named(path: str, document: Document) -> tuple[str, ...]:
    """The files that have the requirements, where setuptools is to read them from there."""
    if "dependencies" not in texts(table(document, "project").get("dynamic")):
        return ()
    named = table(document, "tool", "setuptools", "dynamic", "dependencies").get("file")
    return tuple(posixpath.join(posixpath.dirname(path), name) for name in texts(named))


def requirements(path: str, document: Document, extras: Collection[str]) -> tuple[str, ...]:
    """The requirements that it lists, with those of some extras. Raises Unusable.

    + path: the file's, for what is said
    """
    project = table(document, "project")
    if "dependencies" in texts(project.get("dynamic")) and not files_named(path, document):
        raise Unusable(
            f"{path} leaves its dependencies to its build backend (dynamic), which is not run for them: list them "
            "there, or write requirements: FILE.txt in the settings"
        )
    optional = {canonical(name): texts(lines) for name, lines in table(project, "optional-dependencies").items()}
    _all_there(path, "optional-dependencies", "requirements_extras", extras, optional)
    own, seen = canonical(str(project.get("name", ""))), set[str]()
    found = list(texts(project.get("dependencies")))
    for extra in extras:
        found += _of_extra(canonical(extra), own, optional, seen)
    return tuple(dict.fromkeys(found))


def _of_extra(extra: str, own: str, optional: Mapping[str, tuple[str, ...]], seen: set[str]) -> Iterator[str]:
    lines = () if extra in seen else optional.get(extra, ())
    seen.add(extra)
    for line in lines:
        named = _REQUIREMENT.match(line)
        if named and canonical(named.group(1)) == own:
            for other in (named.group(2) or "").split(","):
                yield from _of_extra(canonical(other.strip()), own, optional, seen)
        else:
            yield line


def groups(path: str, document: Document, wanted: Collection[str]) -> tuple[str, ...]:
    """The requirements of some groups (PEP 735). Raises Unusable."""
    there = {canonical(name): lines for name, lines in table(document, "dependency-groups").items()}
    _all_there(path, "dependency-groups", "requirements_groups", wanted, there)
    seen = set[str]()
    return tuple(dict.fromkeys(line for name in wanted for line in _of_group(canonical(name), there, seen)))


def _of_group(name: str, there: Mapping[str, object], seen: set[str]) -> Iterator[str]:
    lines = None if name in seen else there.get(name)
    seen.add(name)
    for line in lines if isinstance(lines, list) else []:
        if isinstance(line, str):
            yield line
        elif isinstance(line, dict) and isinstance(line.get("include-group"), str):
            yield from _of_group(canonical(line["include-group"]), there, seen)


def _all_there(path: str, where: str, key: str, wanted: Collection[str], there: Collection[str]) -> None:
    missing = [name for name in wanted if canonical(name) not in there]
    if missing:
        has = f"it has {', '.join(sorted(there))}" if there else "it has none"
        raise Unusable(f"{path} has no {where} called {', '.join(missing)}; {has}: change {key} in the settings")
