"""A journal is read whoever has written it: an older agent, a newer one, or one that was killed while it wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from agent.database.way_back import WayChosen
from agent.steps.fallback import plan_fallback
from agent.transaction.consequences import database_fallback_of, rolls_back
from agent.transaction.journal import Journal
from agent.transaction.maintenance import restart_mode
from agent.transaction.progress import Progress
from agent.words import notes
from agent.words.journal import SHAPES, JournalUnreadable
from agent.words.notes import BackedUp, Checked, MaintenanceStarted, Note, Restarted, Undone
from agent.words.seen import RestartMode
from agent.words.shapes import bare, to_json
from tests.unit.healthy import host_settings
from tests.unit.journals import records_of, says

# As agents wrote it that noted dicts: keys that nobody reads any more, nothing where nothing was found, and null.
OLDER = """\
{"at": 1.5, "event": "begin", "deploy": "d1", "deadline": 61.5, "started": "9", "kind": "deploy", "by": "ann@desk", \
"agent": "a1b2", "hosts": ["web1"], "primary": true, "version": "new", "was": "old", "bare": false, \
"settings": SETTINGS, "code": {"ref": "main", "sha": "c0de"}, "links": {"/home/app/a": null}, \
"has_worked": false, "restart": null, "ailing": {}, "site_before": {"status": null, "sign": null, "wrong": "down"}}
{"at": 2, "event": "step started", "step": "venv", "limit": 900.0, "deadline": 962.0}
{"at": 2.5, "event": "command", "pid": 4711, "started": "5", "mark": "m1"}
{"at": 3, "event": "step done", "step": "venv", "seconds": 1, "note": {"named": [], "open": null, "bytes": null}}
{"at": 4, "event": "step done", "step": "checks", "seconds": 0.1, "note": {"errors": [], "applied": [["items", "1"]], \
"pending": [{"app": "items", "name": "2", "reversible": true, "atomic": true, "database": "default", "idle": false, \
"loses": false, "operations": [{"app": "items", "kind": "AlterField", "says": "Alter field", "model": "item", "name": \
"colour", "reversible": true, "field": {"default": true, "max_length": 9, "null": false, "class": "CharField"}, "was": \
null}, {"app": "items", "kind": "SeparateDatabaseAndState", "says": "Custom", "model": "", "name": "", "reversible": \
true, "inside": [{"app": "items", "kind": "RunPython", "says": "Raw Python", "model": "", "name": "", "reversible": \
true, "does_nothing": false}]}]}], "databases": [{"alias": "default", "vendor": "postgresql", "name": "app", \
"configured": "app", "empty": false}], "fallback": "restore", "restart": {"way": "rolling", \
"groups": [], "interrupts": false}}}
{"at": 5, "event": "beside", "what": "rehearsal", "pid": 12, "started": "7", "url": "http://127.0.0.1:1/", "mark": "m2"}
{"at": 5.5, "event": "step started", "step": "maintenance_start", "deadline": 70}
{"at": 6, "event": "step done", "step": "maintenance_start", "seconds": 0.1, "note": {"static_before": null, \
"page": {"status": 503, "sign": "s", "wrong": null}}}
{"at": 7, "event": "step done", "step": "backup", "seconds": 0.1, "note": {"path": "/b", "bytes": 5, "sha256": "x"}}
{"at": 8, "event": "step started", "step": "migrate"}
{"at": 8.5, "event": "step started", "step": "restart"}
{"at": 9, "event": "note", "step": "restart", "note": {"way": "rolling", "rehearsed": 1.0}}
{"at": 9.5, "event": "fallback", "reason": "it broke", "settled": false, "cause": "itself"}
""".replace("SETTINGS", to_json(host_settings()))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """The journal of an older agent."""
    journal = Journal(tmp_path)
    journal.path.write_text(OLDER)
    return journal


def test_a_journal_of_an_older_agent_is_fallen_back_by(journal: Journal) -> None:
    progress = journal.progress
    first, second, *names = [undo.name for undo in plan_fallback(progress)]
    assert (first, second) == ("stop commands", "evidence")
    assert names == ["database", "restart", "health", "maintenance", "site", "watch", "mark"]
    assert (database_fallback_of(progress), rolls_back(progress)) == ("restore", True)
    assert progress.note(Checked).applied == (("items", "1"),)
    assert progress.note(MaintenanceStarted).page == notes.Page(503, "s")
    assert progress.backup == BackedUp(path="/b", bytes=5, sha256="x")


def test_what_has_another_name_by_now_is_known_by_the_old_one_too(journal: Journal) -> None:
    chosen = '{"at": 9.6, "event": "note", "step": "way back", "note": {"way": "restore", "why": "it lacks one"}}\n'
    journal.path.write_text(OLDER.replace('"settled": false', '"settled": true') + chosen)
    progress = journal.progress
    assert progress.database_is_back
    assert progress.note(Restarted).mode == "rolling"
    assert restart_mode(progress) == RestartMode("rolling", interrupts=False)
    assert progress.note(WayChosen) == WayChosen(fallback="restore", why="it lacks one")


# What a revert has noted.
LEFT = """\
{"at": 4, "event": "step done", "step": "checks", "seconds": 1, "note": {"applied": [["items", "1"], ["items", "2"]], \
"leaving": [{"app": "items", "name": "2", "database": "default", "idle": false, "loses": false, "halfway": false, \
"reversible": true, "atomic": true, "operations": [{"says": "Add it", "risks": [{"kind": "breaks", "says": "no"}]}], \
"sql": null}], "unknown": [], "newer_schema": ["items.2 stays"], "warning": "items.2 stays"}}
"""


def test_so_is_a_reverts(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    begin = OLDER.splitlines()[0].replace('"kind": "deploy"', '"kind": "revert", "database": "reverse"')
    journal.path.write_text(begin + "\n" + LEFT + '{"at": 5, "event": "step started", "step": "migrate"}\n')
    progress = journal.progress
    assert "database" in [undo.name for undo in plan_fallback(progress)]
    checked = progress.note(Checked)
    assert (len(checked.leaving), checked.newer_schema) == (1, ("items.2 stays",))


def test_what_a_newer_agent_has_written_besides_is_let_be(journal: Journal) -> None:
    plan = plan_fallback(journal.progress)
    with journal.path.open("a") as file:
        file.write('{"at": 10, "event": "moon phase", "full": true}\n')
        file.write('{"at": 11, "event": "note", "step": "restart", "note": {"moon": 1}, "tide": "high"}\n')
    assert plan_fallback(journal.progress) == plan


def test_a_line_that_was_cut_short_anywhere_is_passed_over(journal: Journal) -> None:
    whole = len(journal.progress.lines)
    last = OLDER.splitlines()[-1]
    for length in range(len(last)):
        for end in ("", "\n"):
            journal.path.write_text(OLDER + last[:length] + end)
            assert len(journal.progress.lines) == whole


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"at": 10, "event": "step done", "seconds": 1}', r"journal: step done\.step is missing"),
        ('{"at": 10, "event": "step started", "step": 5}', r"journal: step started\.step: 5 is no str"),
        ('{"at": "now", "event": "committed"}', "the time of the line Committed is 'now'"),
        ('{"at": 10, "event": "ended", "outcome": "fine"}', r"journal: ended\.outcome: 'fine' is none of committed, "),
    ],
)
def test_a_line_that_nobody_can_read_needs_a_person_who_is_told_what_to_do(
    journal: Journal, line: str, what: str
) -> None:
    journal.path.write_text(OLDER + line + "\n")
    with pytest.raises(JournalUnreadable, match=f"journal.jsonl can't be read: {what}.*Next: put that line right"):
        _ = journal.progress


def test_so_does_a_note_that_nobody_can_read(journal: Journal) -> None:
    with journal.path.open("a") as file:
        file.write('{"at": 10, "event": "note", "step": "checks", "note": {"pending": "many"}}\n')
    with pytest.raises(JournalUnreadable, match=r"a note that can't be read: checks\.pending: 'many' is no tuple"):
        plan_fallback(journal.progress)


def test_a_note_of_an_undo_that_nobody_can_read_is_named_by_it() -> None:
    with pytest.raises(JournalUnreadable, match=r"a note that can't be read: database\.kept: 5"):
        Progress(seen={"database": {"kept": 5}}).undid("database", Undone)


def test_what_is_written_is_read_again_and_what_goes_without_saying_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(says("begin", deploy="d1", was="old"))
    journal.append(says("step done", step="code", seconds=1.5))
    assert [*map(json.loads, journal.path.read_text().splitlines())] == records_of(journal)
    begin, done = records_of(journal)
    del begin["at"], done["at"]
    assert begin.pop("settings") == bare(host_settings())
    assert begin == {"event": "begin", "kind": "deploy", "deploy": "d1", "was": "old"}
    assert done == {"event": "step done", "step": "code", "seconds": 1.5}


def test_lines_that_are_added_while_it_is_known_are_known_as_if_it_was_read_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.is_ours()
    for text in OLDER.splitlines():
        told = json.loads(text)
        # What only an older agent knows is not written any more.
        if told["event"] in SHAPES:
            journal.append(says(**{key: value for key, value in told.items() if key != "at"}))
    assert journal.progress == Journal(tmp_path).progress != Progress()


def every(shape: Any) -> Iterator[Any]:
    yield shape
    for one in shape.__subclasses__():
        yield from every(one)


def test_the_oldest_python_of_a_host_can_read_the_fields_of_what_is_noted() -> None:
    shapes = [*every(Note), *every(Undone), *SHAPES.values()]
    assert len(shapes) > 30
    wrong = [f"{shape.__name__}.{one.name}" for shape in shapes for one in fields(shape) if " | " in str(one.type)]
    assert wrong == []
