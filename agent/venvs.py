"""Virtual environments that cost nothing: that of an earlier version with the same requirements is taken over by hard
links. A virtual environment can't be moved, so each file that has the old version's path in it is written anew."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agent.command import Runner, acting_as
from agent.layout import Layout
from agent.state import State
from agent.versions import SEAL, list_versions, read_json

# What a requirement may be beyond a name and its releases, so that the same text does not mean the same packages.
ELSEWHERE = re.compile(r"://|^\s*-e|^\s*--editable|^\s*[./]|\s@\s|^\s*file:", re.MULTILINE)
INCLUDES = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)", re.MULTILINE)


def fingerprint(settings: Mapping[str, Any], requirements: Path, python: str | None, installer: str) -> str | None:
    """What two environments have in common that have the same packages; None where that can't be told.

    + requirements: the file, which may be missing; python: the interpreter's path; installer: uv or pip
    """
    texts = list(_texts(requirements)) if requirements.exists() else []
    if python is None or settings.get("build_script") or any(ELSEWHERE.search(text) for text in texts):
        return None
    wheels = settings.get("wheelhouse")
    made_of = [installer, _file(Path(os.path.realpath(python))), texts, _listing(Path(wheels)) if wheels else None]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _texts(file: Path) -> Iterator[str]:
    """A file of requirements and those that it includes."""
    text = file.read_text(errors="replace")
    yield text
    for name in INCLUDES.findall(text):
        included = file.parent / name
        yield from _texts(included) if included.is_file() else [f"://{name}"]


def _listing(folder: Path) -> list[list[Any]]:
    return sorted(_file(path) for path in folder.iterdir()) if folder.is_dir() else []


def _file(path: Path) -> list[Any]:
    info = path.stat()
    return [str(path), info.st_size, info.st_mtime_ns]


def same_as(state: State, layout: Layout, wanted: str | None) -> str | None:
    """The newest whole version whose environment has a fingerprint, or None."""
    if wanted is None:
        return None
    sealed = [one["name"] for one in list_versions(state, layout) if one["sealed"]]
    return next((name for name in sealed if _made_of(layout, name).get("fingerprint") == wanted), None)


def _made_of(layout: Layout, version: str) -> dict[str, Any]:
    made = read_json(layout.version(version) / SEAL).get("venv")
    return made if isinstance(made, dict) else {}


def files_with_its_name(runner: Runner, layout: Layout, version: str) -> list[str]:
    """The files of a version's environment that have its name in them, relative to it; all others can be linked."""
    folder = layout.part(version, "venv")
    argv = ["grep", "--recursive", "--files-with-matches", "--null", "-F", version, str(folder)]
    return sorted(os.path.relpath(name, str(folder)) for name in runner.run(argv, ok=(0, 1)).split("\0") if name)


def take_over(layout: Layout, old: str, new: str) -> bool:
    """Make a version's environment out of another one's. Returns whether that could be done; if not, nothing is there.

    Whatever has the old version's name in it is written anew, and the rest, which then has not, is linked.
    """
    before, after = layout.part(old, "venv"), layout.part(new, "venv")
    named = {str(before / name) for name in read_json(layout.version(old) / SEAL)["venv"]["named"]}
    with acting_as(layout.app):
        if any(_is_binary(Path(name)) for name in named):
            return False
        for folder, folders, files in os.walk(str(before)):
            own = after / os.path.relpath(folder, str(before))
            own.mkdir(exist_ok=True)
            for name in (*folders, *files):
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    os.symlink(os.readlink(path).replace(old, new), str(own / name))
                elif name in files and path not in named:
                    os.link(path, str(own / name))
                elif name in files:
                    _write_anew(Path(path), own / name, old, new)
        _correct_records(after)
    return True


def _is_binary(path: Path) -> bool:
    return b"\0" in path.read_bytes()


def _write_anew(path: Path, own: Path, old: str, new: str) -> None:
    own.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
    own.chmod(path.stat().st_mode | 0o200)


def _correct_records(venv: Path) -> None:
    """Put the checksums of the scripts right that each package's record names: they name the interpreter."""
    for record in venv.glob("lib/python*/site-packages/*.dist-info/RECORD"):
        text = record.read_text()
        lines = [_corrected(record.parent.parent, line) for line in text.splitlines()]
        if lines != text.splitlines():
            # A file of its own: the one that is there is the old version's as well.
            mode = record.stat().st_mode
            record.unlink()
            record.write_text("\n".join(lines) + "\n")
            record.chmod(mode | 0o200)


def _corrected(packages: Path, line: str) -> str:
    name, _, rest = line.partition(",")
    if not name.startswith("../../../bin/") or not rest.startswith("sha256="):
        return line
    content = (packages / name).read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}"
