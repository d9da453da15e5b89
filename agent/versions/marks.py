"""The versions on a host: what each is made of, and what is known of it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from agent.host.files import write_whole
from agent.host.reading import matching, names, read_ordinary
from agent.state import State
from agent.text.lines import bounded
from agent.versions.layout import Layout
from agent.words.seen import Version
from agent.words.shapes import bare

if TYPE_CHECKING:
    from agent.versions.known import Mark, Seal

T = TypeVar("T")

NAME = re.compile(r"^django-(\d{8}-\d{6})-([0-9a-f]{7})(?:-([0-9a-f]{7}))?$")
# Written last of all, so that a version with it is whole.
SEAL = ".switchback.json"
# How much is told of what can't be read, characters.
SHOWN = 300
# Where it is of no matter what runs.
NOT_ASKED: Mapping[str, str] = {}


def read_json(path: Path) -> dict[str, object]:
    """A file's JSON object; an empty one where there is none that can be read."""
    try:
        return _object(path)
    except (OSError, ValueError, RecursionError):
        return {}


def _object(path: Path) -> dict[str, object]:
    """A file's JSON object. Raises OSError, ValueError, RecursionError."""
    value = json.loads(read_ordinary(path))
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value


def _read(shape: type[T], path: Path) -> tuple[T | None, list[str]]:
    """What a file says, None where it says nothing; and what of it can't be read, as sentences."""
    from agent.versions.known import read_known

    try:
        found = _object(path)
    except FileNotFoundError:
        return None, []
    except (OSError, ValueError, RecursionError) as problem:
        return None, [bounded(f"{path} can't be read: {problem}", SHOWN, SHOWN)]
    known, odd = read_known(shape, found)
    return known if found else None, [bounded(f"{path} can't all be read: {what}", SHOWN, SHOWN) for what in odd]


def outside_of(folder: Path, paths: Iterable[str]) -> list[str]:
    """Those of some real paths that are not inside of a folder."""
    inside = os.path.realpath(str(folder)) + "/"
    return [path for path in paths if not path.startswith(inside)]


def read_mark(state: State, version: str) -> Mark:
    """What is known of a version; what can't be read of it is as if it were not."""
    from agent.versions.known import Mark

    return _read(Mark, state.mark(version))[0] or Mark()


def every_mark(state: State) -> list[Mark]:
    """What is known of all versions, also of one that is gone."""
    return [read_mark(state, path.stem) for path in matching(state.marks, "*.json")]


def write_mark(state: State, version: str, mark: Mark) -> None:
    """Write down what is known of a version."""
    write_whole(state.mark(version), json.dumps(bare(mark), indent=2) + "\n")


def read_seal(version: Path) -> Seal:
    """What a version says of itself; what can't be read of it is as if it were not said."""
    from agent.versions.known import Seal

    return _read(Seal, version / SEAL)[0] or Seal()


def linked_version(layout: Layout, link: Path) -> str | None:
    """The name of the version that a link leads to, or None where it leads to none."""
    target = os.path.realpath(str(link))
    if (
        link.is_symlink()
        and os.path.isdir(target)
        and os.path.dirname(target) == os.path.realpath(str(layout.versions))
    ):
        return os.path.basename(target)
    return None


def linked_versions(layout: Layout) -> dict[str, str | None]:
    """The version that each of the four links leads to."""
    return {word: linked_version(layout, link) for word, link in layout.main_links().items()}


def list_versions(state: State, layout: Layout, used: Mapping[str, str] = NOT_ASKED) -> list[Version]:
    """Every version on this host, the newest first, with all that is known of it.

    + used: those that a process of the app works in or was started from, each with one
    """
    links = linked_versions(layout)
    try:
        there = {name for name in names(layout.versions) if NAME.match(name)}
    except FileNotFoundError:
        return []
    there = {name for name in there if layout.version(name).is_dir() and not layout.version(name).is_symlink()}
    there |= {name for name in links.values() if name}
    return [_describe(state, layout, name, links, used) for name in sorted(there, key=age_key, reverse=True)]


def age_key(name: str) -> tuple[str, str]:
    """What versions are sorted by: the time in the name."""
    match = NAME.match(name)
    return (match.group(1) if match else "", name)


def unable(venv: Path) -> str | None:
    """Why nothing of a virtual environment can be started any more, or None: its interpreter may be gone, or another.

    Pure paths: nothing of the app's is run. An interpreter whose name does not tell its version is taken at its word.
    """
    python = venv / "bin" / "python"
    if not os.path.lexists(str(python)):
        return None
    leads = os.path.realpath(str(python))
    if not os.path.exists(leads):
        return f"its Python, {leads}, is gone"
    named = re.search(r"python(\d+\.\d+)$", os.path.basename(leads))
    made_by = sorted(path.name[len("python") :] for path in matching(venv, "lib/python*"))
    if named and made_by and named.group(1) not in made_by:
        return f"it was made by Python {made_by[-1]}, and {python} is {named.group(1)} now"
    return None


def _describe(
    state: State, layout: Layout, name: str, links: dict[str, str | None], used: Mapping[str, str]
) -> Version:
    from agent.versions.known import Mark, Seal

    folder = layout.version(name)
    sealed, odd_seal = _read(Seal, folder / SEAL)
    known, odd_mark = _read(Mark, state.mark(name))
    seal, mark = sealed or Seal(), known or Mark()
    match = NAME.match(name)
    return Version(
        name=name,
        links=tuple(word for word, target in links.items() if target == name),
        in_use=used.get(name, ""),
        sealed=sealed is not None,
        ours=bool(sealed or mark.built_by),
        code=seal.code.sha if seal.code else match.group(2) if match else None,
        config=seal.config.sha if seal.config else match.group(3) if match else None,
        refs={"code": seal.code.ref if seal.code else None, "config": seal.config.ref if seal.config else None},
        bytes=seal.bytes,
        age=int(time.time() - folder.stat().st_mtime),
        working=bool(mark.working),
        failed=mark.failed,
        pinned=mark.pinned,
        evidence=mark.evidence,
        unable=unable(layout.part(name, "venv")),
        newer_schema=mark.newer_schema,
        env=seal.env,
        recipe=seal.recipe,
        schedule=mark.schedule,
        odd=(*odd_seal, *odd_mark),
    )
