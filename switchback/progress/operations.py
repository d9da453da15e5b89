"""Following operations that tell nothing of themselves: what each host is at, and a line for each that has done
something."""

from __future__ import annotations

import time
from collections.abc import Callable

from pyinfra.api import Host, State

from switchback.progress.board import DONE, FAILED, Board
from switchback.progress.follow import Follower, How, Shown, follow
from switchback.progress.rows import seconds
from switchback.wire import results

# Whether an operation does anything on a host: the host's name, and pyinfra's key for the operation.
Does = Callable[[str, str], bool]


class OfOperations(Follower):
    """Hears of the operations of a run.

    + does: whether one does anything on a host, once it has begun there
    """

    def __init__(self, board: Board, shown: Shown, does: Does) -> None:
        super().__init__(board, shown)
        self._does = does

    def prints(self, host: str, line: str) -> None:
        """Hear what an operation prints on a host."""
        self._tell(self._board.prints(host, line, time.monotonic(), time.time()))

    def operation_host_success(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str, retry_count: int = 0
    ) -> None:
        """Say that it is done, where it had anything to do."""
        self._has_ended(host, DONE, says=self._does(host.name, op_hash))

    def operation_host_error(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str, retry_count: int = 0, max_retries: int = 0
    ) -> None:
        """Say that it has failed; why is said at the end."""
        self._has_ended(host, FAILED, says=True)

    def _has_ended(self, host: Host, how: str, says: bool) -> None:
        event = self._board.stops_waiting(host.name, how, time.monotonic(), time.time())
        if event and says:
            took = f"{event.seconds} s" if event.seconds < 60 else seconds(event.seconds)
            results.say(host.name, f"{event.step}: {'done in' if how == DONE else 'FAILED after'} {took}")
            self._tell([event])


def follow_operations(state: State, how: How, does: Does) -> None:
    """Show what the hosts of a run are at from now on. What operations print stands in a row, and nowhere else, unless
    all of it is wanted."""
    made: list[OfOperations] = []

    def follower(board: Board, shown: Shown) -> OfOperations:
        made.append(OfOperations(board, shown, does))
        return made[0]

    follow(state, {host.name: {} for host in state.inventory}, how, follower)
    if not state.print_output:
        state.print_output = True
        results.overhear(made[0].prints)
