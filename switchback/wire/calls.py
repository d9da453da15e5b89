"""The commands that reach the agent on a host. What it is asked goes to its standard input, never into a shell."""

from __future__ import annotations

from typing import Any

from pyinfra.api import QuoteString

from agent.words.requests import Request, Step, document
from switchback.wire.payload import LOADER, Unshown, stdin_for
from switchback.wire.results import AgentCommand

AGENT = "/usr/local/lib/switchback/switchback-agent"
PYTHON = "python3"


def from_here(asks: str, **arguments: Any) -> AgentCommand:
    """A command that runs the agent of this checkout, whatever is installed on the host.

    + asks: what it is asked, for people to read
    + arguments: pyinfra's own, such as `_stdin`
    """
    return AgentCommand(PYTHON, "-I", "-c", QuoteString(LOADER), asks=asks, **arguments)


def bring_along(request: Request, timeout: float) -> AgentCommand:
    """A command that asks the agent of this checkout, and brings it along.

    + timeout: how long to wait for the host, seconds
    """
    return from_here(request.verb, _stdin=stdin_for(request), _timeout=int(timeout))


def installed(request: Request, timeout: float) -> AgentCommand:
    """A command that asks the installed agent.

    + timeout: how long to wait for the host, seconds
    """
    asks = " ".join([request.verb, *([",".join(request.steps)] if isinstance(request, Step) else [])])
    return AgentCommand(AGENT, asks=asks, _stdin=Unshown([document(request)]), _timeout=int(timeout))
