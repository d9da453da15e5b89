"""What two virtual environments have in common that have the same packages, so that one can be made of the other."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from pathlib import Path

from agent.host.reading import matching, read_text
from agent.locks.pins import HERE
from agent.packages import requirements
from agent.packages.installing import Installer
from agent.packages.wanted import Wanted
from agent.state import State
from agent.versions.layout import Layout
from agent.versions.marks import list_versions, read_seal
from agent.words.settings import Settings

# What a requirement may be beyond a name and its releases, so that the same text does not mean the same packages.
ELSEWHERE = re.compile(r"://|^[ \t]*(?:-e|--editable|[./]|file:)|\s@\s", re.MULTILINE)
INCLUDES = re.compile(r"^[ \t]*(?:-r|--requirement|-c|--constraint)[ \t=]+(\S+)", re.MULTILINE)


def fingerprint(settings: Settings, installer: Installer, wanted: Wanted, code: Path) -> str | None:
    """What two environments have in common that have the same packages; None where that can't be told. Raises OSError.

    + code: where the code is that they are wanted by
    """
    texts = [text for name in wanted.handed for text in _texts(code / name)]
    python, wheels = installer.python.path, installer.wheelhouse
    # A lock says where each of its files comes from, and what it has to be; but for what the code itself has.
    own = wanted.lines if wanted.locked is None else [line for line in wanted.loose if HERE in line]
    told = [*texts, *own, *wanted.added]
    if python is None or settings.build_script or any(ELSEWHERE.search(text) for text in told):
        return None
    made_of = [
        installer.name,
        _file(Path(os.path.realpath(python))),
        texts,
        _listing(Path(str(wheels))) if wheels else None,
    ]
    # What says no more than its files has the mark that it has always had.
    told_besides = ("options", "lines", "loose", "indexes", "added")
    more = {name: getattr(wanted, name) for name in told_besides if getattr(wanted, name)}
    return hashlib.sha256(json.dumps([*made_of, more] if more else made_of).encode()).hexdigest()


def _texts(file: Path) -> list[str]:
    """A file of requirements and those that it includes, each once. Raises OSError."""
    texts, seen, wanted = list[str](), set[str](), [file]
    while wanted:
        one = wanted.pop()
        if one != file and not one.is_file():
            texts.append(f"://{one.name}")
        elif os.path.realpath(one) not in seen:
            seen.add(os.path.realpath(one))
            text = read_text(one, requirements.LARGEST)
            texts.append(text)
            wanted += [one.parent / name for name in reversed(INCLUDES.findall(text))]
            if len(seen) > requirements.MOST_FILES:
                raise OSError(errno.EFBIG, f"More than {requirements.MOST_FILES} files of requirements", str(file))
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
