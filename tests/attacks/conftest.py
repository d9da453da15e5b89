"""None of these may hold anybody: a test that waits fails instead of hanging with what it tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

# Seconds, without a host.
LIMIT = 30


@pytest.fixture(autouse=True)
def bounded(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that still waits."""
    if request.node.get_closest_marker("docker"):
        yield
        return

    def late(number: int, frame: FrameType | None) -> None:
        raise AssertionError("still waiting for what was laid there")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
