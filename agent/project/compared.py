"""The config of a version to come that has no config repository: made beside, and compared with the live one."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.host.reading import names, read_text
from agent.host.users import acting_as
from agent.project import generate
from agent.project.found import Project
from agent.repository.commits import WHOLE, told_lines
from agent.text.diff import trimmed
from agent.text.lines import lines_of
from agent.text.masking import masked_lines
from agent.versions.layout import Layout
from agent.words.foreseen import Made

# How large a file of a config is that is compared, bytes.
LARGEST = 1_000_000
# What is in a checkout besides.
NOT_CONFIG = (".git", "__pycache__")


def made_config(layout: Layout, project: Project, folder: Path, live: Path | None, *, diff: bool, single: bool) -> Made:
    """Make the config to come, for a look; what is to be said of it.

    + folder: a new one, beside the code's; live: the live version's, if there is one
    + diff: whether the changed lines are asked for
    + single: whether the host is the one that has what runs on one of all
    """
    generate.write_config(layout, project, folder, single)
    with acting_as(layout.app):
        before, after = _texts(live) if live else {}, _texts(folder)
    return Made(
        found=project.found,
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(name for name in before if name in after and before[name] != after[name])),
        removed=tuple(sorted(before.keys() - after.keys())),
        diff=_diff(before, after) if diff else None,
    )


def _texts(folder: Path) -> dict[str, str]:
    """What is at the top of a config: the text of each file, and of a link where it leads."""
    found = {}
    for name in names(folder):
        path = folder / name
        # A folder, and what nobody has written by hand, is not compared.
        with contextlib.suppress(OSError):
            if name not in NOT_CONFIG:
                found[name] = f"{os.readlink(str(path))}\n" if path.is_symlink() else read_text(path, LARGEST)
    return found


def _diff(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The changed lines, masked."""
    whole = [line for name in sorted(before.keys() | after.keys()) for line in _of_file(name, before, after)]
    return told_lines(trimmed(masked_lines(whole, signs=True)))


def _of_file(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    was, now = lines_of(before.get(name, "")), lines_of(after.get(name, ""))
    if was != now:
        yield f"diff --git a/{name} b/{name}"
        yield from difflib.unified_diff(was, now, f"a/{name}", f"b/{name}", n=WHOLE, lineterm="")
