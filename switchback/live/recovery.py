"""What deploys/recover.py would do on the hosts: shown before it is done, with what was left open there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyinfra.api import Host, State

from agent.text.lines import first_line
from agent.words.facts import HostFacts, OpenRun
from agent.words.history import PastRun
from agent.words.outcomes import Outcome
from switchback.ending.layout import headline, named, rows
from switchback.hosts.gateway import for_all_hosts
from switchback.hosts.inventory import options
from switchback.live.changes import would_change
from switchback.screen import pages
from switchback.screen.preflight import look_at, somebody_can_answer
from switchback.screen.present import NothingToDo, ask_to, end_look, show

NOTHING_OPEN = "no deploy is open on this host: there is nothing to recover"
TRIES = "what could not be undone, once more; where that works, the host is free again"
GOES_ON = "nothing: it is not over, and ends by itself"
KEEPS = "is left to you, as it is now: database=keep"
FORCES = "a host is free in the end, whatever could not be undone on it: force=true"


@dataclass(frozen=True)
class Left:
    """What is open on a host.

    + ended: how it has ended there, each time that it has, the oldest first
    """

    open: OpenRun
    ended: Sequence[PastRun] = ()

    @property
    def failed(self) -> str:
        """What went wrong at first: a try to recover is no reason."""
        if not self.ended:
            return ""
        first = self.ended[0]
        return f"{first.step}: {first.why or first_line(first.reason or '')}"

    @property
    def now(self) -> str:
        """What the site was like when that was seen last."""
        if not self.ended:
            return ""
        says = first_line(self.ended[-1].sentence).partition("; the database's backup: ")[0]
        return says.partition("; evidence: ")[0].partition("; next: ")[0].partition(": ")[2]

    @property
    def tries(self) -> str:
        """What recovering would do about it."""
        return TRIES if self.open.outcome == Outcome.NEEDS_A_PERSON else GOES_ON


def open_run() -> bool:
    """Whether a run is open on the host at hand, for recover. Shows what would be done about it, and asks whether to.

    Ends here, and well, where none is open on any host.
    """
    return for_all_hosts("open", _open_runs)


def _open_runs(state: State, hosts: Sequence[Host]) -> dict[str, bool]:
    somebody_can_answer()
    seen = look_at(hosts)
    left = {name: found for name, facts in seen.items() if (found := left_open(facts))}
    if not left:
        raise NothingToDo(*(f"[{name}] {NOTHING_OPEN}" for name in seen))
    asked = options()
    show(recovery_lines(left, keeps=asked.database == "keep", forces=asked.force))
    end_look(would_change({name: f"{one.open.says}; tries: {one.tries}" for name, one in left.items()}, seen))
    ask_to(f"recover {named(list(left))}")
    pages.follow_recovery(state, dict.fromkeys(one.open.deploy for one in left.values()))
    return {name: name in left for name in seen}


def left_open(facts: HostFacts) -> Left | None:
    """What is open on a host; None where nothing is."""
    opened = facts.transaction
    if opened is None:
        return None
    history = facts.site.history if facts.site else ()
    return Left(opened, [run for run in history if run.deploy == opened.deploy])


def recovery_lines(left: Mapping[str, Left], keeps: bool, forces: bool) -> list[str]:
    """The screen. Pure.

    + left: what is open on each host on which anything is
    + keeps: whether the database is left to a person; forces: whether hosts are freed in any case
    """
    return list(_lines(left, keeps, forces))


def _lines(left: Mapping[str, Left], keeps: bool, forces: bool) -> Iterator[str]:
    runs = list(dict.fromkeys(f"{one.open.kind} {one.open.deploy}" for one in left.values()))
    yield from headline(f"Recover {named(list(left))}: {named(runs)} {'is' if len(runs) == 1 else 'are'} open")
    # What to run next, which it ends with, is this.
    said = {name: one.open.says.partition(", and needs a person")[0] for name, one in left.items()}
    yield from rows("open", said)
    yield from rows("failed", {name: one.failed for name, one in left.items()})
    yield from rows("now", {name: one.now for name, one in left.items()})
    yield from rows("tries", {name: one.tries for name, one in left.items()})
    yield from rows("database", {"": KEEPS if keeps else ""})
    yield from rows("then", {"": FORCES if forces else ""})
