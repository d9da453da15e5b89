"""Texts on a screen: lines of so many columns, cut or wrapped, and what counts as what. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from agent.text.lines import shown

# What any preview has room in.
WIDTH, HEIGHT = 100, 40
# How wide the names of what is told are, and where what is told of them begins.
NAME, INDENT = 10, 4
ROOM = WIDTH - INDENT - NAME
CUT = "…"
# Where all of what is cut or counted can be seen.
ALL = "--data show=all"


class Tone(Enum):
    """What a line is to its reader, which a terminal shows in colour."""

    PLAIN = "plain"
    VERDICT = "verdict"
    RISK = "risk"
    REFUSED = "refused"
    FAINT = "faint"


@dataclass(frozen=True)
class Line:
    """A line on the screen."""

    text: str
    tone: Tone = Tone.PLAIN


def count_of(number: int, word: str) -> str:
    """A number of things, in words."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(one: str) -> int:
    if unicodedata.category(one) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(one) in ("W", "F") else 1


def cut(text: str, width: int) -> str:
    """A text that takes one line, and no more than it has."""
    line = " ".join(shown(text).split("\n"))
    if columns(line) <= width:
        return line
    head, _ = _split(line, width - columns(CUT))
    return head.rstrip() + CUT


def _split(text: str, width: int) -> tuple[str, str]:
    """What of a text fits into a width, and what is left of it."""
    taken = 0
    for number, one in enumerate(text):
        taken += _columns(one)
        if taken > width:
            return text[:number], text[number:]
    return text, ""


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines that are no wider; what goes on in another one stands a little further in."""
    return [line for one in shown(text).replace("\t", "    ").split("\n") for line in _wrapped(one, width)]


def _wrapped(text: str, width: int) -> Iterator[str]:
    indent = min(len(text) - len(text.lstrip(" ")), width // 2)
    line, rest = " " * indent, text.lstrip(" ")
    hang = " " * (indent + 2)
    while rest:
        head, left = _split(rest, width - len(line))
        if left and not left.startswith(" "):
            at_word, _, word = head.rpartition(" ")
            # A word that is as long as a line is broken where the line ends.
            head, left = (at_word, word + left) if at_word.strip() else (head, left)
        yield (line + head).rstrip()
        line, rest = hang, left.lstrip(" ")
    if not text.strip():
        yield ""


def bounded(text: str, most: int | None, width: int = WIDTH - INDENT) -> list[str]:
    """A text in so many lines at the most; what was cut says where all of it is."""
    told = wrapped(text, width)
    if most is None or len(told) <= most:
        return told
    where = f"{CUT} ({ALL})"
    head, left = _split(told[most - 1], width - columns(where))
    # A line that is short has something below it all the same.
    return [*told[: most - 1], (head if left else told[most - 1]).rstrip() + where]


def listed(names: Sequence[str], width: int, most: int | None = None) -> str:
    """Names on one line, as many as fit on it, and how many more there are.

    + most: how many to name at the most
    """
    best, line = "", ""
    for number, name in enumerate(names[:most], start=1):
        line = f"{line}, {name}" if line else name
        more = len(names) - number
        told = line + (f" and {more} more" if more else "")
        if columns(told) <= width:
            best = told
        elif columns(line) > width:
            break
    return best or str(len(names))


def either(names: Sequence[str]) -> str:
    """Names in a sentence: a, b and c."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
