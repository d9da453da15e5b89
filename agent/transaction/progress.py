"""How far a deploy has come, read from its journal. Pure: records in, answers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.transaction.journal import Record
from agent.words.outcomes import Outcome

# What adds up in a journal.
LISTS = ("started", "done", "commands", "command_ids", "beside", "undone", "problems")


@dataclass(frozen=True)
class Progress:
    """One deploy's state, from its journal."""

    begin: Record = field(default_factory=dict)
    started: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    failed: str | None = None
    no_lock: bool = False
    reason: str | None = None
    deadline: float = 0.0
    commands: tuple[Record, ...] = ()
    command_ids: tuple[str, ...] = ()
    beside: tuple[Record, ...] = ()
    undone: tuple[str, ...] = ()
    problems: tuple[Record, ...] = ()
    falling_back: bool = False
    fallback_at: float = 0.0
    settled: bool = False
    committed: bool = False
    outcome: Outcome | None = None

    @property
    def step(self) -> str:
        """The last step that was started; `begin` before the first."""
        return self.started[-1] if self.started else "begin"

    @property
    def in_step(self) -> bool:
        """Whether a step was started and has not ended."""
        return bool(self.started) and self.failed is None and self.started[-1] not in self.done

    @property
    def backup(self) -> dict[str, Any]:
        """The backup that this deploy has taken: its path, size and checksum; empty while there is none."""
        notes = [self.notes.get(step) or {} for step in ("backup", "backup_before")]
        return next((note for note in notes if note.get("path")), {})

    def begun_beside(self, what: str) -> Record | None:
        """The journal's line about what was first begun under a name beside the steps; it may have ended since."""
        return next((one for one in self.beside if one["what"] == what), None)

    @property
    def saw_change(self) -> bool:
        """Whether this host has seen the database as the new version needs it, while it waited for the primary host."""
        return bool((self.notes.get("schema") or {}).get("changed"))


def read_progress(records: Sequence[Record]) -> Progress:
    """Read how far a deploy has come.

    + records: the journal's lines, oldest first; any prefix of a real journal is a real state
    """
    state: dict[str, Any] = {"notes": {}, **{key: [] for key in LISTS}}
    for record in records:
        _apply(state, record)
    return Progress(**{**state, **{key: tuple(state[key]) for key in LISTS}})


def _apply(state: dict[str, Any], record: Record) -> None:
    event = record.get("event")
    if "deadline" in record:
        state["deadline"] = record["deadline"]
    if event == "begin":
        state["begin"] = record
    elif event == "step started":
        state["started"].append(record["step"])
        state["commands"] = []
    elif event == "step done":
        state["done"].append(record["step"])
        state["notes"][record["step"]] = record.get("note") or {}
        state["commands"] = []
    elif event == "step failed":
        state["failed"] = record["step"]
        # Whoever holds the lock is to blame.
        state["no_lock"] = record.get("no_lock", False)
    elif event == "note":
        state["notes"].setdefault(record["step"], {}).update(record["note"])
    elif event in ("command", "beside"):
        # A command ends with its step; what goes on beside the steps does not.
        state["commands" if event == "command" else "beside"].append(record)
        state["command_ids"].append(record.get("mark", ""))
    elif event == "fallback":
        state["falling_back"] = True
        state["reason"] = record["reason"]
        state["fallback_at"] = record.get("at", 0.0)
        state["settled"] = record.get("settled", False)
        # A fallback that is started anew (after a crash, or by a person) judges again.
        state["problems"] = []
    elif event == "undo done":
        state["undone"].append(record["action"])
        # What could not be undone at first, such as a database that was not up yet, is no problem any more.
        state["problems"] = [problem for problem in state["problems"] if problem["action"] != record["action"]]
    elif event == "undo failed":
        state["problems"].append(record)
        # What was restarted and is not well has to be started anew, once what was in its way is put right.
        again = ("restart",) if record["action"] == "health" else ()
        state["undone"] = [action for action in state["undone"] if action not in again]
    elif event == "committed":
        state["committed"] = True
    elif event == "ended":
        state["outcome"] = Outcome(record["outcome"])
