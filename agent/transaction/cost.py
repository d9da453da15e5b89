"""What a run has cost: what visitors noticed of it, and where the time went. A journal in, lines out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.host.output import say
from agent.transaction.downtime import maintenance_seconds, on_since
from agent.transaction.journal import Record
from agent.transaction.maintenance import NEVER_ON, SHUT_NOBODY_OUT
from agent.transaction.progress import read_progress

Note = dict[str, Any]


def measured_or_nothing(records: Sequence[Record]) -> Note:
    """The same as `measured` has it; nothing, and why, where that goes wrong: no host is kept because of it."""
    try:
        return measured(records)
    except Exception as error:  # noqa: BLE001 - an error of ours must not keep a deploy from ending
        say(f"what the run has cost can't be told: {type(error).__name__}: {error}")
        return {"steps": {}}


def measured(records: Sequence[Record]) -> Note:
    """What a run has cost. Pure: a journal in.

    Returns `site` and `app`: how often each was asked, how often that failed, and for how long it was out, seconds;
    `maintenance`: how long that was on, seconds; `never`: that it was not turned on; `still`: whether it has not ended;
    `unseen`: that its script has shut nobody out; `unsure`: that nobody has seen it on; `pieces`: in how many pieces
    they were asked, between which nobody looked; `steps`: the seconds of each step.
    """
    since = on_since(records)
    seconds = maintenance_seconds(records) if since is None else records[-1]["at"] - since
    found: Note = {"maintenance": round(seconds or 0.0, 2), "still": since is not None, **_start(records)}
    parts = [part for record in records if _is_downtime(record) for part in record["note"].values()]
    for word in ("site", "app"):
        if parts:
            keys = ("asked", "failed", "outage")
            found[word] = {key: round(sum(part[word][key] for part in parts), 3) for key in keys}
    found["pieces"] = len(parts)
    found["steps"] = {one["step"]: one["seconds"] for one in records if one.get("event") == "step done"}
    return found


def _start(records: Sequence[Record]) -> Note:
    """What visitors were seen to get, once the start script had run."""
    progress = read_progress(records)
    start = progress.notes.get("maintenance_start", {})
    if "maintenance_start" not in progress.started or start.get("skipped"):
        return {"never": True}
    # An older agent did not look.
    if "site_before" not in progress.begin or start.get("page"):
        return {}
    return {"unseen": True} if start.get("unseen") else {"unsure": True}


def _is_downtime(record: Record) -> bool:
    return record.get("event") == "note" and record.get("step") == "downtime"


def sentences(found: Note) -> list[str]:
    """What a run has cost, as lines for a person.

    + found: as `measured` has it
    """
    lines = []
    if "site" in found:
        told = "; ".join(_told(word, found[word], found.get("pieces", 1)) for word in ("site", "app"))
        lines.append(f"downtime: {told}; {_maintenance(found)}")
    if found["steps"]:
        lines.append("time: " + ", ".join(f"{step} {seconds:.1f} s" for step, seconds in _slow(found["steps"]).items()))
    return lines


def _maintenance(found: Note) -> str:
    if found.get("never") or found.get("unseen"):
        return NEVER_ON if found.get("never") else SHUT_NOBODY_OUT
    seconds = f"{found['maintenance']} s"
    if found.get("unsure"):
        return f"maintenance may have been on for {seconds}" + (", and may still be" if found.get("still") else "")
    if found.get("still"):
        return f"maintenance has been on for {seconds}, and was not seen to end"
    return f"maintenance was on for {seconds}"


def _told(word: str, one: Note, pieces: int) -> str:
    where = {"site": "the site", "app": "the app itself"}[word]
    if not one["failed"]:
        return f"{where} answered all of {one['asked']} probes"
    out = f"{one['outage'] * 1000:.0f} ms"
    failed = f"{where} failed {one['failed']} of {one['asked']} probes"
    if pieces > 1:
        # It may have been out between two steps as well, when nobody looked.
        return failed if out == "0 ms" else f"{failed}, out for {out} at the least"
    return f"{failed}, out for {out}"


def _slow(steps: Mapping[str, float]) -> dict[str, float]:
    """The steps that took long enough to be told of, and the rest together."""
    told = {step: seconds for step, seconds in steps.items() if seconds >= 0.1}
    rest = sum(seconds for step, seconds in steps.items() if step not in told)
    return {**told, "all others": rest} if len(told) < len(steps) else told
