"""What a run would do to a host, read in one command however much it is."""

from __future__ import annotations

from pyinfra.api import FactBase, StringCommand

from agent.words.foreseen import Foreseen
from agent.words.shapes import Unreadable, from_json
from switchback.wire.calls import PYTHON, from_here


class Preview(FactBase[Foreseen | Unreadable | None]):
    """
    Returns what the agent foresees of a run: commits, packages, migrations, static files, and how long the last windows
    took; why its answer can't be read, where that is so. The agent comes along on standard input; nothing is written.

    **Example:**

    .. code:: python

        found = host.get_fact(Preview, _sudo=True, _stdin=stdin_for(requests.Preview(settings, …)))
        found.app.migrations.pending
    """

    def requires_command(self) -> str:
        """Without Python on the host there is nothing to look with."""
        return PYTHON

    def command(self) -> StringCommand:
        """The agent of this checkout, asked to look ahead."""
        return from_here("preview")

    @staticmethod
    def default() -> None:
        """What a host that gives no answer foresees."""

    def process(self, output: list[str]) -> Foreseen | Unreadable | None:
        """Read the last line; a shell may greet its user before it."""
        if not output or not output[-1].startswith("{"):
            return None
        try:
            return from_json(Foreseen, output[-1])
        except Unreadable as problem:
            return problem
