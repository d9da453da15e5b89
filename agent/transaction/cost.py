"""What a run has cost: what visitors noticed of it, and where the time went. A journal in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent.host.output import emit
from agent.transaction.downtime import maintenance_seconds, on_since
from agent.transaction.maintenance import NEVER_ON, SHUT_NOBODY_OUT
from agent.transaction.progress import Progress
from agent.words.history import Cost
from agent.words.journal import StepDone
from agent.words.notes import Asked, MaintenanceStarted, Probed
from agent.words.shapes import read


def measured_or_nothing(progress: Progress) -> Cost:
    """The same as `measured` has it; nothing, and why, where that goes wrong: no host is kept because of it."""
    try:
        return measured(progress)
    except Exception as error:  # noqa: BLE001 - an error of ours must not keep a deploy from ending
        emit(f"what the run has cost can't be told: {type(error).__name__}: {error}")
        return Cost()


def measured(progress: Progress) -> Cost:
    """What a run has cost. Pure: a journal in."""
    lines, since = progress.lines, on_since(progress.lines)
    seconds = maintenance_seconds(lines) if since is None else lines[-1].at - since
    parts = [read(Probed, part, "downtime") for part in progress.notes.get("downtime", {}).values()]
    return Cost(
        site=_together(part.site for part in parts),
        app=_together(part.app for part in parts),
        pieces=len(parts),
        maintenance=round(seconds or 0.0, 2),
        still=since is not None,
        steps={line.says.step: line.says.seconds for line in lines if isinstance(line.says, StepDone)},
        **_start(progress),
    )


def _together(parts: Iterable[Asked]) -> Asked | None:
    asked = list(parts)
    if not asked:
        return None
    outage = round(sum(one.outage for one in asked), 3)
    return Asked(sum(one.asked for one in asked), sum(one.failed for one in asked), outage)


def _start(progress: Progress) -> dict[str, bool]:
    """What visitors were seen to get, once the start script had run."""
    start = progress.note(MaintenanceStarted)
    if "maintenance_start" not in progress.started or start.skipped:
        return {"never": True}
    # An older agent did not look.
    if start.page or not (progress.begun and progress.begun.site_before):
        return {}
    return {"unseen": True} if start.unseen else {"unsure": True}


def sentences(cost: Cost) -> list[str]:
    """What a run has cost, as lines for a person."""
    lines = []
    if cost.site and cost.app:
        told = [_told("the site", cost.site, cost.pieces), _told("the app itself", cost.app, cost.pieces)]
        lines.append("downtime: " + "; ".join([*told, _maintenance(cost)]))
    if cost.steps:
        lines.append("time: " + ", ".join(f"{step} {seconds:.1f} s" for step, seconds in _slow(cost.steps).items()))
    return lines


def _maintenance(cost: Cost) -> str:
    if cost.never or cost.unseen:
        return NEVER_ON if cost.never else SHUT_NOBODY_OUT
    seconds = f"{cost.maintenance} s"
    if cost.unsure:
        return f"maintenance may have been on for {seconds}" + (", and may still be" if cost.still else "")
    if cost.still:
        return f"maintenance has been on for {seconds}, and was not seen to end"
    return f"maintenance was on for {seconds}"


def _told(where: str, one: Asked, pieces: int) -> str:
    if not one.failed:
        return f"{where} answered all of {one.asked} probes"
    out = f"{one.outage * 1000:.0f} ms"
    failed = f"{where} failed {one.failed} of {one.asked} probes"
    if pieces > 1:
        # It may have been out between two steps as well, when nobody looked.
        return failed if out == "0 ms" else f"{failed}, out for {out} at the least"
    return f"{failed}, out for {out}"


def _slow(steps: Mapping[str, float]) -> dict[str, float]:
    """The steps that took long enough to be told of, and the rest together."""
    told = {step: seconds for step, seconds in steps.items() if seconds >= 0.1}
    rest = sum(seconds for step, seconds in steps.items() if step not in told)
    return {**told, "all others": rest} if len(told) < len(steps) else told
