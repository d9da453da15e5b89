"""What a host tells of its runs afterwards, each read in one command."""

from __future__ import annotations

from agent.words.facts import Past
from agent.words.history import Evidence
from facts.survey import Asked


class History(Asked[Past]):
    """
    Returns the last runs of a site as they have ended, and the one that holds it.

    **Example:**

    .. code:: python

        told = host.get_fact(History, _sudo=True, _stdin=stdin_for(site, requests.History(runs=20)))
        told.runs[-1].outcome
    """

    verb = "history"
    shape = Past


class Why(Asked[Evidence]):
    """
    Returns the record of one run: what happened when, what its steps have printed, and the evidence.

    **Example:**

    .. code:: python

        told = host.get_fact(Why, _sudo=True, _stdin=stdin_for(site, requests.Why(deploy="8975")))
        told.record.run.why
    """

    verb = "why"
    shape = Evidence
