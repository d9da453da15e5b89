"""Telling the controller, as long as there is one."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Callable, Collection

from agent.inside.protocol import RESULT_PREFIX
from agent.text.lines import bounded, lines_of, shown
from agent.text.masking import masked_urls, unhidden, without
from agent.words.result import MARK, Result, framed
from agent.words.shapes import to_json

# How loud something is said: as any line; to be read once more at the end, since something is not as it should be; and
# the same of what was decided, and for what it has waited.
LINE, WARNING, TOLD = "line", "warning", "told"
# What a command prints as it goes on, and what is told at the end in another way: only for those who want it.
DETAIL, ASIDE = "detail", "aside"
FOR_FEW = (DETAIL, ASIDE)
# How much of that is said at a time, bytes; and of what is left at a command's end, unless somebody wants all of it.
RELAYED_AT_ONCE = 64 * 1024


def _to_controller(loud: str, text: str) -> None:
    if loud not in FOR_FEW:
        _print(text)


_way: list[Callable[[str, str], None]] = [_to_controller]


def say_through(way: Callable[[str, str], None]) -> None:
    """Have what this process says from now on taken by somebody else, who is given how loud it is, and the text."""
    _way[:] = [way]


def emit(text: str) -> None:
    """Say a line. Nobody may be there to read it: the journal is what counts."""
    _way[0](LINE, as_said(text))


def aside(text: str) -> None:
    """Say a line of what is told at the end in another way, or is ours alone."""
    _way[0](ASIDE, as_said(text))


def warn(text: str) -> None:
    """Say a line that a person is to read once more at the end, since something is not as it should be."""
    _way[0](WARNING, as_said(text))


def announce(text: str) -> None:
    """Say a line that a person is to read once more at the end: what was decided, and for what it has waited."""
    _way[0](TOLD, as_said(text))


def say_all() -> None:
    """Have this process say what its commands print, too, as it comes."""
    say_through(lambda _, text: _print(text))


def say_to_reader(text: str | None = None) -> bool:
    """Say a line, or give a sign of life that nobody sees. Returns whether somebody is there to read it."""
    try:
        print(MARK if text is None else as_said(text), flush=True)
    except OSError:
        go_on_without_reader()
        return False
    return True


def is_read() -> bool:
    """Whether there is somebody to read, as far as this host knows."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return not poll.poll(0)


class Relayed:
    """What a command has printed into a file, said line by line as it comes.

    + secrets: values that nothing of it may show
    """

    def __init__(self, file: int, secrets: Collection[str]) -> None:
        self._file, self._secrets, self._said = file, secrets, 0

    def relay(self) -> bool:
        """Say the lines that have come whole since the last time: so much at once. Returns whether that was all."""
        new = self._new()
        whole = new[: new.rfind(b"\n") + 1]
        # A line that never ends is cut where there is enough of it.
        self._say(whole or (new if len(new) == RELAYED_AT_ONCE else b""))
        return len(new) < RELAYED_AT_ONCE

    def finish(self, most: int = RELAYED_AT_ONCE) -> None:
        """Say what is left when nothing comes any more, also a last line that has no end.

        + most: how much of it, bytes; of how much more there is, that is said
        """
        end = self._said + most
        while self._said < end and not self.relay():
            pass
        rest = self._new()
        if len(rest) < RELAYED_AT_ONCE:
            self._say(rest)
        else:
            _way[0](DETAIL, f"… {os.fstat(self._file).st_size - self._said} more bytes are not shown …")

    def _new(self) -> bytes:
        return os.pread(self._file, RELAYED_AT_ONCE, self._said)

    def _say(self, new: bytes) -> None:
        self._said += len(new)
        for line in lines_of(without(masked_urls(new.decode(errors="replace")), self._secrets)):
            if not line.startswith(RESULT_PREFIX):
                _way[0](DETAIL, as_said(line))


def as_said(text: str) -> str:
    """A text as it is printed: of bounded length, and nothing in it that a terminal, or our own controller, obeys, or
    that is hidden."""
    return shown(bounded(unhidden(text)))


def conclude(result: Result) -> None:
    """Print how the call has ended, as its last line."""
    _print(framed(result))


def answer(found: object) -> None:
    """Print what the controller has asked for: one line of JSON, as long as it is."""
    _print(to_json(found))


def _print(text: str) -> None:
    with contextlib.suppress(OSError):
        print(text, flush=True)


def go_on_without_reader() -> None:
    """Point the output nowhere, so that Python's own flush at the end finds no broken pipe."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
