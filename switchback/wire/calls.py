"""The commands that reach the agent on a host. What is said to it goes to its standard input, never into a shell."""

from __future__ import annotations

import json
from typing import Any

from pyinfra.api import QuoteString

from agent.words.outcomes import Cause
from switchback.wire.payload import LOADER, Unshown, stdin_for
from switchback.wire.results import AgentCommand

AGENT = "/usr/local/lib/switchback/switchback-agent"
PYTHON = "python3"


def from_here(verb: str, **arguments: Any) -> AgentCommand:
    """A command that runs the agent of this checkout, whatever is installed on the host.

    + verb: one of the agent's commands, such as `survey`
    + arguments: pyinfra's own, such as `_stdin`
    """
    return AgentCommand(PYTHON, "-I", "-c", QuoteString(LOADER), verb, **arguments)


def bring_along(verb: str, request: dict[str, Any], timeout: float) -> AgentCommand:
    """A command that runs the agent of this checkout, with what it needs to run.

    + request: what is asked, as the agent's command has it
    + timeout: how long to wait for the host, seconds
    """
    return from_here(verb, _stdin=stdin_for(request), _timeout=int(timeout))


def installed(verb: str, *words: str, request: dict[str, Any], timeout: float) -> AgentCommand:
    """A command that runs the installed agent.

    + verb: one of the agent's commands, such as `step`
    + words: its arguments
    + request: the rest of what it is told, on standard input
    + timeout: how long to wait for the host, seconds
    """
    quoted = [QuoteString(word) for word in words]
    return AgentCommand(AGENT, verb, *quoted, _stdin=Unshown([json.dumps(request)]), _timeout=int(timeout))


def fall_back(deploy: str, reason: str, cause: Cause, timeout: float, settled: bool = False) -> AgentCommand:
    """A command that makes a host fall back; it ends badly, so that pyinfra drops the host.

    + reason: a sentence for people; cause: whose doing it is
    + settled: whether the primary host has taken the database back already
    """
    request = {"reason": reason, "cause": cause, "settled": settled}
    return installed("fall-back", deploy, request=request, timeout=timeout)
