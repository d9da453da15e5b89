"""The packages that an environment has, and what becomes another one of them."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Optional

from agent.host.reading import matching, read_text
from agent.text.lines import lines_of
from agent.words.foreseen import Package, PackageChanges

# What makes a virtual environment puts these into it, or not; they are none of the app's.
NOT_THE_APPS = frozenset(("pip", "setuptools", "wheel"))
Versions = dict[str, Optional[str]]
POST = ("post", "rev", "r")


def canonical(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


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


def order(version: str) -> tuple[int, tuple[int, ...], tuple[int, int]]:
    """What versions are sorted by, as PEP 440 has it: 1.9 before 1.10, a candidate before its release."""
    match = re.match(r"^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(.*)$", version.strip().lower())
    if not match:
        return (0, (), (0, 0))
    release = tuple(int(part) for part in match.group(2).split("."))
    while release and release[-1] == 0:
        release = release[:-1]
    rest = re.sub(r"[-_.]", "", match.group(3).partition("+")[0])
    phase = re.match(r"^(dev|alpha|a|beta|b|rc|c|preview|pre|post|rev|r)?(\d*)", rest)
    word = phase.group(1) if phase else None
    rank = {None: 0, "dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2}.get(word, 1 if word in POST else -1)
    number = int(phase.group(2)) if phase and phase.group(2) else 0
    return (int(match.group(1) or 0), release, (rank, number))
