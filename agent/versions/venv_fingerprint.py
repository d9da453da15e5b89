"""What two virtual environments have in common that have the same packages, so that one can be made of the other."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from agent.host.reading import read_text
from agent.state import State
from agent.versions.layout import Layout
from agent.versions.marks import list_versions, read_seal
from agent.words.settings import Settings

# What a requirement may be beyond a name and its releases, so that the same text does not mean the same packages.
ELSEWHERE = re.compile(r"://|^\s*-e|^\s*--editable|^\s*[./]|\s@\s|^\s*file:", re.MULTILINE)
INCLUDES = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)", re.MULTILINE)


def fingerprint(settings: Settings, requirements: Path, python: str | None, installer: str) -> str | None:
    """What two environments have in common that have the same packages; None where that can't be told.

    + requirements: the file; python: the interpreter's path; installer: uv or pip
    """
    texts = list(_texts(requirements, set()))
    if python is None or settings.build_script or any(ELSEWHERE.search(text) for text in texts):
        return None
    wheels = settings.wheelhouse
    made_of = [installer, _file(Path(os.path.realpath(python))), texts, _listing(Path(str(wheels))) if wheels else None]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _texts(file: Path, seen: set[str]) -> Iterator[str]:
    """A file of requirements and those that it includes, each once.

    + seen: the real paths of those that were read already
    """
    seen.add(os.path.realpath(file))
    text = read_text(file)
    yield text
    for name in INCLUDES.findall(text):
        included = file.parent / name
        if not included.is_file():
            yield f"://{name}"
        elif os.path.realpath(included) not in seen:
            yield from _texts(included, seen)


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    return sorted(_file(path) for path in folder.iterdir()) if folder.is_dir() else []


def _file(path: Path) -> tuple[str, int, int]:
    info = path.stat()
    return str(path), info.st_size, info.st_mtime_ns


def same_as(state: State, layout: Layout, wanted: str | None) -> str | None:
    """The newest whole version whose environment has a fingerprint, or None."""
    if wanted is None:
        return None
    sealed = [one.name for one in list_versions(state, layout) if one.sealed and not one.unable]
    return next((name for name in sealed if fingerprint_of(layout.version(name)) == wanted), None)


def fingerprint_of(version: Path) -> str | None:
    """The fingerprint of a version's environment; None where it has none."""
    return read_seal(version).environment.fingerprint
