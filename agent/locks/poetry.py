"""A poetry.lock, read as `poetry sync --only main --no-root` does: of Poetry 2, which says in it for whom each package
is, and of Poetry 1.5 and later, where pyproject.toml does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from agent.inside.lean import dataclass
from agent.locks.documents import Document, Unusable, table, tables, text, texts
from agent.locks.markers import Environment, holds
from agent.locks.pins import Locked, Pin, from_git, from_here, index_of
from agent.locks.releases import canonical, fits

MAIN = "main"
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?[^;]*(?:;(.*))?")


@dataclass(frozen=True)
class Asked:
    """What a lock is read for.

    + project: its pyproject.toml
    + extras, groups: those of the project whose packages are wanted too
    """

    project: Document
    extras: Sequence[str]
    groups: Sequence[str]
    environment: Environment


@dataclass(frozen=True)
class _Edge:
    """A package that another one asks for, with its extras."""

    name: str
    extras: tuple[str, ...] = ()


def read(path: str, document: Document, asked: Asked) -> Locked:
    """What a lock asks for. Raises Unusable."""
    about, packages = table(document, "metadata"), list(tables(document.get("package", [])))
    version = text(about, "lock-version")
    if version not in ("2.0", "2.1"):
        raise Unusable(
            f"{path} is of version {version or 'unknown'} of the format, and 2.0 and 2.1 are understood: lock it with "
            "Poetry 1.5 or later, or write requirements: FILE.txt in the settings"
        )
    _all_known(path, document, asked)
    found = _by_groups(packages, asked) if version == "2.1" else _by_walk(path, packages, document, asked)
    indexes = [text(source, "url") for one in found if text(source := table(one, "source"), "type") == "legacy"]
    pins = [_pin(path, one) for one in found]
    return Locked(
        tuple(sorted(pins, key=lambda pin: pin.name)),
        tuple(index_of(path, one) for one in dict.fromkeys(indexes)),
        clauses(text(about, "python-versions")),
    )


def _all_known(path: str, document: Document, asked: Asked) -> None:
    project = asked.project
    groups = {*table(project, "tool", "poetry", "group"), *table(project, "dependency-groups")}
    if table(project, "tool", "poetry", "dev-dependencies"):
        groups.add("dev")
    extras = {*table(document, "extras")}
    for key, wanted, known in (
        ("requirements_groups", asked.groups, groups),
        ("requirements_extras", asked.extras, extras),
    ):
        there = {canonical(one) for one in known}
        missing = [one for one in wanted if canonical(one) not in there]
        if missing:
            has = ", ".join(sorted(there)) or "none"
            raise Unusable(f"{path} knows no {', '.join(missing)} (it has {has}): change {key} in the settings")


def _by_groups(packages: Collection[Document], asked: Asked) -> list[Document]:
    """The packages of the groups that are wanted, as Poetry 2 has written them down."""
    wanted, found = {MAIN, *map(canonical, asked.groups)}, []
    for package in packages:
        markers = package.get("markers", "")
        for group in texts(package.get("groups")):
            marker = text(markers, group) if isinstance(markers, dict) else str(markers)
            if canonical(group) in wanted and holds(marker, asked.environment, asked.extras):
                found.append(package)
                break
    return found


def _by_walk(path: str, packages: Collection[Document], document: Document, asked: Asked) -> list[Document]:
    """The packages that the project asks for, and those that these ask for."""
    by_name: dict[str, list[Document]] = {}
    for package in packages:
        by_name.setdefault(canonical(text(package, "name")), []).append(package)
    # What only an extra brings is said to be optional, and which extra brings it.
    optional = [one for name in asked.extras for one in texts(table(document, "extras").get(canonical(name), []))]
    optional += [one for name in asked.extras for one in texts(table(document, "extras").get(name, []))]
    todo = [*_of_project(asked), *(_Edge(canonical(one)) for one in optional)]
    found, seen = dict[int, Document](), set[tuple[str, str]]()
    while todo:
        edge = todo.pop()
        package = _for_this(path, by_name, edge.name, asked.environment)
        found[id(package)] = package
        for extra in ("", *edge.extras):
            if (edge.name, extra) not in seen:
                seen.add((edge.name, extra))
                todo += _of_package(package, extra, asked.environment)
    return list(found.values())


def _for_this(path: str, packages: dict[str, list[Document]], name: str, environment: Environment) -> Document:
    """The package of a name that is for this Python. Raises Unusable."""
    there = packages.get(name, [])
    found = [one for one in there if len(there) == 1 or allows(text(one, "python-versions"), environment)]
    if len(found) != 1:
        raise Unusable(f"{path} does not say which {name} is meant: lock it anew with Poetry 2")
    return found[0]


def _of_project(asked: Asked) -> Iterator[_Edge]:
    """What the project asks for, by its pyproject.toml."""
    poetry = table(asked.project, "tool", "poetry")
    some = [table(poetry, "dependencies")]
    some += [table(poetry, "group", group, "dependencies") for group in asked.groups]
    if "dev" in asked.groups:
        some.append(table(poetry, "dev-dependencies"))
    for lines in some:
        for name, said in lines.items():
            for one in _alternatives(said):
                wanted = not one.get("optional") and _is_asked(one, asked.environment)
                if canonical(name) != "python" and wanted:
                    yield _Edge(canonical(name), tuple(map(canonical, texts(one.get("extras")))))
    for line in texts(table(asked.project, "project").get("dependencies")):
        named = _REQUIREMENT.match(line)
        if named and holds(named.group(3) or "", asked.environment):
            extras = [canonical(one.strip()) for one in (named.group(2) or "").split(",") if one.strip()]
            yield _Edge(canonical(named.group(1)), tuple(extras))


def _of_package(package: Document, extra: str, environment: Environment) -> Iterator[_Edge]:
    """What a package asks for, by itself or for one of its extras."""
    said = table(package, "dependencies")
    if not extra:
        for name, what in said.items():
            for one in _alternatives(what):
                if not one.get("optional") and _is_asked(one, environment):
                    yield _Edge(canonical(name), tuple(map(canonical, texts(one.get("extras")))))
        return
    there = {canonical(name): lines for name, lines in table(package, "extras").items()}
    for line in texts(there.get(extra, [])):
        named = _REQUIREMENT.match(line)
        known = {canonical(name): what for name, what in said.items()}
        for one in _alternatives(known.get(canonical(named.group(1)), "*")) if named else ():
            if named and _is_asked(one, environment, extra):
                yield _Edge(canonical(named.group(1)), tuple(map(canonical, texts(one.get("extras")))))


def _alternatives(said: object) -> Iterator[Document]:
    """What is said of one dependency: a release, a table, or several of these for different Pythons."""
    for one in said if isinstance(said, list) else [said]:
        yield one if isinstance(one, dict) else {"version": one}


def _is_asked(one: Document, environment: Environment, extra: str | None = None) -> bool:
    extras = [extra] if extra else []
    return allows(text(one, "python"), environment) and holds(text(one, "markers"), environment, extras)


def allows(python: str, environment: Environment) -> bool:
    """Whether a constraint of Poetry's lets this Python be: `^3.9`, `~3.10`, `>=3.8,<3.12 || 3.13.*`.

    >>> [allows("^3.9 || ~2.7", {"python_full_version": one}) for one in ("3.11.2", "2.7.18", "3.8.1", "4.0.0")]
    [True, True, False, False]
    """
    here = environment.get("python_full_version", "")
    try:
        return any(
            all(fits(here, clause) for clause in clauses(part).split(",") if clause) for part in python.split("||")
        )
    except ValueError:
        raise Unusable(f"the Python {python!r} can't be understood") from None


def clauses(python: str) -> str:
    """A constraint of Poetry's as PEP 440 has it; nothing where any Python will do, or where it has alternatives.

    >>> clauses("^3.9"), clauses(">=3.9, <4.0"), clauses("~3.10"), clauses("*"), clauses("3.11")
    ('>=3.9,<4', '>=3.9,<4.0', '>=3.10,<3.11', '', '==3.11')
    """
    found = []
    for clause in re.findall(r"(\^|~=|~|===?|!=|<=|>=|<|>)?\s*([^\s,|^~=!<>]+)", python if "||" not in python else ""):
        sign, release = clause
        if release == "*":
            continue
        parts = [int(part) for part in re.findall(r"\d+", release)]
        if sign == "^":
            found.append(f">={release},<{_next(parts, 1)}")
        elif sign == "~":
            found.append(f">={release},<{_next(parts, min(2, len(parts)))}")
        else:
            found.append(f"{sign or '=='}{release}")
    return ",".join(found)


def _next(parts: Sequence[int], kept: int) -> str:
    """The first release that has other first numbers."""
    first = [*parts[: kept - 1], parts[kept - 1] + 1] if len(parts) >= kept else [1]
    return ".".join(map(str, first))


def _pin(path: str, package: Document) -> Pin:
    source, name, release = table(package, "source"), canonical(text(package, "name")), text(package, "version")
    kind, url = text(source, "type"), text(source, "url")
    hashes = tuple(sorted({text(file, "hash") for file in tables(package.get("files", []))} - {""}))
    if kind == "git":
        return Pin(name, None, from_git(path, url, text(source, "resolved_reference"), text(source, "subdirectory")))
    if kind in ("directory", "file"):
        return Pin(name, None, from_here(url))
    if kind == "url":
        return Pin(name, release, url, hashes)
    return Pin(name, release, "", hashes)
