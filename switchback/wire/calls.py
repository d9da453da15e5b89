"""The commands that reach the agent on a host. What it is asked goes to its standard input, never into a shell."""

from __future__ import annotations

from pyinfra.api import QuoteString

from agent.state import LAUNCHER, State
from agent.words.requests import Go, Request, document
from switchback.wire.payload import LOADER, Unshown, stdin_for
from switchback.wire.results import AgentCommand

PYTHON = "python3"
# It starts in the third of the time that the agent takes: without what a host adds to Python, and with little to load.
CLIENT = "agent/runner/client.py"
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
    """A command that asks the agent that does a site's runs, whichever that is.

    + timeout: how long to wait for the host, seconds
    """
    return _asked(site, request, timeout, str(State(site).agent / LAUNCHER))


def to_runner(site: str, request: Request, timeout: float) -> AgentCommand:
    """A command that asks the runner of a site, and has it started where it is asked to begin something.

    + timeout: how long to wait for the host, seconds
    """
    return _asked(site, request, timeout, PYTHON, "-IS", str(State(site).agent / CLIENT))


def _asked(site: str, request: Request, timeout: float, *command: str) -> AgentCommand:
    asks = " ".join([request.verb, *([request.until or "still here"] if isinstance(request, Go) else [])])
    return AgentCommand(*command, asks=asks, _stdin=Unshown([document(request, site)]), _timeout=int(timeout))
