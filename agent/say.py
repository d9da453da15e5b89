"""Telling the controller, as long as there is one."""

from __future__ import annotations

import contextlib
import os
import sys


def say(text: str) -> None:
    """Print a line. Nobody may be there to read it: the journal is what counts."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def go_on_without_reader() -> None:
    """Point the output nowhere, so that Python's own flush at the end finds no broken pipe."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
