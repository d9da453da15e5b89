"""A journal as a story, and as what was done when. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from agent.steps.fallback import undo_named
from agent.steps.kind import Phase
from agent.steps.order import names
from agent.transaction.downtime import window
from agent.transaction.progress import Progress
from agent.words import journal
from agent.words.history import BACK, DONE, FAILED, OPEN, SKIPPED, Part, Span
from agent.words.notes import Note, Out, Probed
from agent.words.shapes import Unreadable, read


def tell(progress: Progress) -> list[str]:
    """A journal as a story: a line for each thing that happened."""
    told = ((line.at, _sentence(line.says)) for line in progress.lines)
    return [time.strftime("%H:%M:%S ", time.gmtime(at)) + text for at, text in told if text]


# How each kind of line reads; what is not here is bookkeeping.
SENTENCES: dict[type, str] = {
    journal.Begin: "{0.kind} {0.deploy} of {0.version} by {0.by}",
    journal.StepDone: "{0.step}: done in {0.seconds} s",
    journal.StepFailed: "{0.step}: FAILED: {0.reason}",
    journal.StepInterrupted: "{0.step}: {0.reason}",
    journal.FallsBack: "falling back: {0.reason}",
    journal.Committed: "committed",
    journal.Ended: "{0.sentence}",
    journal.HookEnded: "{0.point}: {0.how}",
}


def _sentence(event: journal.Event) -> str:
    if isinstance(event, journal.UndoDone):
        undo = undo_named(event.action)
        return undo.done(read(undo.shape, event.note, f"the note of {event.action}"))
    if isinstance(event, journal.UndoFailed):
        return undo_named(event.action).failed(event.problem)
    if isinstance(event, journal.Told):
        return f"notify, {event.name}: " + (f"nobody could be told: {event.problem}" if event.problem else "told")
    return SENTENCES.get(type(event), "").format(event)


def parts(lines: Iterable[journal.Line]) -> tuple[Part, ...]:
    """What was done, the oldest first: steps, what was undone, and what ran once all was over."""
    found: dict[tuple[str, str], Part] = {}
    for line in lines:
        says, at = line.says, line.at
        if isinstance(says, (journal.StepStarted, journal.UndoStarted, journal.HookStarted)):
            # What is tried once more is one more part; its end is that of the last try.
            name, phase = _named(says)
            earlier = found.pop((phase, name), None)
            if earlier:
                found[phase, f"{name} {len(found)}"] = earlier
            found[phase, name] = Part(name, phase, at, 0.0, OPEN)
        else:
            ended = _ended(says)
            key = next((key for key in found if ended and key == (_phase(says), ended.name)), None)
            if key and ended:
                found[key] = replace(ended, since=found[key].since, seconds=round(at - found[key].since, 3))
    return tuple(sorted(found.values(), key=lambda part: part.since))


def _named(says: journal.Event) -> tuple[str, str]:
    name = str(getattr(says, "step", "") or getattr(says, "action", "") or getattr(says, "point", ""))
    return name, _phase(says)


def _phase(says: journal.Event) -> str:
    if isinstance(says, (journal.UndoStarted, journal.UndoDone, journal.UndoFailed)):
        return BACK
    if isinstance(says, (journal.HookStarted, journal.HookEnded)):
        return Phase.AFTER.value
    return Phase.BUILD.value if getattr(says, "step", "") in names(Phase.BUILD) else Phase.SWITCH.value


def _ended(says: journal.Event) -> Part | None:
    """What a line says of how a part has ended."""
    name, phase = _named(says)
    if isinstance(says, journal.StepDone):
        note = _read(Note, says.note)
        skipped = note.skipped if note else ""
        return Part(name, phase, 0.0, 0.0, SKIPPED if skipped else DONE, skipped or (note.warning if note else ""))
    if isinstance(says, (journal.StepFailed, journal.StepInterrupted)):
        return Part(name, phase, 0.0, 0.0, FAILED, says.reason)
    if isinstance(says, journal.UndoDone):
        return Part(name, phase, 0.0, 0.0, DONE, _sentence(says))
    if isinstance(says, journal.UndoFailed):
        return Part(name, phase, 0.0, 0.0, FAILED, says.problem)
    if isinstance(says, journal.HookEnded):
        return Part(name, phase, 0.0, 0.0, FAILED if says.problem else DONE, says.problem)
    return None


def _read(shape: type[Note], note: journal.Written) -> Note | None:
    try:
        return read(shape, note, "note")
    except Unreadable:
        return None


def shut(progress: Progress) -> tuple[Span, ...]:
    """When the maintenance page was on."""
    began, seconds = window(progress.lines)
    if began is None:
        return ()
    return (Span(began, progress.lines[-1].at if seconds is None else began + seconds),)


def probed(progress: Progress) -> tuple[tuple[Span, ...], tuple[Out, ...], tuple[Out, ...]]:
    """When somebody asked what visitors get; and when the site, and the app itself, was out then."""
    spans, site, app = list[Span](), list[Out](), list[Out]()
    for at, note in progress.notes.get("downtime", {}).items():
        try:
            found, until = read(Probed, note, "downtime"), float(at)
        except (Unreadable, ValueError):
            continue
        if found.since:
            spans.append(Span(found.since, until))
        site += found.site.out
        app += found.app.out
    return tuple(spans), tuple(site), tuple(app)
