"""The packages that an environment has, and what becomes another one of them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Optional

from agent.host.reading import matching, read_text
from agent.locks.releases import canonical, order
from agent.text.lines import lines_of
from agent.words.foreseen import Package, PackageChanges

# What makes a virtual environment puts these into it, or not; they are none of the app's.
NOT_THE_APPS = frozenset(("pip", "setuptools", "wheel"))
Versions = dict[str, Optional[str]]


def installed(venv: Path) -> Versions:
    """The packages of a virtual environment with their versions."""
    found: Versions = {}
    for about in matching(venv, "lib/python*/site-packages/*-info"):
        told = _metadata(about)
        if told.get("name"):
            found.setdefault(canonical(told["name"]), told.get("version"))
    return found


def _metadata(about: Path) -> dict[str, str]:
    """What stands at the head of a package's description, by the keys in small letters; nothing where there is none."""
    for path in (about / "METADATA", about / "PKG-INFO", about):
        with contextlib.suppress(OSError):
            head = read_text(path).partition("\n\n")[0]
            pairs = (line.partition(":") for line in lines_of(head) if line[:1].isalpha())
            return {key.lower(): value.strip() for key, _, value in reversed(list(pairs))}
    return {}


def compare(before: Versions, after: Versions) -> PackageChanges:
    """What comes, goes, and changes its version. Pure.

    + after: without a version where it comes from a repository or a file, and is known when it is built
    """
    before = {name: version for name, version in before.items() if name not in NOT_THE_APPS}
    after = {name: version for name, version in after.items() if name not in NOT_THE_APPS}
    unsure = tuple(sorted(name for name, version in after.items() if version is None))
    others = [
        Package(name, before.get(name), after.get(name)) for name in sorted({*before, *after}) if name not in unsure
    ]
    changed = [one for one in others if one.name in before and one.name in after and one.was != one.version]
    up = tuple(one for one in changed if order(str(one.version)) > order(str(one.was)))
    return PackageChanges(
        added=tuple(one for one in others if one.name not in before),
        removed=tuple(one for one in others if one.name not in after),
        up=up,
        down=tuple(one for one in changed if one not in up),
        unsure=unsure,
    )
