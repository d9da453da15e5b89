"""What a run would do to a host, read in one command however much it is."""

from __future__ import annotations

from pyinfra.api import StringCommand

from facts.survey import Survey
from switchback.wire.calls import from_here


class Preview(Survey):
    """
    Returns what the agent foresees of a run: commits, packages, migrations, static files, and how long the last windows
    took. The agent comes along on standard input; nothing is written.

    **Example:**

    .. code:: python

        facts = host.get_fact(Preview, _sudo=True, _stdin=stdin_for({"settings": {...}, "version": …}))
        facts["migrations"]["pending"]
    """

    def command(self) -> StringCommand:
        """The agent of this checkout, asked to look ahead."""
        return from_here("preview")
