"""What two virtual environments have in common that have the same packages, so that one can be made of the other."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from pathlib import Path

from agent.host.reading import matching, read_text
from agent.state import State
from agent.versions import packages
from agent.versions.layout import Layout
from agent.versions.marks import list_versions, read_seal
from agent.words.settings import Settings

# What a requirement may be beyond a name and its releases, so that the same text does not mean the same packages.
ELSEWHERE = re.compile(r"://|^[ \t]*(?:-e|--editable|[./]|file:)|\s@\s", re.MULTILINE)
INCLUDES = re.compile(r"^[ \t]*(?:-r|--requirement|-c|--constraint)[ \t=]+(\S+)", re.MULTILINE)


def fingerprint(settings: Settings, requirements: Path, python: str | None, installer: str) -> str | None:
    """What two environments have in common that have the same packages; None where that can't be told.

    + requirements: the file; python: the interpreter's path; installer: uv or pip
    """
    texts = _texts(requirements)
    if python is None or settings.build_script or any(ELSEWHERE.search(text) for text in texts):
        return None
    wheels = settings.wheelhouse
    made_of = [installer, _file(Path(os.path.realpath(python))), texts, _listing(Path(str(wheels))) if wheels else None]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _texts(file: Path) -> list[str]:
    """A file of requirements and those that it includes, each once. Raises OSError."""
    texts, seen, wanted = list[str](), set[str](), [file]
    while wanted:
        one = wanted.pop()
        if one != file and not one.is_file():
            texts.append(f"://{one.name}")
        elif os.path.realpath(one) not in seen:
            seen.add(os.path.realpath(one))
            text = read_text(one, packages.LARGEST)
            texts.append(text)
            wanted += [one.parent / name for name in reversed(INCLUDES.findall(text))]
            if len(seen) > packages.MOST_FILES:
                raise OSError(errno.EFBIG, f"More than {packages.MOST_FILES} files of requirements", str(file))
    return texts


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    return [_file(path) for path in matching(folder, "*")]


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
