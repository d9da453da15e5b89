"""Following a run while it goes on: what the hosts tell is shown as this standard error can take it."""

from __future__ import annotations

import atexit
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Literal, Protocol

import click
import gevent
from pyinfra.api import Host, State
from pyinfra.api.state import BaseStateCallback

from agent.words.result import News, Result
from switchback.progress import terminal
from switchback.progress.board import Board, Event, late
from switchback.progress.rows import plain, rows
from switchback.progress.terminal import Screen
from switchback.wire import results

# How often rows are drawn, and how often it is looked for what takes long, seconds.
DRAWN_EVERY, LOOKED_EVERY = 0.25, 1.0
# In a log: after how long a step is told to have begun, and how often after that it is told to go on, seconds.
LONG, AGAIN = 3.0, 30.0
How = Literal["auto", "plain", "json"]


class Shown(Protocol):
    """A way to show it."""

    every: float

    def happened(self, event: Event) -> None:
        """Take something that has happened."""

    def look(self) -> None:
        """Look what there is to show by now."""

    def stop(self) -> None:
        """Show nothing more."""


class InPlace:
    """Rows at the bottom of a terminal."""

    every = DRAWN_EVERY

    def __init__(self, board: Board, screen: Screen) -> None:
        self._board, self._screen = board, screen

    def happened(self, event: Event) -> None:
        """Nothing: what there is to see of it is in the next rows."""

    def look(self) -> None:
        """Draw them."""
        self._screen.draw(rows(self._board, time.monotonic(), *self._screen.size))

    def stop(self) -> None:
        """Take them away."""
        self._screen.erase()


class AsLines:
    """Lines with times, of what takes long alone: for a log, and for a terminal that can't draw."""

    every = LOOKED_EVERY

    def __init__(self, board: Board) -> None:
        self._board = board

    def happened(self, event: Event) -> None:
        """Nothing: what has ended is told by the host."""

    def look(self) -> None:
        """Tell what goes on for long."""
        now = time.monotonic()
        for name, doing, begins in late(self._board, now, LONG, AGAIN):
            click.echo(f"{clock()} [{name}] {plain(self._board, name, doing, now, begins)}", err=True)

    def stop(self) -> None:
        """There is nothing to take away."""


class AsJson:
    """A line of JSON for each event: for a program."""

    every = LOOKED_EVERY

    def happened(self, event: Event) -> None:
        """Print it."""
        click.echo(json.dumps(asdict(event)), err=True)

    def look(self) -> None:
        """There is nothing that has not been told."""

    def stop(self) -> None:
        """There is nothing to take away."""


class Follower(BaseStateCallback):
    """Hears of the hosts of a run, and has it shown."""

    def __init__(self, board: Board, shown: Shown) -> None:
        self._board, self._shown = board, shown
        self._over = False

    def news(self, host: str, news: News) -> None:
        """Hear what a host is at."""
        self._tell(self._board.hears(host, news, time.monotonic(), time.time()))

    def result(self, host: str, result: Result) -> None:
        """Hear how a call of a host has ended."""
        self._tell(self._board.ends(host, result, time.monotonic(), time.time()))

    def operation_host_start(self, state: State, host: Host, op_hash: str) -> None:  # type: ignore[override]
        """Know which operation is waited for."""
        self._board.waits(host.name, " ".join(state.op_meta[op_hash].names), time.monotonic())

    def operation_host_success(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str, retry_count: int = 0
    ) -> None:
        """Know that it has ended."""
        self._board.waits(host.name, "", time.monotonic())

    def operation_host_error(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str, retry_count: int = 0, max_retries: int = 0
    ) -> None:
        """Know that it has failed."""
        self._board.waits(host.name, "", time.monotonic())

    def stop(self) -> None:
        """Show nothing more: how it ended comes now."""
        self._over = True
        self._shown.stop()

    def go_on(self) -> None:
        """Look again and again what there is to show."""
        while not self._over:
            gevent.sleep(self._shown.every)
            if not self._over:
                self._shown.look()

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            if not self._over:
                self._shown.happened(event)


def follow(
    state: State,
    usual: Mapping[str, Mapping[str, float]],
    how: How,
    kind: Callable[[Board, Shown], Follower] = Follower,
) -> Callable[[], None]:
    """Show what the hosts of a run are at from now on. Returns what ends that.

    + usual: how long each step usually takes on each host, seconds; how: auto, plain, or json
    + kind: makes who hears of them
    """
    board = Board(usual)
    shown: Shown = AsJson() if how == "json" else AsLines(board)
    if how == "auto" and terminal.can_draw():
        shown = InPlace(board, terminal.install())
        # pyinfra's own, which would be drawn over.
        os.environ["PYINFRA_PROGRESS"] = "off"
    elif how != "json":
        results.stamp_lines(clock)
    follower = kind(board, shown)
    state.add_callback_handler(follower)
    results.listen(follower)
    gevent.spawn(follower.go_on)
    atexit.register(follower.stop)
    return follower.stop


def clock() -> str:
    """The time, as it stands before a line of a log."""
    return time.strftime("%H:%M:%S")
