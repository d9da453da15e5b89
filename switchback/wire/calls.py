"""The commands that reach the agent on a host. What it is asked goes to its standard input, never into a shell."""

from __future__ import annotations

from pathlib import Path

from pyinfra.api import QuoteString

from agent.state import LAUNCHER, LIBRARY, State
from agent.words.requests import Request, RunSteps, document
from switchback.wire.payload import LOADER, Unshown, agent_fingerprint, stdin_for
from switchback.wire.results import AgentCommand

PYTHON = "python3"
FROM_HERE = (PYTHON, "-I", "-c", QuoteString(LOADER))


def from_here(asks: str) -> AgentCommand:
    """A command that runs the agent of this checkout, whatever is installed on the host.

    + asks: what it is asked, for people to read
    """
    return AgentCommand(*FROM_HERE, asks=asks)


def bring_along(site: str, request: Request, timeout: float) -> AgentCommand:
    """A command that asks the agent of this checkout, and brings it along.

    + timeout: how long to wait for the host, seconds
    """
    return AgentCommand(*FROM_HERE, asks=request.verb, _stdin=stdin_for(site, request), _timeout=int(timeout))


def installed(site: str, request: Request, timeout: float) -> AgentCommand:
    """A command that asks the agent of this checkout, which a run has installed.

    + timeout: how long to wait for the host, seconds
    """
    return _started(LIBRARY / agent_fingerprint(), site, request, timeout)


def the_sites_own(site: str, request: Request, timeout: float) -> AgentCommand:
    """A command that asks the agent that does a site's runs, whichever that is.

    + timeout: how long to wait for the host, seconds
    """
    return _started(State(site).agent, site, request, timeout)


def _started(agent: Path, site: str, request: Request, timeout: float) -> AgentCommand:
    asks = " ".join([request.verb, *([",".join(request.steps)] if isinstance(request, RunSteps) else [])])
    told = Unshown([document(request, site)])
    return AgentCommand(str(agent / LAUNCHER), asks=asks, _stdin=told, _timeout=int(timeout))
