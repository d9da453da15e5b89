"""A screen of so many lines at most, none wider than it; what is told of several hosts alike is told once. Pure."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

# How wide a screen is, and where what is said of a run stands, and behind its word.
WIDTH, INDENT, WORD = 100, 4, 10
# How many hosts are named, where many are alike.
NAMED = 6


@dataclass(frozen=True)
class Part:
    """Some lines of a screen that belong together.

    + rank: the higher, the sooner it is shortened where there is no room; at 0 it is not
    + least: how many of its lines stay then; None where it goes as a whole
    """

    lines: tuple[str, ...]
    rank: int = 0
    least: int | None = None


def fitted(parts: Sequence[Part], most: int) -> list[str]:
    """The lines of all parts, in their order, and no more than there is room for.

    + most: how many lines
    """
    left = list(parts)
    order = sorted((number for number, part in enumerate(parts) if part.rank), key=lambda one: (-parts[one].rank, -one))
    # First what can be shortened is, and where that is not enough it goes.
    for shorten in (_shortened, lambda part, _: Part((), part.rank)):
        for number in order:
            over = sum(len(part.lines) for part in left) - most
            if over > 0:
                left[number] = shorten(left[number], over)
    lines = [line for part in left for line in part.lines]
    return lines if len(lines) <= most else [*lines[: most - 1], _indented("…")]


def _shortened(part: Part, over: int) -> Part:
    """A part of fewer lines, of which the last says how many are not shown."""
    if part.least is None:
        return Part((), part.rank)
    stay = max(part.least, len(part.lines) - over - 1)
    more = len(part.lines) - stay
    if more < 2:
        return part
    return Part((*part.lines[:stay], _indented(f"… and {more} more lines")), part.rank, part.least)


def row(word: str, text: str) -> list[str]:
    """What is said of something: its word, and a text behind it, in as many lines as that needs."""
    first, behind = " " * INDENT + word.ljust(WORD), " " * (INDENT + WORD)
    # Between the word and its text is a gap, however long the word is.
    gap = "" if first.endswith(" ") else " "
    return _wrapped(_on_one_line(text), first + gap, behind) or [first]


def command(word: str, argv: Sequence[str]) -> list[str]:
    """The same of a command that can be typed as it stands there, also where it takes several lines."""
    lines, room = [""], WIDTH - INDENT - WORD
    if len(shlex.join(argv)) > room:
        # Behind each line but the last is what leads to the next.
        room -= 4
    for argument in _with_flags(argv):
        if lines[-1] and len(lines[-1]) + 1 + len(argument) > room:
            lines.append("")
        lines[-1] += f" {argument}" if lines[-1] else argument
    lines = [f"{line} \\" for line in lines[:-1]] + lines[-1:]
    first, behind = " " * INDENT + word.ljust(WORD), " " * (INDENT + WORD + 2)
    return [f"{first if not number else behind}{line}" for number, line in enumerate(lines)]


def _with_flags(argv: Sequence[str]) -> Iterator[str]:
    """The arguments of a command as they are typed, each with the flag that it belongs to."""
    flag = ""
    for argument in map(shlex.quote, argv):
        if argument.startswith("--") and not flag:
            flag = argument
            continue
        yield f"{flag} {argument}".strip()
        flag = ""
    if flag:
        yield flag


def paragraph(text: str) -> list[str]:
    """A sentence that stands by itself."""
    behind = " " * (INDENT + 2)
    return _wrapped(_on_one_line(text), " " * INDENT, behind)


def headline(text: str) -> list[str]:
    """The first line of a screen, or lines."""
    return _wrapped(f"--> {_on_one_line(text)}", "", " " * INDENT)


def quotation(lines: Iterable[str]) -> list[str]:
    """What somebody else has said: set in, as it is."""
    told: list[str] = []
    for line in lines:
        text = _on_one_line(line, keeps_indent=True)
        indent = " " * min(INDENT + 2 + len(text) - len(text.lstrip()), WIDTH // 2)
        told += _wrapped(text.lstrip(), indent, f"{indent}  ")
    return told


def by_hosts(told: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is told of each host, once for all that are alike: which ones, and the text. No names where all are.

    + told: the text of each host; none where there is nothing to tell
    """
    alike: dict[str, list[str]] = {}
    for host, text in told.items():
        alike.setdefault(text, []).append(host)
    if len(alike) == 1:
        return [("", text) for text in alike if text]
    return [(named(hosts), text) for text, hosts in alike.items() if text]


def named(hosts: Sequence[str]) -> str:
    """Hosts by name, and how many more there are."""
    more = len(hosts) - NAMED
    return ", ".join([*hosts[:NAMED], *([f"{more} more"] if more > 0 else [])])


def rows(word: str, told: Mapping[str, str]) -> list[str]:
    """What is told of each host under one word, a row for all that are alike."""
    lines: list[str] = []
    for hosts, text in by_hosts(told):
        lines += row("" if lines else word, f"[{hosts}] {text}" if hosts else text)
    return lines


def _wrapped(text: str, first: str, behind: str) -> list[str]:
    """A text on as many lines as it needs; only what is wider than a line is broken elsewhere than at a space."""
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=behind, break_on_hyphens=False)


def _on_one_line(text: str, keeps_indent: bool = False) -> str:
    told = text.replace("\n", " ").replace("\t", " ")
    return told.rstrip() if keeps_indent else " ".join(told.split(" ")).strip()


def _indented(text: str) -> str:
    return " " * (INDENT + 2) + text
