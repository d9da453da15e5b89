"""What a person reads after a run: as the last thing on the screen, how it ended on each host."""

from __future__ import annotations

import atexit
import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import click
from pyinfra.api import State

from switchback.runs.run import Run

# How the agent's last line begins, and so how a run has ended on a host.
OUTCOMES = ("committed", "refused", "fell back", "still falling back", "needs a person")
# How the agent begins to say why it falls back, and what it is doing about it.
REASON = "falling back: "
WARNING = ": WARNING: "
# Why a host falls back that has not failed itself.
ALL_OR_NONE = " failed, and a deploy commits on all hosts or on none"
# What a host is told to fall back for at Ctrl-C.
INTERRUPTED = "interrupted at the controller"
# What the agent says of its decisions and their cost, for the last screen.
TOLD = (
    "a window is needed: ",
    "no window is needed: ",
    "restart: in full",
    "restart: supervisord has",
    "restart:   ",
    "restart: the new",
    ": waited for a lock: ",
)
COST = ("downtime: ", "time: ")
UNDOING = (
    *COST,
    *(f"  {word}: " for word in ("undone", "not undone", "seen", "kept", "restored", "marked")),
    "  could not ",
    *OUTCOMES,
)
# How much of a failed command's output is repeated on the last screen.
OUTPUT_LINES = 12


@dataclass(frozen=True)
class Ending:
    """How a run ended on one host.

    + sentence: what the site is like now; reason: what went wrong, if anything did
    """

    host: str
    outcome: str
    sentence: str
    reason: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    cost: tuple[str, ...] = ()


def follow(state: State, runs: Sequence[Run], also: Mapping[str, Sequence[str]]) -> None:
    """Print what the hosts say as they say it, and see to it that how the run ended is the last thing that is printed.

    + also: what hosts will have said besides what they say to operations
    """
    state.print_output = True
    atexit.register(_show_end, state, runs, also)


def show_words(state: State) -> None:
    """See to it that what the hosts say is the last thing that is printed, for a run that is no transaction."""
    _at_end(state, _show_words)


def tell_as_it_happens(state: State) -> None:
    """Print what the hosts say as they say it, for a run that takes its time, and the last of it at its end."""
    state.print_output = True
    _at_end(state, _show_last_words)


def _at_end(state: State, show: Callable[[State], None]) -> None:
    if show not in _registered:
        _registered.append(show)
        atexit.register(show, state)


_registered: list[object] = []


def _show_words(state: State) -> None:
    for host in state.inventory:
        for line in said_by(state, host.name):
            click.echo(f"    [{host.name}] {line}", err=True)


def _show_last_words(state: State) -> None:
    for host in state.inventory:
        for line in said_by(state, host.name)[-1:]:
            click.echo(f"    [{host.name}] {line}", err=True)


def _show_end(state: State, runs: Sequence[Run], also: Mapping[str, Sequence[str]]) -> None:
    """Print how it ended. Called when the interpreter ends: after pyinfra's own last words, whatever they are."""
    if not state.is_executing:
        return
    for line in end_lines(
        runs, [ending(run, [*said_by(state, run.host), *also.get(run.host, ())]) for run in runs if run.steps]
    ):
        click.echo(line, err=True)


def end_lines(runs: Sequence[Run], endings: Sequence[Ending]) -> list[str]:
    """The last screen as lines."""
    if not endings:
        return []
    # Hosts that had nothing to do are named, and no more.
    acting = [run for run in runs if run.steps]
    run = acting[0]
    stopped = ", stopped by you" if any(INTERRUPTED in text for one in endings for text in one.reason) else ""
    outcomes = {one.outcome for one in endings}
    lines = ["", f"--> {run.kind.capitalize()} {run.deploy}: {_headline(endings)}{stopped}"]
    for one in endings:
        sentence = (
            f"{one.sentence}, if it has not committed"
            if one.outcome == "unknown" and "committed" in outcomes
            else one.sentence
        )
        lines += [f"    [{one.host}] {line}" for line in (*one.told, *one.warnings, *one.reason, *one.cost, sentence)]
    lines += [f"    [{one.host}] took no part: {one.idle}" for one in runs if not one.steps]
    unheard = {one.host for one in endings if one.outcome in ("unknown", "still falling back")}
    late = next((one for one in acting if one.host in unheard), run)
    return [*lines, *(f"    Next: {hint}" for hint in _next(run, late, outcomes, endings))]


