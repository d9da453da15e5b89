"""What a host tells of the app that is live on it, each read in one command."""

from __future__ import annotations

from agent.words.facts import Logged, Removal
from facts.survey import Asked


class Logs(Asked[Logged]):
    """
    Returns the ends of the app's logs, and of its unit's journal.

    **Example:**

    .. code:: python

        told = host.get_fact(Logs, _sudo=True, _stdin=stdin_for(site, requests.Logs(settings, lines=50)))
        told.texts[0].end
    """

    verb = "logs"
    shape = Logged


class Removable(Asked[Removal]):
    """
    Returns what is Switchback's own of a site on a host, what stays there, and why none of it can be removed now.

    **Example:**

    .. code:: python

        told = host.get_fact(Removable, _sudo=True, _stdin=stdin_for(site, requests.Remove(settings)))
        told.goes
    """

    verb = "remove"
    shape = Removal
