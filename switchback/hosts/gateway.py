"""The ways to the hosts of a run: looking at all of them at once, and sharing what was found."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import gevent
from gevent.event import AsyncResult
from gevent.pool import Pool
from pyinfra.api import FactBase, Host, State
from pyinfra.context import ctx_host, ctx_state

from agent.words import requests
from agent.words.facts import Logged, Past, Removal
from agent.words.foreseen import Foreseen
from agent.words.history import Evidence
from agent.words.outcomes import Outcome
from agent.words.requests import AllWell, Request
from facts.live import Logs, Removable
from facts.past import History, Why
from facts.preview import Preview
from facts.survey import Survey, Surveyed, Unread
from switchback.hosts.anew import link_anew
from switchback.hosts.inventory import settings_of
from switchback.hosts.link import LOST, tend
from switchback.settings.errors import OfHost, Refused
from switchback.wire.calls import to_runner
from switchback.wire.payload import stdin_for
from switchback.wire.results import heard_from, outcome_of

T = TypeVar("T")

# How long looking at a host may take, seconds.
SURVEY_TIMEOUT = 120

_shared: dict[tuple[int, str], AsyncResult[object]] = {}


def for_all_hosts(
    name: str,
    work: Callable[[State, Sequence[Host]], dict[str, T]],
    among: Callable[[State], list[Host]] | None = None,
) -> T:
    """Do something once for all hosts of a run, and return the part of the host at hand.

    pyinfra runs a deploy file for each host. The first one to come here does the work for all, and the others wait, so
    that what has to be decided together (one version's name, one list of problems) is.

    + name: tells one such piece of work from another
    + work: is given the state and its hosts, and returns a value for each host's name
    + among: finds those hosts; `hosts_of` unless it is given
    """
    state, host = ctx_state.get(), ctx_host.get()
    key = (id(state), name)
    if key not in _shared:
        _shared[key] = AsyncResult()
        try:
            _shared[key].set(work(state, (among or hosts_of)(state)))
        except Exception as problem:  # noqa: BLE001 - every host's greenlet is to end with the same problem
            _shared[key].set_exception(problem)
    return cast("dict[str, T]", _shared[key].get())[host.name]


def hosts_of(state: State) -> list[Host]:
    """The hosts of this run, in the inventory's order. Raises Refused when one could not be reached."""
    wanted = reached(state)
    unreached = lost(state)
    if unreached:
        raise Refused(*(OfHost(name, "can't be reached, so no host was touched", " ") for name in unreached))
    return wanted


def left_out(state: State) -> list[str]:
    """The names of the inventory's hosts that --limit leaves out of this run."""
    return [host.name for host in state.inventory if not state.is_host_in_limit(host)]


def reached(state: State) -> list[Host]:
    """The hosts of this run that could be connected to, in the inventory's order."""
    return [host for host in state.inventory if state.is_host_in_limit(host) and host in state.active_hosts]


def lost(state: State) -> list[str]:
    """The names of the hosts of this run that could not be reached."""
    return [host.name for host in state.inventory if state.is_host_in_limit(host) and host not in state.active_hosts]


def survey_all(hosts: Sequence[Host], asked: Callable[[Host], requests.Survey]) -> dict[str, Surveyed]:
    """Look at every host, all at the same time.

    + asked: what to look for on a host
    """
    return _ask_all(hosts, Survey, asked)


def survey_of(host: Host) -> requests.Survey:
    """What is always looked for on a host."""
    return requests.Survey(settings_of(host).for_host())


def look_ahead(hosts: Sequence[Host], asked: Callable[[Host], requests.Preview]) -> dict[str, Foreseen | Unread]:
    """Have every host find out what a run would do there, all at the same time.

    + asked: the run
    """
    return _ask_all(hosts, Preview, asked)


def look_back(hosts: Sequence[Host], runs: int) -> dict[str, Past | Unread]:
    """Have every host tell of its last runs, all at the same time.

    + runs: how many
    """
    return _ask_all(hosts, History, lambda _: requests.History(runs))


def look_at_run(hosts: Sequence[Host], asked: requests.Why) -> dict[str, Evidence | Unread]:
    """Have every host tell of one run, all at the same time."""
    return _ask_all(hosts, Why, lambda _: asked)


def look_at_logs(hosts: Sequence[Host], lines: int, process: str) -> dict[str, Logged | Unread]:
    """Have every host tell the ends of its logs, all at the same time."""
    return _ask_all(hosts, Logs, lambda host: requests.Logs(settings_of(host).for_host(), lines, process))


def look_what_goes(hosts: Sequence[Host]) -> dict[str, Removal | Unread]:
    """Have every host tell what it has of Switchback's own, all at the same time."""
    return _ask_all(hosts, Removable, lambda host: requests.Remove(settings_of(host).for_host()))


def _ask_all(hosts: Sequence[Host], fact: type[FactBase[T]], asked: Callable[[Host], Request]) -> dict[str, T]:
    pool = Pool(len(hosts) or 1)
    jobs = {host.name: pool.spawn(_ask, host, fact, asked(host)) for host in hosts}
    gevent.joinall(list(jobs.values()))
    return {name: job.get() for name, job in jobs.items()}


def settle(state: State, name: str, word: AllWell, patience: float, answer_within: float) -> bool:
    """Tell a host that was lost once more that all are well, over a new link. Returns whether it has heard it.

    One that has ended its run meanwhile has not.

    + patience: how long to try to reach it, seconds; answer_within: how long it may take to answer then
    """
    if outcome_of(name) is not Outcome.UNKNOWN:
        return False
    if not link_anew(state.inventory.get_host(name), patience):
        return False
    before = len(heard_from(name))
    tell(state, name, word, answer_within)
    return any(one.ok for one in heard_from(name)[before:])


def take_part_again(state: State, name: str) -> None:
    """Have a host that was lost take part in what comes."""
    host = state.inventory.get_host(name)
    state.failed_hosts.discard(host)
    state.active_hosts.add(host)


def tell(state: State, name: str, word: Request, within: float) -> None:
    """Tell a host something beside its operations. Of one that is lost meanwhile nothing is heard.

    + within: how long it may take to answer, seconds
    """
    host = state.inventory.get_host(name)
    with contextlib.suppress(*LOST):
        to_runner(settings_of(host).site, word, timeout=within).run_beside(host)


def _ask(host: Host, fact: type[FactBase[T]], request: Request) -> T:
    tend(host)
    with ctx_host.use(host):
        try:
            found: T = host.get_fact(
                fact,
                _sudo=True,
                _stdin=stdin_for(settings_of(host).site, request),
                _ignore_errors=True,
                _timeout=SURVEY_TIMEOUT,
            )
        except EOFError:  # pyinfra asks for sudo's password, and nobody is there to type it.
            return fact.default()
    return found
