"""A uv.lock, read as `uv sync --frozen --no-default-groups --no-install-project` does."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import parse_qs, urlsplit

from agent.locks.documents import Document, Unusable, table, tables, text, texts
from agent.locks.markers import Environment, holds
from agent.locks.pins import Locked, Pin, from_git, from_here, index_of
from agent.locks.releases import canonical

# How uv's own folders stand in a source.
OWN = ("virtual", "editable", "directory")


class _Lock:
    """A lock that is being read, for one Python and what is asked for."""

    def __init__(self, path: str, document: Document, environment: Environment) -> None:
        self.path, self.environment = path, environment
        self.extras = set[str]()
        self.packages: dict[str, list[Document]] = {}
        for package in tables(document.get("package")):
            self.packages.setdefault(canonical(text(package, "name")), []).append(package)

    def own(self, folder: str) -> Document:
        """The project itself, whose folder is relative to the lock's. Raises Unusable."""
        members = [(_folder(one), one) for some in self.packages.values() for one in some if _folder(one) is not None]
        for wanted in (folder, "."):
            for place, one in members:
                if place is not None and posixpath.normpath(place) == posixpath.normpath(wanted or "."):
                    return one
        if len(members) == 1:
            return members[0][1]
        places = ", ".join(sorted(str(place) for place, _ in members)) or "none"
        raise Unusable(f"{self.path} has no project in {folder or '.'} (but in {places}): write requirements: FILE.txt")

    def asked(self, own: Document, extras: Sequence[str], groups: Sequence[str]) -> Iterator[Document]:
        """What the project itself asks for. Raises Unusable."""
        name = canonical(text(own, "name"))
        # Where extras or groups exclude each other, markers say which ones are meant.
        self.extras = {f"extra-{len(name)}-{name}-{canonical(one)}" for one in extras}
        self.extras |= {f"group-{len(name)}-{name}-{canonical(one)}" for one in groups}
        yield from tables(own.get("dependencies", []))
        about = table(own, "metadata")
        known = {canonical(one) for one in texts(about.get("provides-extras"))}
        yield from self._named("requirements_extras", extras, known, table(own, "optional-dependencies"))
        known = {canonical(one) for one in table(about, "requires-dev")}
        yield from self._named("requirements_groups", groups, known, table(own, "dev-dependencies"))

    def _named(
        self, setting: str, wanted: Sequence[str], known: Collection[str], lines: Document
    ) -> Iterator[Document]:
        """What some extras or groups ask for. Raises Unusable.

        + known: all that there are: one that is empty has no lines
        """
        there = {canonical(one): some for one, some in lines.items()}
        for one in wanted:
            if canonical(one) not in {*known, *there}:
                has = ", ".join(sorted({*known, *there})) or "none"
                raise Unusable(f"{self.path} knows no {one} (it has {has}): change {setting} in the settings")
            yield from tables(there.get(canonical(one), []))

    def meant(self, asked: Document) -> Document | None:
        """The package that one asks for; None where this Python does not need it. Raises Unusable."""
        if not holds(text(asked, "marker"), self.environment, self.extras):
            return None
        name, release, source = canonical(text(asked, "name")), asked.get("version"), asked.get("source")
        found = [
            one
            for one in self.packages.get(name, [])
            if (release is None or one.get("version") == release) and (source is None or one.get("source") == source)
        ]
        if len(found) > 1:
            found = [one for one in found if self._is_for_this(one)]
        if len(found) != 1:
            raise Unusable(
                f"{self.path} does not say which {name} is meant: lock it anew, or write requirements: FILE.txt"
            )
        return found[0]

    def _is_for_this(self, package: Document) -> bool:
        markers = texts(package.get("resolution-markers"))
        return not markers or any(holds(one, self.environment, self.extras) for one in markers)


def read(
    path: str, document: Document, folder: str, wanted: tuple[Sequence[str], Sequence[str]], environment: Environment
) -> Locked:
    """What a lock asks for. Raises Unusable.

    + folder: the project's, relative to the lock's; wanted: the extras and the groups of it
    """
    if document.get("version") != 1:
        raise Unusable(
            f"{path} is of version {document.get('version')} of the format, and version 1 is understood: lock it with "
            "an older uv, or write requirements: FILE.txt in the settings"
        )
    lock = _Lock(path, document, environment)
    own = lock.own(folder)
    found, todo, seen = dict[int, Document](), list(lock.asked(own, *wanted)), set[tuple[int, str]]()
    while todo:
        asked = todo.pop()
        package = lock.meant(asked)
        if package is None or package is own:
            continue
        found[id(package)] = package
        for extra in ("", *texts(asked.get("extra"))):
            if (id(package), extra) not in seen:
                seen.add((id(package), extra))
                more = (
                    table(package, "optional-dependencies").get(extra, []) if extra else package.get("dependencies", [])
                )
                todo += tables(more)
    pins = [_pin(path, one) for one in found.values() if "virtual" not in table(one, "source")]
    return Locked(
        tuple(sorted(pins, key=lambda pin: pin.name)), _indexes(path, found.values()), text(document, "requires-python")
    )


def _folder(package: Document) -> str | None:
    """The folder of a package that is the project's own."""
    source = table(package, "source")
    return next((text(source, key) for key in OWN if key in source), None)


def _pin(path: str, package: Document) -> Pin:
    source, name, release = table(package, "source"), canonical(text(package, "name")), text(package, "version")
    folder = _folder(package)
    if folder is not None:
        return Pin(name, None, from_here(folder))
    if "git" in source:
        url = urlsplit(text(source, "git"))
        within = parse_qs(url.query).get("subdirectory", [""])[0]
        return Pin(name, None, from_git(path, url._replace(query="", fragment="").geturl(), url.fragment, within))
    files = [*tables(package.get("wheels", [])), *tables(package.get("sdist", []))]
    hashes = tuple(sorted({text(file, "hash") for file in files} - {""}))
    if "url" in source:
        return Pin(name, release or None, text(source, "url"), hashes)
    if "path" in source:
        return Pin(name, release or None, from_here(text(source, "path")))
    return Pin(name, release, "", hashes)


def _indexes(path: str, packages: Collection[Document]) -> tuple[str, ...]:
    sources = [text(table(one, "source"), "registry") for one in packages]
    return tuple(index_of(path, one) for one in dict.fromkeys(sources) if one)
