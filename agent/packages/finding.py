"""Which file of a project says what packages it needs. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from typing import Optional

from agent.inside.lean import dataclass
from agent.locks.documents import Unusable

Read = Callable[[str], Optional[str]]

# What uv, Poetry and Pipenv lock.
LOCKS = ("uv.lock", "poetry.lock", "Pipfile.lock")
TEXT, PYPROJECT = "requirements.txt", "pyproject.toml"
# What a project for a server calls its requirements: the first that is there counts.
TEXTS = (
    TEXT,
    *(f"requirements{sign}{word}.txt" for word in ("production", "prod", "deploy") for sign in ("/", "-", "_", ".")),
)
# What a requirements file may be instead of the one that is asked for.
_INSTEAD = re.compile(
    r"(?:.*/)?(?:uv\.lock|poetry\.lock|Pipfile\.lock|requirements[^/]*\.(?:txt|in)|requirements/[^/]+\.txt|pyproject\.toml)"
)
_DEPENDENCIES = re.compile(r"""^\s*(?:dependencies|dynamic)\s*=""", re.MULTILINE)
_POETRY = re.compile(r"^\s*\[tool\.poetry\.(?:group\.[^\]]+\.)?dependencies\]", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """The file that says what a project needs.

    + path: in the code
    + as_ever: whether it is the one that the settings name, or that has always counted
    + others: what else is there in its folder, and is not used
    """

    path: str
    as_ever: bool = False
    others: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """What was found, in words."""
        return self.path + (f" (not {', '.join(self.others)}, which is there too)" if self.others else "")


def find(files: Collection[str], read: Read, folder: str, as_ever: bool) -> Found:
    """Find the file that says what a project needs: in its folder, else at the top of the code. Raises Unusable.

    + files: all that is in the code; read: gives a file's text by its path
    + folder: the project's
    + as_ever: whether requirements.txt at the top comes first, as it has for who has a config repository
    """
    if as_ever and TEXT in files:
        return Found(TEXT, as_ever=True)
    for place in dict.fromkeys((folder, "")):
        there = list(_usable(files, read, place))
        if there and not (place and _is_member(there[0], folder, files, read)):
            # What a lock was made of is no other way to say it.
            own = [posixpath.join(place, PYPROJECT)] if posixpath.basename(there[0]) in LOCKS else []
            return Found(there[0], others=tuple(one for one in there[1:] if one not in own))
    raise Unusable(_nothing_found(files, read, folder))


def _is_member(path: str, folder: str, files: Collection[str], read: Read) -> bool:
    """Whether a pyproject.toml is of a workspace whose lock is at the top of the code."""
    lock = LOCKS[0]
    if posixpath.basename(path) != PYPROJECT or lock not in files:
        return False
    return re.search(rf'(?:virtual|editable|directory) = "{re.escape(folder)}"', read(lock) or "") is not None


def _usable(files: Collection[str], read: Read, folder: str) -> Iterator[str]:
    """The files in a folder that say what is needed, the one that counts first."""
    for name in (*LOCKS, *TEXTS, PYPROJECT):
        path = posixpath.join(folder, name)
        if path in files and (name != PYPROJECT or _names_packages(read(path) or "")):
            yield path


def _names_packages(text: str) -> bool:
    """Whether a pyproject.toml names packages; it may be there for other tools alone.

    >>> _names_packages("[tool.ruff]"), _names_packages('[project]\\ndependencies = ["django"]')
    (False, True)
    """
    project = re.search(r"^\s*\[project\]\s*(?:#.*)?$(.*?)(?=^\s*\[|\Z)", text, re.MULTILINE | re.DOTALL)
    return project is not None and _DEPENDENCIES.search(project.group(1)) is not None


def _nothing_found(files: Collection[str], read: Read, folder: str) -> str:
    where = f"neither in {folder}/ nor at the top of the code" if folder else "not at the top of the code"
    for place in dict.fromkeys((folder, "")):
        unlocked, pipfile = posixpath.join(place, PYPROJECT), posixpath.join(place, "Pipfile")
        if unlocked in files and _POETRY.search(read(unlocked) or ""):
            return f"{unlocked} is Poetry's, and poetry.lock is not beside it: commit it (poetry lock)"
        if pipfile in files:
            return f"{pipfile} is there, and Pipfile.lock is not: commit it (pipenv lock)"
    instead = meant(files)
    add = f"write requirements: {instead[0]} in the settings" if instead else "add requirements.txt"
    looked = ", ".join((*LOCKS, TEXT, TEXTS[1], PYPROJECT))
    return f"what the project needs is {where} ({looked}): {add}"


def meant(files: Collection[str]) -> tuple[str, ...]:
    """The files that may be meant where the one that is asked for is not there."""
    return tuple(sorted(path for path in files if _INSTEAD.fullmatch(path)))
