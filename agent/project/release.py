"""What a project does with each release, as its Procfile has it: kept in the config that is made of the code."""

# No `from __future__ import annotations`: see shapes.

import json
from pathlib import Path
from typing import Optional

from agent.environment.start import EXPAND, START
from agent.host.reading import read_text
from agent.host.users import acting_as
from agent.inside.lean import dataclass
from agent.project.processes import Program
from agent.versions.layout import Layout
from agent.words.shapes import bare, from_elsewhere

RELEASE = "release.json"
LARGEST = 1_000_000


@dataclass(frozen=True)
class Release:
    """The commands, which run one after the other."""

    commands: tuple[Program, ...] = ()


def text(commands: tuple[Program, ...]) -> str:
    """The text of the file."""
    return json.dumps(bare(Release(commands)), indent=2) + "\n"


def read(layout: Layout, version: str) -> tuple[Program, ...]:
    """What a version has; nothing where it has none. Raises OSError, Unreadable."""
    with acting_as(layout.app):
        try:
            return from_elsewhere(Release, read_text(layout.part(version, "config") / RELEASE, LARGEST)).commands
        except FileNotFoundError:
            return ()


def started(layout: Layout, version: str, program: Program) -> tuple[list[str], Optional[Path]]:
    """The words that start one of them with the settings of its version, and its folder; None for the project's."""
    start = str(layout.part(version, "config") / START)
    folder = None if program.folder is None else layout.part(version, "code") / program.folder
    return ["python", start, *([EXPAND] if program.expands else []), *program.run], folder
