"""Looking at all hosts without a deploy: what provision starts from."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import Host, State

from switchback.checks import host_problems, transaction_problems
from switchback.errors import Problems
from switchback.gateway import Facts, for_all_hosts, survey_all
from switchback.inventory import settings_of


def ground() -> Facts:
    """What provision starts from. Raises Refused when a host can't be looked at, or has an open deploy."""
    return for_all_hosts("ground", _ground)


def _ground(state: State, hosts: Sequence[Host]) -> dict[str, Facts]:
    seen = survey_all(state, hosts, lambda _: {})
    problems = Problems()
    for host in hosts:
        facts = seen[host.name]
        found = transaction_problems(facts) if facts else host_problems({}, settings_of(host))
        problems.add(*(f"{host.name}: {problem}" for problem in found))
    problems.refuse_if_any()
    return seen
