"""The runner of a site, from its start to its end."""

from __future__ import annotations

import gc
import importlib

from agent.host.output import say_through
from agent.loop.cgroups import own_cgroups
from agent.loop.loop import Loop
from agent.loop.notify import Systemd
from agent.notify.outbox import Outbox
from agent.runner.moves import go_on
from agent.runner.run import Run
from agent.runner.talk import Talk
from agent.state import State, installed_agent

# What others load only when they need it.
LATER = ("agent.versions.known", "agent.runs.clean")


def run(state: State) -> int:
    """Carry out runs until there is none. Returns an exit code."""
    loop = Loop(state.socket, own_cgroups(), Systemd())
    site = Run(state, loop)
    talk = Talk(site)
    outbox = Outbox(state, loop, site.say)
    say_through(site.say)
    # Workers are born from this process: what is loaded now, none of them has to load or to look through. Nor does any
    # of them need the agent's files, which may be another one's by then.
    for name in LATER:
        importlib.import_module(name)
    gc.freeze()
    site.resume()

    ours = installed_agent(state)

    def go_round() -> float | None:
        wait = go_on(site)
        if site.transaction is None and not site.is_busy and installed_agent(state) != ours:
            # Whatever is asked from now on, and whoever is yet to be told, is for that one's runner.
            return None
        soon = talk.answer()
        # Whoever is told of an end is told beside all of that, and after it.
        tells = outbox.go_on(site.transaction)
        if wait is None:
            return tells
        return min(one for one in (wait, soon, tells) if one is not None)

    loop.run(go_round, talk.asked)
    loop.close()
    return 0
