"""A controller that is asked to stop, in whichever way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from switchback.ended import STOPPED
from switchback.screen.interrupts import Interrupts

ASKS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The handlers of the tests' own process stay."""
    handlers = {number: signal.getsignal(number) for number in ASKS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ASKS, ids=lambda number: number.name)
def test_a_run_is_no_success_whichever_signal_asks_it_to_stop(number: signal.Signals) -> None:
    Interrupts(cast("Any", SimpleNamespace(is_executing=False)), []).catch()
    with pytest.raises(SystemExit) as end:
        signal.raise_signal(number)
    assert end.value.code == STOPPED


@pytest.mark.parametrize("number", ASKS, ids=lambda number: number.name)
def test_each_signal_has_the_hosts_fall_back_and_a_second_one_leaves(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[Any] = []
    monkeypatch.setattr("switchback.screen.interrupts.gevent.spawn", began.append)
    left: list[bool] = []
    interrupts = Interrupts(cast("Any", SimpleNamespace(is_executing=True)), [])
    monkeypatch.setattr(interrupts, "_leave", lambda: left.append(True))
    interrupts.catch()
    signal.raise_signal(number)
    assert (len(began), left) == (1, [])
    signal.raise_signal(number)
    assert (len(began), left) == (1, [True])
