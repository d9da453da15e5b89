"""What a person reads after a run: as the last thing on the screen, how it ended on each host."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click
from pyinfra.api import State

from agent.text.lines import quoted
from agent.words.outcomes import Outcome
from agent.words.result import Result
from switchback.document.noted import NOTED
from switchback.runs.run import Run
from switchback.screen import controller
from switchback.wire.results import heard_from

# Such a host has not told, or not yet, how it ends.
UNHEARD = {Outcome.UNKNOWN, Outcome.FALLING_BACK}
# Which lines that a host has said are shown at the end.
ALL, THE_LAST = slice(None), slice(-1, None)
# How much of a failed command's output is repeated on the last screen.
OUTPUT_LINES = 12


@dataclass(frozen=True)
class Ending:
    """How a run ended on one host.

    + sentence: what the site is like now; reason: what went wrong, if anything did
    + evidence: whether the sentence says where the evidence is
    + stopped: whether it was a person at the controller who ended the run
    """

    host: str
    outcome: Outcome
    sentence: str
    reason: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    cost: tuple[str, ...] = ()
    evidence: bool = False
    stopped: bool = False


def follow(state: State, runs: Sequence[Run]) -> None:
    """Print what the hosts say as they say it, and see to it that how the run ended is the last that is printed."""
    state.print_output = True
    NOTED.runs = runs
    atexit.register(_show_end, state, runs)


def show_words(state: State) -> None:
    """See to it that what the hosts say is the last thing that is printed, for a run that is no transaction."""
    _at_end(state, ALL)


def tell_as_it_happens(state: State) -> None:
    """Print what the hosts say as they say it, for a run that takes its time, and the last of it at its end."""
    state.print_output = True
    _at_end(state, THE_LAST)


def _at_end(state: State, lines: slice) -> None:
    if lines not in _registered:
        _registered.append(lines)
        atexit.register(_show_words, state, lines)


_registered: list[slice] = []


def _show_words(state: State, lines: slice) -> None:
    for host in state.inventory:
        for line in said_by(state, host.name)[lines]:
            click.echo(f"    [{host.name}] {line}", err=True)


def _show_end(state: State, runs: Sequence[Run]) -> None:
    """Print how it ended. Called when the interpreter ends: after pyinfra's own last words, whatever they are."""
    if not state.is_executing:
        return
    acting = [run for run in runs if run.steps]
    endings = [ending(run, heard_from(run.host)) for run in acting]
    for line in end_lines(runs, endings):
        click.echo(line, err=True)
    if endings:
        told = [f"{one.host}: {one.sentence}" for one in endings]
        warning = controller.run_after(acting, [one.outcome for one in endings], told, state.print_noop_info)
        NOTED.warnings = [warning] if warning else []
        for line in warning.split("\n") if warning else ():
            click.echo(f"    {line}", err=True)


def end_lines(runs: Sequence[Run], endings: Sequence[Ending]) -> list[str]:
    """The last screen as lines."""
    if not endings:
        return []
    # Hosts that had nothing to do are named, and no more.
    acting = [run for run in runs if run.steps]
    run = acting[0]
    stopped = ", stopped by you" if any(one.stopped for one in endings) else ""
    outcomes = {one.outcome for one in endings}
    lines = ["", f"--> {run.kind.capitalize()} {run.deploy}: {_headline(endings)}{stopped}"]
    for one in endings:
        sentence = (
            f"{one.sentence}, if it has not committed"
            if one.outcome == Outcome.UNKNOWN and Outcome.COMMITTED in outcomes
            else one.sentence
        )
        lines += [f"    [{one.host}] {line}" for line in (*one.told, *one.warnings, *one.reason, *one.cost, sentence)]
    lines += [f"    [{one.host}] took no part: {one.idle}" for one in runs if not one.steps]
    unheard = {one.host for one in endings if one.outcome in UNHEARD}
    late = next((one for one in acting if one.host in unheard), run)
    return [*lines, *(f"    Next: {hint}" for hint in _next(run, late, outcomes, endings))]


def _headline(endings: Sequence[Ending]) -> str:
    """How it ended, the worst first, and where, if not the same everywhere."""
    outcomes = sorted({one.outcome for one in endings}, key=list(Outcome).index, reverse=True)
    if len(outcomes) == 1:
        return str(outcomes[0])
    where = {outcome: ", ".join(one.host for one in endings if one.outcome == outcome) for outcome in outcomes}
    return "; ".join(f"{outcome} on {hosts}" for outcome, hosts in where.items())


def _next(run: Run, late: Run, outcomes: set[Outcome], endings: Sequence[Ending]) -> Iterable[str]:
    if Outcome.COMMITTED in outcomes and run.left_out:
        yield f"not on {', '.join(run.left_out)}, which took no part: deploys/status.py compares all hosts"
    if outcomes == {Outcome.COMMITTED}:
        if run.kind == "revert":
            yield "another revert goes further back; to return, deploy it: --data version=" + str(run.was)
        return
    if outcomes & UNHEARD:
        yield f"such a host falls back by itself, {late.falls_back_alone}; look: deploys/status.py"
    if Outcome.COMMITTED in outcomes:
        yield "not all hosts have committed: deploys/status.py compares them; deploy again to bring the others along"
    if Outcome.NEEDS_A_PERSON in outcomes:
        yield "deploys/recover.py shows what happened, finishes the fallback and frees the host"
    elif any(one.evidence for one in endings):
        yield "the evidence (journal, output of each step, logs) is in the folder named above, on the host, for root"


def shortened(reason: Sequence[str]) -> tuple[str, ...]:
    """A reason as it is shown: its sentence, and the end of the output that goes with it."""
    output = [line for line in reason[1:] if _says_much(line)]
    is_quoted = all(line.startswith("  ") for line in output)
    return (*reason[:1], *(line if is_quoted else quoted(line) for line in output[-OUTPUT_LINES:]))


def _says_much(line: str) -> bool:
    """Whether a line of output says anything by itself: from Python 3.11 on every other one of a traceback points."""
    return bool(line.strip("~^ )]}"))


def said_by(state: State, host: str, but_by: str = "") -> list[str]:
    """Everything that a host's agent has said to the operations of this run.

    + but_by: how the name of an operation begins that does not count
    """
    ops = state.ops[state.inventory.get_host(host)]
    counted = [key for key in ops if not but_by or not " ".join(state.op_meta[key].names).startswith(but_by)]
    metas = [ops[key].operation_meta for key in counted]
    return [line for meta in metas if meta.is_complete() for line in meta.stdout_lines]


def ending(run: Run, heard: Sequence[Result]) -> Ending:
    """How a run ended on its host.

    + heard: how the calls of the agent there have ended, oldest first
    """
    last = next((one for one in reversed(heard) if one.outcome), None)
    if last is None or last.outcome is None:
        when = time.strftime("%H:%M:%S")
        return Ending(run.host, Outcome.UNKNOWN, f"no word from the host ({when}): it falls back by itself")
    return Ending(
        run.host,
        last.outcome,
        last.sentence,
        shortened(last.reason),
        last.warnings,
        last.told,
        last.cost,
        last.evidence,
        last.interrupted,
    )
