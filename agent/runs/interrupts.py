"""Being asked to stop in the middle of a step: by a person at the controller, or by a host that goes down."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class Interrupted(Exception):
    """Somebody asked the running step to stop."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """While this lasts, SIGTERM ends what is done here; otherwise the agent can't be stopped politely.

    A fallback must not be: whoever wants it to stop wants a site that is neither old nor new.
    """
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted("interrupted by a person")
