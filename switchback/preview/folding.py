"""What gives way on a screen that would be too long: each part of it is told in fewer words, in a fixed order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from switchback.preview.text import Line


class Fold(IntEnum):
    """When a part gives way: those further up do so first. docs/preview.md says the same."""

    STATIC = 1
    PACKAGES = 2
    COMMITS = 3
    # Files of a config, shared places, variables, commands, versions to be deleted.
    THE_REST = 4
    MIGRATIONS = 5
    # What is different on each host.
    HOSTS = 6
    # What can't be undone, risks and refusals: only where nothing else is left to fold, and never without their number.
    RISKS = 7


@dataclass(frozen=True)
class Shorter:
    """A part in fewer lines, and when it comes to that."""

    when: Fold
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Part:
    """A part of a screen.

    + shorter: the same in less and less; the last of it is a line
    """

    lines: tuple[Line, ...]
    shorter: tuple[Shorter, ...] = ()


def folded(parts: Sequence[Part], room: int) -> tuple[list[Part], bool]:
    """The parts, as short as it takes for all of them to have room; and whether any of them gave way.

    + room: lines
    """
    now = list(parts)
    for when in Fold:
        while _length(now) > room:
            able = [one for one in now if one.shorter and one.shorter[0].when <= when]
            if not able:
                break
            longest = max(able, key=lambda one: len(one.lines))
            at = now.index(longest)
            now[at] = Part(longest.shorter[0].lines, longest.shorter[1:])
    return now, now != list(parts)


def _length(parts: Sequence[Part]) -> int:
    return sum(len(one.lines) for one in parts)
