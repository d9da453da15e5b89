"""The terminal that a person looks at: what it can, and rows at its bottom that are drawn anew in place."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

UP, ERASE_BELOW = "\x1b[1A", "\x1b[J"


def can_draw() -> bool:
    """Whether lines can be drawn anew in place."""
    return (
        sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb" and os.environ.get("PYINFRA_PROGRESS") != "off"
    )


class Screen:
    """Standard error, with rows below all that is written to it, for as long as there are any.

    Nothing of the terminal's own is changed, so there is nothing to set right when a run is killed.

    + out: where it leads
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn = 0
        # Below a line that is not at its end nothing can be drawn.
        self._at_start = True

    def write(self, text: str) -> int:
        """Write something above the rows, which are gone until they are drawn again."""
        self.erase()
        if text:
            self._at_start = text.endswith("\n")
        self._out.write(text)
        return len(text)

    def draw(self, rows: Sequence[str]) -> None:
        """Draw rows where those before were."""
        if rows and self._at_start:
            gone = self._gone()
            self._out.write(gone + "\n".join(rows))
            self._out.flush()
            self._drawn = len(rows)
        else:
            self.erase()

    def erase(self) -> None:
        """Take the rows away."""
        if self._drawn:
            self._out.write(self._gone())
            self._out.flush()
            self._drawn = 0

    def _gone(self) -> str:
        return f"\r{UP * (self._drawn - 1)}{ERASE_BELOW}" if self._drawn else ""

    @property
    def size(self) -> os.terminal_size:
        """How many columns and lines there are."""
        return shutil.get_terminal_size()

    def __getattr__(self, name: str) -> object:
        return getattr(self._out, name)


def install() -> Screen:
    """Have all that is written to standard error go through such a screen; the one that is there already, if it is."""
    if not isinstance(sys.stderr, Screen):
        sys.stderr = Screen(sys.stderr)
    return sys.stderr
