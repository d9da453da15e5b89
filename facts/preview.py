"""What a run would do to a host, read in one command however much it is."""

from __future__ import annotations

from agent.words.foreseen import Foreseen
from facts.survey import Asked


class Preview(Asked[Foreseen]):
    """
    Returns what the agent foresees of a run: commits, packages, migrations, static files, and how long the last windows
    took.

    **Example:**

    .. code:: python

        found = host.get_fact(Preview, _sudo=True, _stdin=stdin_for(site, requests.Preview(settings, …)))
        found.app.migrations.pending
    """

    verb = "preview"
    shape = Foreseen
