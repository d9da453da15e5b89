"""Doing several things at the same time, each in a process of its own: a look at a host waits more than it works."""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """A job that is done meanwhile. A process and not a thread: the agent acts as other users, which holds for all of
    one."""

    def __init__(self, job: Callable[[], T]) -> None:
        sys.stdout.flush()
        self._end, theirs = os.pipe()
        self._text: bytes | None = None
        self._pid = os.fork()
        if not self._pid:
            os.close(self._end)
            _answer(job, theirs)
        os.close(theirs)

    def wait(self) -> bytes:
        """Wait until it is done."""
        if self._text is None:
            with os.fdopen(self._end, "rb") as file:
                self._text = file.read()
            os.waitpid(self._pid, 0)
        return self._text

    def found(self) -> T:
        """What it has found, once it is done. Raises RuntimeError where it failed by an error of ours."""
        text = self.wait()
        if not text:
            raise RuntimeError(f"process {self._pid} ended without an answer")
        # Written by this very program, into a pipe that nobody else has.
        error, found = pickle.loads(text)  # noqa: S301
        if error:
            raise RuntimeError(error)
        answer: T = found
        return answer


def _answer(job: Callable[[], object], end: int) -> None:
    code = 1
    try:
        try:
            answer = ("", job())
        except Exception:  # noqa: BLE001 - told to the one who waits for it
            answer = (traceback.format_exc(), None)
        with os.fdopen(end, "wb") as file:
            pickle.dump(answer, file)
        code = 0
    finally:
        os._exit(code)


def at_once(jobs: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Do jobs side by side, and return what each has found. Raises RuntimeError for one that fails by an error of
    ours."""
    started = {name: Beside(job) for name, job in jobs.items()}
    # Whatever fails, all of them are waited for.
    for one in started.values():
        one.wait()
    return {name: one.found() for name, one in started.items()}