def _headline(endings: Sequence[Ending]) -> str:
    """How it ended, the worst first, and where, if not the same everywhere."""
    order = (*OUTCOMES, "unknown")
    outcomes = sorted({one.outcome for one in endings}, key=order.index, reverse=True)
    if len(outcomes) == 1:
        return outcomes[0]
    where = {outcome: ", ".join(one.host for one in endings if one.outcome == outcome) for outcome in outcomes}
    return "; ".join(f"{outcome} on {hosts}" for outcome, hosts in where.items())


def _next(run: Run, late: Run, outcomes: set[str], endings: Sequence[Ending]) -> Iterable[str]:
    if "committed" in outcomes and run.left_out:
        yield f"not on {', '.join(run.left_out)}, which took no part: deploys/status.py compares all hosts"
    if outcomes == {"committed"}:
        if run.kind == "revert":
            yield "another revert goes further back; to return, deploy it: --data version=" + str(run.was)
        return
    if outcomes & {"unknown", "still falling back"}:
        yield f"such a host falls back by itself, {late.falls_back_alone}; look: deploys/status.py"
    if "committed" in outcomes:
        yield "not all hosts have committed: deploys/status.py compares them; deploy again to bring the others along"
    if "needs a person" in outcomes:
        yield "deploys/recover.py shows what happened, finishes the fallback and frees the host"
    elif any("; evidence: " in one.sentence for one in endings):
        yield "the evidence (journal, output of each step, logs) is in the folder named above, on the host, for root"


def reason_of(said: Sequence[str]) -> tuple[str, ...]:
    """Why a host fell back, from what its agent has said: the sentence, and the end of the output that goes with it."""
    starts = [number for number, line in enumerate(said) if line.startswith(REASON)]
    if not starts:
        return ()
    first, *rest = said[starts[-1] :]
    output = [line for line in itertools.takewhile(lambda line: not line.startswith(UNDOING), rest) if _says_much(line)]
    return (first[len(REASON) :], *(f"  {line}" for line in output[-OUTPUT_LINES:]))


def _says_much(line: str) -> bool:
    """Whether a line of output says anything by itself: from Python 3.11 on every other one of a traceback points."""
    return bool(line.strip("~^ )]}"))


def said_by(state: State, host: str) -> list[str]:
    """Everything that a host's agent has said to the operations of this run."""
    metas = [data.operation_meta for data in state.ops[state.inventory.get_host(host)].values()]
    return [line for meta in metas if meta.is_complete() for line in meta.stdout_lines]


def has_followed(said: Iterable[str]) -> bool:
    """Whether a host has said that it falls back because another one has failed."""
    return any(line.startswith(REASON) and line.endswith(ALL_OR_NONE) for line in said)


def has_gone_back(said: Iterable[str]) -> bool:
    """Whether a host has said that it is back where it was, and its database with it."""
    return any(line.startswith(("fell back at ", "refused")) for line in said)


def ending(run: Run, said: Sequence[str]) -> Ending:
    """How a run ended on its host, from the last thing that the agent there has said."""
    for line in reversed(said):
        for outcome in OUTCOMES:
            if line.startswith((f"{outcome}:", f"{outcome} at ")):
                warnings = tuple(text for text in said if WARNING in text)
                told = tuple(text for text in said if any(words in text for words in TOLD))
                cost = tuple(text for text in said if text.startswith(COST))
                return Ending(run.host, outcome, line, reason_of(said), warnings, told, cost)
    when = time.strftime("%H:%M:%S")
    return Ending(run.host, "unknown", f"no word from the host ({when}): its guard takes it back by itself")
