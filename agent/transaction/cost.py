"""What a run has cost: what visitors noticed of it, and where the time went."""

from __future__ import annotations

from collections.abc import Iterable

from agent.host.output import emit
from agent.transaction.downtime import maintenance_seconds, on_since
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
        before=_wrong_before(progress),
        steps={line.says.step: line.says.seconds for line in lines if isinstance(line.says, StepDone)},
        **_start(progress),
    )


def _wrong_before(progress: Progress) -> str:
    """What visitors got before it began, where that was no site though a version was live."""
    page = progress.begun.site_before if progress.begun and progress.begun.was else None
    return (page.wrong or "") if page else ""


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
