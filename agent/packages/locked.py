"""What a lock file of the project asks for."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from agent.inside.lean import dataclass
from agent.locks import pipfile, poetry, uv
from agent.locks.documents import Document, Unusable
from agent.locks.pins import Locked
from agent.packages.finding import LOCKS, PYPROJECT, Read
from agent.packages.interpreter import Interpreter


@dataclass(frozen=True)
class Choice:
    """What of a project is wanted.

    + folder: the project's, in the code; extras, groups: of it
    """

    folder: str
    extras: Sequence[str]
    groups: Sequence[str]


def is_lock(path: str) -> bool:
    """Whether a file is a lock, by its name."""
    return posixpath.basename(path) in LOCKS


def read_lock(path: str, read: Read, choice: Choice, python: Interpreter) -> tuple[Locked, dict[str, str]]:
    """What a lock asks for, and all that was read for it, by path in the code. Raises Unusable."""
    text, name, here = read(path) or "", posixpath.basename(path), posixpath.dirname(path)
    if name == "Pipfile.lock":
        if choice.extras:
            raise Unusable(f"{path} knows no extras: take requirements_extras out of the settings")
        return pipfile.read(path, text, choice.groups, python.environment), {path: text}
    document = python.parse(path, text)
    if name == "uv.lock":
        folder = posixpath.relpath(choice.folder or ".", here or ".")
        return uv.read(path, document, folder, (choice.extras, choice.groups), python.environment), {path: text}
    beside = posixpath.join(here, PYPROJECT)
    project = read(beside)
    told: Document = python.parse(beside, project) if project is not None else {}
    asked = poetry.Asked(told, choice.extras, choice.groups, python.environment)
    return poetry.read(path, document, asked), {path: text, **({beside: project} if project is not None else {})}
