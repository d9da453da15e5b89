"""The last screen of a run as lines: how it ended first, then what matters of it, and what to type next. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.notify.noticed import visitors
from agent.text.times import duration
from agent.words.journal import Commit
from agent.words.outcomes import Outcome
from switchback import typed
from switchback.ending.ending import UNHEARD, Ending
from switchback.ending.layout import Part, by_hosts, command, fitted, headline, named, paragraph, quotation, row, rows
from switchback.ending.why import why
from switchback.runs.run import Run
from switchback.settings.options import CommandLine

# How many lines there are at most, of what went well and of what did not.
WELL, NOT_WELL = 12, 40
# What each kind of run has done once it has committed.
DONE = {"deploy": "Deployed", "revert": "Reverted", "build": "Built", "restart": "Restarted"}
STOPPED = "stopped by you"
# What stands before each warning of a step, behind the step's name.
WARNING = "WARNING: "


@dataclass(frozen=True)
class Screen:
    """What the last screen is made of.

    + runs: what the run does on each host; endings: how it ended on those that had anything to do
    + line: the command line of the run
    + warnings: of the controller's own
    """

    runs: Sequence[Run]
    endings: Sequence[Ending]
    line: CommandLine
    warnings: Sequence[str] = ()

    @property
    def acting(self) -> list[Run]:
        """The run on the hosts that have anything to do."""
        return [run for run in self.runs if run.steps]

    @property
    def run(self) -> Run:
        """The run as it is on the first of them."""
        return self.acting[0]

    @property
    def outcomes(self) -> list[Outcome]:
        """How it ended, the worst first."""
        return sorted({one.outcome for one in self.endings}, key=list(Outcome).index, reverse=True)

    @property
    def is_well(self) -> bool:
        """Whether it has committed everywhere."""
        return self.outcomes == [Outcome.COMMITTED]

    def told(self, what: Callable[[Ending], str]) -> dict[str, str]:
        """What is told of each host."""
        return {one.host: what(one) for one in self.endings}

    def types(self, deploy: str, *arguments: str) -> list[str]:
        """A command that is typed next."""
        return typed.command(self.line, deploy, *arguments)


def end_lines(screen: Screen) -> list[str]:
    """The last screen; nothing for a run that did nothing."""
    if not screen.endings:
        return []
    parts = [*(_well(screen) if screen.is_well else _not_well(screen))]
    return fitted(parts, WELL if screen.is_well else NOT_WELL)


def _part(lines: Sequence[str], rank: int = 0, least: int | None = None) -> Part:
    return Part(tuple(lines), rank, least)


# --- What went well


def _well(screen: Screen) -> Iterator[Part]:
    run = screen.run
    hosts = f" on {len(screen.endings)} hosts" if len(screen.endings) > 1 else ""
    yield _part(headline(f"{DONE[run.kind]}: {_done(screen)}{hosts}{_after(screen)}"))
    if run.kind != "build":
        yield _part(rows("site", {one.host: one.settings.website_url for one in screen.acting}), 3, 1)
    yield _part(rows("visitors", screen.told(lambda one: visitors(one.cost))), 4, 2)
    yield _part(_warnings(screen), 5, 1)
    yield _part(rows("now", screen.told(lambda one: one.state)), 2, 1)
    if run.kind in ("deploy", "revert"):
        yield _part(row("live", run.version), 8)
        yield _part(row("before", str(run.was)) if run.was and run.was != run.version else [], 7)
    yield from _way_back(screen)
    yield _part(rows("backup", screen.told(lambda one: one.backup or "")), 6, 1)
    yield _part(_told(screen), 9, 1)
    yield from _took_no_part(screen)
    if run.left_out:
        text = f"not on {named(run.left_out)}, which took no part: deploys/status.py compares all hosts"
        yield _part(row("next", text), 1)


def _done(screen: Screen) -> str:
    run = screen.run
    what = {"restart": f"the service runs {run.version}, and is healthy", "build": f"{label(run)} is {run.version}"}
    back = "the older version" if run.kind == "revert" else ""
    return what.get(run.kind, f"{back or label(run)} is live and healthy")


def label(run: Run) -> str:
    """What a run brings, as a person has asked for it."""
    code, config = run.about.code, run.about.config
    if code is None:
        return run.version
    # That which is always deployed is not worth a word.
    named = [f"config {_named(config)}"] if config and config.ref != run.settings.config_branch else []
    return ", ".join([_named(code), *named])


def _named(commit: Commit) -> str:
    return commit.sha[:7] if commit.sha.startswith(commit.ref) else f"{commit.ref} ({commit.sha[:7]})"


def _after(screen: Screen) -> str:
    took = max(one.seconds for one in screen.endings)
    return f", after {duration(took)}" if took else ""


def _way_back(screen: Screen) -> Iterator[Part]:
    run = screen.run
    if run.was is None or run.was == run.version:
        return
    if run.kind == "deploy":
        yield _part(command("back", screen.types("revert", "-y")))
    if run.kind == "revert":
        yield _part(command("return", screen.types("deploy", "--data", f"version={run.was}", "-y")))
        yield _part(command("further", screen.types("revert", "-y")), 9)


# --- What did not


def _not_well(screen: Screen) -> Iterator[Part]:
    hosts = f", on {len(screen.endings)} hosts" if len(screen.endings) > 1 else ""
    yield _part(headline(f"{_verdict(screen)}{_after(screen)}{hosts}"))
    yield from _reasons(screen)
    yield _part(_warnings(screen), 5, 1)
    yield _part(_told(screen), 9, 1)
    yield _part(rows("undone", screen.told(lambda one: ", ".join(one.undone))), 6, 1)
    yield _part(rows("now", screen.told(lambda one: _now(screen, one))), 1, 6)
    yield _part(rows("visitors", screen.told(lambda one: visitors(one.cost))), 4, 2)
    yield _part(rows("backup", screen.told(lambda one: one.backup or "")), 3, 1)
    yield from _took_no_part(screen)
    yield from _next(screen)
    if any(one.evidence for one in screen.endings):
        yield _part(command("why", screen.types("why", "--data", f"deploy={screen.run.deploy}")))


def _verdict(screen: Screen) -> str:
    outcomes, run = screen.outcomes, screen.run
    if len(outcomes) > 1:
        where = {outcome: [one.host for one in screen.endings if one.outcome == outcome] for outcome in outcomes}
        told = "; ".join(f"{outcome} on {named(hosts)}" for outcome, hosts in where.items())
        return f"{told[0].upper()}{told[1:]}: {label(run)}"
    (outcome,), first = outcomes, _first(screen.endings)
    at = f" at {first.step}" if first.step else ""
    if outcome == Outcome.REFUSED:
        how = f"{STOPPED}{at}" if first.stopped else f"refused{at}"
        text = f"{how}: the live site was never touched by {label(run)}"
    elif outcome == Outcome.FELL_BACK:
        text = f"{STOPPED}, {outcome}{at}" if first.stopped else f"{outcome}{at}"
        text += f": {_what(run)}, the site is as it was"
    else:
        text = f"{outcome}{at}: {_what(run)}"
    return f"{text[0].upper()}{text[1:]}"


def _first(endings: Sequence[Ending]) -> Ending:
    """The one that tells why: who only follows another host has nothing of its own to tell."""
    return next((one for one in endings if not one.followed), endings[0])


def _what(run: Run) -> str:
    """What a run has not done."""
    names = {"restart": "the service was not restarted well", "build": f"{label(run)} was not built"}
    return names.get(run.kind, f"{label(run)} is not live")


def _now(screen: Screen, one: Ending) -> str:
    if one.outcome == Outcome.COMMITTED and not one.state:
        return f"{screen.run.version} is live and healthy"
    maybe = ", if it has not committed" if one.outcome == Outcome.UNKNOWN and _some_committed(screen) else ""
    return f"{one.state}{maybe}"


def _some_committed(screen: Screen) -> bool:
    return Outcome.COMMITTED in screen.outcomes


def _reasons(screen: Screen) -> Iterator[Part]:
    """Why, the line that says it best first; hosts that have the same to tell are told of once."""
    alike: dict[tuple[str, ...], list[str]] = {}
    failed_itself = any(one.reason and not one.followed for one in screen.endings)
    for one in screen.endings:
        # That a person has stopped it is what the verdict says.
        is_new = not one.stopped and not (one.followed and failed_itself)
        if one.reason and (is_new or len(one.reason) > 1):
            alike.setdefault(one.reason, []).append(one.host)
    for reason, hosts in alike.items():
        told = why(reason, screen.run.version)
        where = f"[{named(hosts)}] " if len(hosts) < len(screen.endings) else ""
        yield _part(paragraph(f"{where}{told.line or told.sentence}"), 2, 1)
        if told.line:
            yield _part(paragraph(told.sentence), 3, 2)
        yield _part(quotation(told.output), 8, 0)


def _next(screen: Screen) -> Iterator[Part]:
    outcomes = set(screen.outcomes)
    if outcomes <= {Outcome.REFUSED, Outcome.FELL_BACK}:
        mended = "" if all(one.stopped for one in screen.endings) else " once that is mended"
        again = f"; {screen.run.kind} again{mended}" if screen.run.kind in ("deploy", "build") else ""
        yield _part(row("next", f"nothing is left to be done on the host{'s'[: len(screen.endings) > 1]}{again}"), 7)
    unheard = [one.host for one in screen.endings if one.outcome in UNHEARD]
    if unheard:
        late = next(one for one in screen.acting if one.host in unheard)
        text = f"such a host falls back by itself, {late.falls_back_alone}; look:"
        yield _part([*row("next", text), *command("", screen.types("status"))])
    if _some_committed(screen):
        text = "not all hosts have committed: deploy again to bring the others along, and compare them before:"
        yield _part([*row("next", text), *([] if unheard else command("", screen.types("status")))])
    if Outcome.NEEDS_A_PERSON in outcomes:
        text = "what happened, another try at the way back, and the host freed:"
        yield _part([*row("next", text), *command("", screen.types("recover"))])


# --- What both have


def _warnings(screen: Screen) -> list[str]:
    told = [(hosts, text) for text, hosts in _who_says(screen.endings, _warned).items()]
    lines = [line for hosts, text in told for line in paragraph(_of(screen, hosts, text))]
    return [*lines, *(line for text in screen.warnings for line in paragraph(text))]


def _warned(one: Ending) -> list[str]:
    """What a step of a host warns of, each thing by itself, but for what is told of how its site is now."""
    found = []
    for text in one.warnings:
        head, *more = text.splitlines() or [""]
        step, mark, thing = head.rpartition(WARNING)
        things = [thing, *map(str.strip, more)]
        found += [f"{step}{mark}{each}" for each in things if each not in one.state]
    return found


def _told(screen: Screen) -> list[str]:
    found = _who_says(screen.endings, lambda one: one.told).items()
    return [line for text, hosts in found for line in paragraph(_of(screen, hosts, text))]


def _who_says(endings: Sequence[Ending], what: Callable[[Ending], Sequence[str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in endings:
        for text in what(one):
            found.setdefault(text, []).append(one.host)
    return found


def _of(screen: Screen, hosts: Sequence[str], text: str) -> str:
    return text if len(hosts) == len(screen.endings) else f"[{named(hosts)}] {text}"


def _took_no_part(screen: Screen) -> Iterator[Part]:
    """Hosts that had nothing to do are named, and no more."""
    idle = {run.host: run.idle for run in screen.runs if not run.steps}
    lines = [line for hosts, text in by_hosts({**idle, "": ""}) for line in row("idle", f"[{hosts}] {text}")]
    yield _part(lines, 6, 1)
