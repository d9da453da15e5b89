"""The versions on a host: what each is made of, and what is known of it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from agent.host.files import write_whole
from agent.host.reading import read_ordinary
from agent.state import State
from agent.versions.layout import Layout
from agent.words.seen import Failure, Version

NAME = re.compile(r"^django-(\d{8}-\d{6})-([0-9a-f]{7})-([0-9a-f]{7})$")
# Written last of all, so that a version with it is whole.
SEAL = ".switchback.json"
# Where it is of no matter what runs.
NOT_ASKED: Mapping[str, str] = {}


def read_json(path: Path) -> dict[str, Any]:
    """A file's JSON object; an empty one where there is none that can be read."""
    try:
        value = json.loads(read_ordinary(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def outside_of(folder: Path, paths: Iterable[str]) -> list[str]:
    """Those of some real paths that are not inside of a folder."""
    inside = os.path.realpath(str(folder)) + "/"
    return [path for path in paths if not path.startswith(inside)]


def read_mark(state: State, version: str) -> dict[str, Any]:
    """What is known of a version: `working` (since when), `failed` (at which step), `pinned`."""
    return read_json(state.mark(version))


def change_mark(state: State, version: str, **changes: object) -> None:
    """Note something about a version; a value of None takes the note away."""
    mark = {**read_mark(state, version), **changes}
    mark = {key: value for key, value in mark.items() if value is not None}
    write_whole(state.mark(version), json.dumps(mark, indent=2) + "\n")


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
        names = {entry.name for entry in os.scandir(str(layout.versions)) if entry.is_dir(follow_symlinks=False)}
    except FileNotFoundError:
        return []
    names = {name for name in names if NAME.match(name)} | {name for name in links.values() if name}
    return [_describe(state, layout, name, links, used) for name in sorted(names, key=age_key, reverse=True)]


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
    made_by = sorted(path.name[len("python") :] for path in venv.glob("lib/python*"))
    if named and made_by and named.group(1) not in made_by:
        return f"it was made by Python {made_by[-1]}, and {python} is {named.group(1)} now"
    return None


def _describe(
    state: State, layout: Layout, name: str, links: dict[str, str | None], used: Mapping[str, str]
) -> Version:
    folder = layout.version(name)
    seal, mark = read_json(folder / SEAL), read_mark(state, name)
    match = NAME.match(name)
    failed = mark.get("failed")
    return Version(
        name=name,
        links=tuple(word for word, target in links.items() if target == name),
        in_use=used.get(name, ""),
        sealed=bool(seal),
        ours=bool(seal or mark.get("built_by")),
        code=seal.get("code", {}).get("sha") or (match.group(2) if match else None),
        config=seal.get("config", {}).get("sha") or (match.group(3) if match else None),
        refs={part: seal.get(part, {}).get("ref") for part in ("code", "config")},
        bytes=seal.get("bytes"),
        age=int(time.time() - folder.stat().st_mtime),
        working=bool(mark.get("working")),
        failed=Failure(failed["step"], failed.get("deploy", ""), failed.get("at", 0.0)) if failed else None,
        pinned=bool(mark.get("pinned")),
        evidence=mark.get("evidence"),
        unable=unable(layout.part(name, "venv")),
        newer_schema=tuple(mark.get("newer_schema") or ()),
    )
