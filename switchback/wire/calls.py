"""The commands that reach the agent on a host. What it is asked goes to its standard input, never into a shell."""

from __future__ import annotations

from pyinfra.api import QuoteString

from agent.words.requests import Request, RunSteps, document
from switchback.wire.payload import LOADER, Unshown, stdin_for
from switchback.wire.results import AgentCommand

AGENT = "/usr/local/lib/switchback/switchback-agent"
PYTHON = "python3"
FROM_HERE = (PYTHON, "-I", "-c", QuoteString(LOADER))


def from_here(asks: str) -> AgentCommand:
    """A command that runs the agent of this checkout, whatever is installed on the host.

    + asks: what it is asked, for people to read
    """
    return AgentCommand(*FROM_HERE, asks=asks)


def bring_along(request: Request, timeout: float) -> AgentCommand:
    """A command that asks the agent of this checkout, and brings it along.

    + timeout: how long to wait for the host, seconds
    """
    return AgentCommand(*FROM_HERE, asks=request.verb, _stdin=stdin_for(request), _timeout=int(timeout))


def installed(request: Request, timeout: float) -> AgentCommand:
    """A command that asks the installed agent.

    + timeout: how long to wait for the host, seconds
    """
    asks = " ".join([request.verb, *([",".join(request.steps)] if isinstance(request, RunSteps) else [])])
    return AgentCommand(AGENT, asks=asks, _stdin=Unshown([document(request)]), _timeout=int(timeout))
