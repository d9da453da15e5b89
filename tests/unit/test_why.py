"""What a run's folder tells afterwards: read on the host, whatever lies there, and shown with the line that matters."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.record.page import MOST, keep
from agent.record.story import parts, probed, shut
from agent.record.why import PAGE, why
from agent.state import State
from agent.words.history import Cost, Evidence, Part, PastRun, Record, Span, Text
from agent.words.journal import read_line
from agent.words.notes import Asked, Out
from agent.words.outcomes import Outcome, Refused
from agent.words.requests import KeepPage, Why
from agent.words.shapes import from_elsewhere, to_json
from switchback.past.why import Unknown, choose, others, why_lines
from tests.unit.examples import LIVE, NEW, settings
from tests.unit.journals import progress

ID, EARLIER = "20261123-120000-deploy-ab12", "20261122-120000-deploy-0001"
NOON = 1_795_435_200.0
RAISED = "Traceback (most recent call last):\n  File x\nKeyError: 'SMTP_HOST'"


def line(after: float, event: str, **values: Any) -> dict[str, Any]:
    return {"at": NOON + after, "event": event, **values}


def begin(deploy: str = ID) -> dict[str, Any]:
    told = {**vars(settings().for_host()), "hooks": {}, "processes": {}, "schedule": {}}
    return line(0, "begin", kind="deploy", by="Ann", settings=told, deploy=deploy, version=NEW, was=LIVE)


# A deploy that fails in its window, and what becomes of it.
FALLEN = [
    line(1, "step started", step="code"),
    line(1.5, "step done", step="code", seconds=0.5),
    line(2, "step started", step="shared"),
    line(2, "step done", step="shared", note={"skipped": "nothing is shared"}),
    line(3, "step started", step="maintenance_start"),
    line(3.2, "step done", step="maintenance_start", note={"page": {"status": 503}}),
    line(4, "step started", step="migrate"),
    line(5, "step failed", step="migrate", reason=f"manage.py did not finish migrate\n{RAISED}"),
    line(5, "fallback", reason=f"migrate failed: manage.py did not finish migrate\n{RAISED}"),
    line(5.1, "undo started", action="links"),
    line(5.2, "undo failed", action="links", problem="no room"),
    line(5.3, "undo started", action="links"),
    line(5.4, "undo done", action="links"),
    line(6, "undo started", action="maintenance"),
    line(7, "undo done", action="maintenance"),
    line(8, "note", step="downtime", note={
        str(NOON + 8): {
            "site": {"asked": 9, "failed": 8, "outage": 3.5, "out": [{"since": 3.5, "until": 7.0, "failed": 8}]},
            "app": {"asked": 9, "failed": 0, "outage": 0.0},
            "since": NOON + 3,
        }
    }),
    line(9, "ended", outcome="fell back", sentence=f"fell back at migrate: {LIVE} is live; evidence: /x"),
]  # fmt: skip


class Folder:
    """The folders of a site's runs."""

    def __init__(self, base: Path) -> None:
        self.state = State("django", base)
        self.state.create()

    def run(self, deploy: str, *lines: dict[str, Any]) -> Path:
        folder = self.state.transaction(deploy)
        for name in ("output", "evidence"):
            (folder / name).mkdir(parents=True)
        (folder / "journal.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (begin(deploy), *lines)))
        return folder

    def ended(self, deploy: str, outcome: Outcome) -> None:
        with self.state.history.open("a") as file:
            file.write(json.dumps({"deploy": deploy, "outcome": outcome.value}) + "\n")

    def asked(self, deploy: str = "", most: int = 1000) -> Evidence:
        """What is answered, as it arrives at a controller."""
        return from_elsewhere(Evidence, to_json(why(self.state, Why(deploy, most))))

    def told(self, deploy: str = "", most: int = 1000) -> Record:
        record = self.asked(deploy, most).record
        assert record
        return record


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_run_is_told_with_each_step_and_each_undo_as_it_went(folder: Folder) -> None:
    folder.run(ID, *FALLEN)
    told = folder.told()
    assert [(one.name, one.phase, one.how, round(one.since - NOON, 1), one.seconds) for one in told.parts] == [
        ("code", "build", "done", 1.0, 0.5),
        ("shared", "build", "skipped", 2.0, 0.0),
        ("maintenance_start", "switch", "done", 3.0, 0.2),
        ("migrate", "switch", "failed", 4.0, 1.0),
        ("links", "back", "failed", 5.1, 0.1),
        ("links", "back", "done", 5.3, 0.1),
        ("maintenance", "back", "done", 6.0, 1.0),
    ]
    assert (told.run.outcome, told.run.step, told.run.why) == (Outcome.FELL_BACK, "migrate", "KeyError: 'SMTP_HOST'")
    assert told.shut == (Span(NOON + 3, NOON + 7),)
    assert (told.asked, told.site, told.app) == ((Span(NOON + 3, NOON + 8),), (Out(3.5, 7.0, 8),), ())
    assert told.ended
    assert not told.page


def test_any_beginning_of_a_journal_is_told(folder: Folder) -> None:
    for number in range(len(FALLEN)):
        deploy = f"{ID}-{number}"
        folder.run(deploy, *FALLEN[:number])
        assert folder.told(deploy).ended is False


def test_a_step_that_was_cut_off_did_not_end() -> None:
    lines = [read for one in FALLEN[:7] if (read := read_line(json.dumps(one)))]
    assert [(one.name, one.how) for one in parts(lines)][-1] == ("migrate", "open")
    assert shut(progress(*FALLEN[:5])) == (Span(NOON + 3, NOON + 3),)


def test_probes_of_an_older_agent_and_what_is_none_tell_of_no_times() -> None:
    older = {"site": {"asked": 9, "failed": 8, "outage": 3.5}, "app": {"asked": 9, "failed": 0, "outage": 0.0}}
    note = line(8, "note", step="downtime", note={str(NOON): older, "x": older, str(NOON + 1): {"site": "no"}})
    assert probed(progress(note)) == ((), (), ())


def test_without_an_id_it_is_the_open_run_else_the_last_that_did_not_commit_else_the_last(folder: Folder) -> None:
    for deploy in (EARLIER, ID, "20261124-120000-deploy-ffff"):
        folder.run(deploy)
    assert folder.told().run.deploy == "20261124-120000-deploy-ffff"
    folder.ended(EARLIER, Outcome.FELL_BACK)
    folder.ended("20261101-120000-deploy-gone", Outcome.FELL_BACK)
    folder.ended(ID, Outcome.COMMITTED)
    assert folder.told().run.deploy == EARLIER
    folder.state.lock.write_text(ID + "\n")
    assert folder.told().run.deploy == ID


def test_a_part_of_an_id_will_do_where_no_other_has_it(folder: Folder) -> None:
    folder.run(EARLIER)
    folder.run(ID)
    assert folder.told("ab12").run.deploy == ID
    assert folder.asked("deploy") == Evidence(None, (ID, EARLIER))
    assert folder.asked("nothing") == Evidence(None, (ID, EARLIER))


@pytest.mark.parametrize("deploy", ["../marks", "/etc", "..", "."])
def test_what_is_no_run_is_not_told_of(deploy: str, folder: Folder) -> None:
    folder.run(ID)
    assert folder.asked(deploy).record is None


def test_an_unreadable_journal_is_said_and_the_evidence_is_shown_all_the_same(folder: Folder) -> None:
    folder.run(ID).joinpath("journal.jsonl").write_text('{"event": "begin", "kind": 5}\n')
    (folder.state.transaction(ID) / "evidence/web.log").write_text("boom\n")
    told = folder.told()
    assert "its journal can't be read" in told.run.sentence
    assert told.texts == (Text("evidence/web.log", 5, "boom\n"),)


def test_logs_are_read_from_their_end_without_secrets_and_with_what_a_terminal_obeys_written_out(
    folder: Folder,
) -> None:
    at = folder.run(ID, *FALLEN)
    (at / "evidence/web.log").write_text("x" * 5000 + "\nPASSWORD=hunter22\n\x1b[2J\u202e https://u:pw1234@h/\n")
    (at / "output/big.log").write_bytes(b"y" * 1_000_000)
    told = {text.name: text for text in folder.told(most=100).texts}
    assert told["evidence/web.log"].bytes > 5000
    assert told["evidence/web.log"].end.endswith("x\nPASSWORD=***\n\\x1b[2J\\u202e https://***@h/\n")
    assert told["output/big.log"] == Text("output/big.log", 1_000_000, "y" * 100, cut=True)


def test_nobody_is_held_up_by_what_lies_among_the_evidence(folder: Folder) -> None:
    at = folder.run(ID, *FALLEN) / "evidence"
    os.mkfifo(at / "pipe.log")
    (at / "link.log").symlink_to("/etc/passwd")
    (at / "folder").mkdir()
    assert folder.told().texts == ()


def test_a_page_is_kept_beside_the_journal_of_a_run_that_has_ended_and_for_root_alone(folder: Folder) -> None:
    at = folder.run(ID, *FALLEN)
    assert keep(folder.state, KeepPage(ID, "<p>")) == str(at / PAGE)
    assert ((at / PAGE).read_text(), (at / PAGE).stat().st_mode & 0o777) == ("<p>", 0o600)
    assert folder.told().page


@pytest.mark.parametrize(
    ("deploy", "page", "says"),
    [
        ("../x", "", "is no run's id"),
        ("20260101-000000-deploy-none", "", "there is no run 20260101-000000-deploy-none any more"),
        (EARLIER, "", f"{EARLIER} has not ended"),
        (ID, "x" * (MOST + 1), "the page is longer than"),
        ("aside", "", "there is no run aside any more"),
    ],
)
def test_no_page_is_kept_of_anything_else(deploy: str, page: str, says: str, folder: Folder) -> None:
    folder.run(EARLIER)
    folder.run(ID, *FALLEN)
    (folder.state.transactions / "aside").symlink_to(folder.state.transaction(ID))
    with pytest.raises(Refused, match=says):
        keep(folder.state, KeepPage(deploy, page))
    assert not list(folder.state.transactions.rglob(PAGE))


# --- As lines


RUN = PastRun(
    ID,
    Outcome.FELL_BACK,
    by="Ann, PR 123",
    login="ann@desk",
    began=NOON,
    ended=NOON + 9,
    version=NEW,
    was=LIVE,
    step="migrate",
    why="KeyError: 'SMTP_HOST'",
    sentence=f"fell back at migrate: {LIVE} is live and proven healthy; evidence: /x",
    cost=Cost(site=Asked(9, 8, 3.5), maintenance=4.0),
)
RECORD = Record(RUN, True, NOON + 600, f"/var/lib/switchback/django/transactions/{ID}")


def test_the_verdict_comes_first_and_then_the_line_that_matters() -> None:
    said = why_lines(RECORD, show_all=False)
    assert said[:8] == [
        "deploy ccccccc-fffffff fell back at migrate",
        "  KeyError: 'SMTP_HOST'",
        "",
        f"  run       {ID}, 2026-11-23 12:00 UTC, 10 min ago, took 9.0 s",
        "  by        Ann, PR 123 (ann@desk)",
        f"  version   {NEW}; before: {LIVE}",
        "  visitors  saw the maintenance page for 4.0 s",
        f"  then      {LIVE} is live and proven healthy",
    ]
    assert said[-1].endswith(f"on the host, for root: {RECORD.folder}")


def test_of_each_log_its_end_is_shown_what_failed_and_what_was_raised_first() -> None:
    many = "".join(f"line {number}\n" for number in range(40))
    texts = (
        Text("evidence/a.log", 4, "a\nb\n"),
        Text("evidence/b.log", 70_000, f"{RAISED}\n", cut=True),
        Text("evidence/c.log", 70_000, f"{RAISED}\n", cut=True),
        Text("output/code.log", 3, "no\n"),
        Text("output/migrate.log", len(many), many),
    )
    said = why_lines(replace(RECORD, texts=texts), show_all=False)
    heads = [one.strip() for one in said if ".log" in one]
    assert heads == [
        f"output/migrate.log, its last 12 lines ({len(many)} bytes)",
        "evidence/b.log, its last 3 lines (70000 bytes)",
        "evidence/a.log (4 bytes)",
    ]
    assert "    line 39" in said
    assert "    line 27" not in said
    everything = why_lines(replace(RECORD, texts=texts), show_all=True)
    assert "    line 0" in everything
    assert len([one for one in everything if ".log" in one]) == 5


def test_what_was_undone_is_named_and_what_only_looks_is_not() -> None:
    done = tuple(Part(name, "back", NOON, 1.0, "done") for name in ("links", "health", "database"))
    said = why_lines(replace(RECORD, parts=(*done, Part("restart", "back", NOON, 1.0, "failed", "no"))), False)
    assert "  undone    links, database, restart (FAILED)" in said


def test_a_run_that_goes_on_says_where_it_is() -> None:
    goes_on = replace(RECORD, ended=False, run=replace(RUN, outcome=Outcome.UNKNOWN, why="", sentence=""))
    assert why_lines(goes_on, False)[0] == "deploy ccccccc-fffffff goes on, at step migrate"
    part = Part("migrate", "switch", NOON, 0.0, "open")
    assert any(line.endswith("goes on") for line in why_lines(replace(goes_on, parts=(part,)), False))
    assert any(line.endswith("did not end") for line in why_lines(replace(RECORD, parts=(part,)), False))


def test_a_backup_is_named_once() -> None:
    told = replace(
        RUN, outcome=Outcome.COMMITTED, sentence=f"committed: {NEW} is live; backup: /b.dump", backup="/b.dump"
    )
    said = why_lines(replace(RECORD, run=told), False)
    assert [line for line in said if "/b.dump" in line] == ["  backup    /b.dump"]
    assert f"  then      {NEW} is live" in said


def told_of(deploy: str, outcome: Outcome = Outcome.COMMITTED, began: float = NOON) -> Evidence:
    return Evidence(replace(RECORD, run=replace(RUN, deploy=deploy, outcome=outcome, began=began)), (deploy,))


def test_all_hosts_tell_of_the_last_run_that_failed_on_any() -> None:
    failed, later = told_of(EARLIER, Outcome.FELL_BACK, NOON - 60), told_of(ID)
    assert choose({"web1": later, "web2": failed}, "") == EARLIER
    assert choose({"web1": later, "web2": Evidence(None)}, "") == ID


@pytest.mark.parametrize(
    ("told", "wanted", "says"),
    [
        ({"web1": Evidence(None)}, "", "there is no run yet"),
        ({"web1": Evidence(None, (ID,))}, "x", f"--data deploy=x: there is none:\n{ID}"),
        ({"web1": Evidence(None, (ID, EARLIER))}, "deploy", f"there are several:\n{ID}\n{EARLIER}"),
        ({"web1": told_of(ID), "web2": told_of(EARLIER)}, "20", f"there are several:\n{ID}\n{EARLIER}"),
        ({"web1": Evidence(None, tuple(map(str, range(100, 120))))}, "x", "and 8 more"),
    ],
)
def test_an_unknown_id_says_which_there_are(told: dict[str, Evidence], wanted: str, says: str) -> None:
    with pytest.raises(Unknown) as problem:
        choose(told, wanted)
    assert says in str(problem.value)


def test_a_host_that_has_nothing_of_a_run_says_so() -> None:
    assert others("web2", Evidence(None, (EARLIER,)), ID) == (
        f"web2 took no part in {ID}, or has forgotten it; its last run is {EARLIER}"[:99] + "…"
    )
