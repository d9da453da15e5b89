"""Who deployed what, when, and how it ended: from each host's history to lines that fit on a screen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.text.times import duration
from agent.words.facts import Past
from agent.words.history import Cost, PastRun
from agent.words.journal import Commit
from agent.words.notes import Asked
from agent.words.outcomes import Outcome
from switchback.past.columns import INDENT, SCREEN, table
from switchback.past.history import history_lines, how_ended, rows, what

NOON = 1_795_521_600.0
VERSION = "django-20261124-120000-58312e7-5c68d48"
ID = "20261124-120000-deploy-ab12"


def run(**values: Any) -> PastRun:
    """A deploy that has committed, after nine seconds."""
    known = PastRun(ID, Outcome.COMMITTED, by="Ann, PR 123", login="ann@desk", began=NOON, ended=NOON + 9.2)
    return replace(known, **{"version": VERSION, "code": Commit("main", "58312e7" + "0" * 33), **values})


def past(*runs: PastRun) -> Past:
    return Past(runs, kept=31, now=NOON + 60)


FAILED = {"outcome": Outcome.FELL_BACK, "step": "health", "reason": "not healthy within 30 s"}


def test_a_run_is_a_row_with_what_it_was_about_and_one_that_failed_says_why_below() -> None:
    first = run(deploy="20261124-110000-deploy-0001", began=NOON - 3600, ended=NOON - 3500, **FAILED)
    first = replace(first, why="RuntimeError: boom")
    assert history_lines({"web1": past(first, run(cost=Cost(site=Asked(90, 80, 5.77))))}, 20) == [
        "the last 2 of 31 runs that are kept, the newest first",
        "when (UTC)        run     id    what            by                took        out    ended",
        "2026-11-24 12:00  deploy  ab12  main (58312e7)  Ann, PR 123 (an…  9.2 s       5.8 s  committed",
        "2026-11-24 11:00  deploy  0001  main (58312e7)  Ann, PR 123 (an…  1 min 40 s         fell back",
        "  at health: RuntimeError: boom",
        "what happened in one: deploys/why.py --data deploy=ID",
    ]


def test_hosts_that_agree_share_a_row_with_the_longest_that_it_took() -> None:
    slow = run(ended=NOON + 12, cost=Cost(site=Asked(9, 1, 0.5)))
    (row,) = rows({"web1": past(run()), "web2": past(slow)})
    assert (row.took, row.out, row.hosts) == (12.0, 0.5, ("web1", "web2"))
    assert "web" not in history_lines({"web1": past(run()), "web2": past(slow)}, 20)[2]


def test_hosts_that_differ_have_a_row_each_that_names_them() -> None:
    lines = history_lines({"web1": past(run()), "web2": past(run(**FAILED)), "web3": past(run())}, 20)
    assert lines[2].endswith("committed  web1, web3")
    assert lines[3].endswith("fell back  web2")


def test_of_a_run_that_needed_a_person_the_end_counts() -> None:
    (row,) = rows({"web1": past(run(outcome=Outcome.NEEDS_A_PERSON), run(outcome=Outcome.FELL_BACK))})
    assert row.run.outcome == Outcome.FELL_BACK


def test_no_more_rows_than_are_asked_for() -> None:
    many = [run(deploy=f"2026-deploy-{number:04}", began=NOON + number) for number in range(30)]
    lines = history_lines({"web1": past(*many)}, 3)
    assert [line.split("  ")[2] for line in lines[2:-1]] == ["0029", "0028", "0027"]


def test_a_host_without_runs_says_so() -> None:
    assert history_lines({"web1": past()}, 20) == ["no run has ended yet"]


def test_whatever_is_in_a_run_its_row_fits_on_a_screen() -> None:
    wide = run(by="b" * 100, kind="restart", reason="x\n" * 1000, step="maintenance_start", outcome=Outcome.REFUSED)
    lines = history_lines({"h" * 50: past(wide), "web2": past()}, 20)
    assert max(map(len, lines)) <= SCREEN - INDENT


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "main (58312e7)"),
        ({"config": Commit("v1", "5c68d48" + "0" * 33)}, "main (58312e7), config v1 (5c68d48)"),
        ({"code": Commit("58312e7", "58312e7" + "0" * 33)}, "58312e7"),
        ({"code": None}, "58312e7-5c68d48"),
        ({"code": None, "version": "by-hand"}, "by-hand"),
        ({"code": None, "version": None}, ""),
    ],
)
def test_what_a_run_was_about(values: dict[str, Any], words: str) -> None:
    assert what(run(**values)) == words


def test_columns_are_as_wide_as_their_widest_cell_and_empty_ones_are_left_out() -> None:
    assert table([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb", "aaa  b"]
    assert table([("a", "b" * 9), ("a" * 9, "b")], {0: 3, 1: 6}, widest=14) == ["a       bbbbb…", "aaaaa…  b"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.04, "0 s"),
        (0.07, "0.1 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (61, "1 min 1 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_how_long_something_took_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("login_of", "outcome", "says"),
    [
        ("me@here", Outcome.REFUSED, "stopped by you"),
        ("me@here", Outcome.FELL_BACK, "stopped by you, fell back"),
        ("ann@desk", Outcome.REFUSED, "stopped by Ann"),
        ("me@here", Outcome.NEEDS_A_PERSON, "needs a person"),
    ],
)
def test_that_a_person_has_stopped_a_run_is_told_and_no_refusal(
    login_of: str, outcome: Outcome, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchback.past.history.login", lambda: "me@here")
    assert how_ended(PastRun("x", outcome, by="Ann", login=login_of, stopped=True)) == says
    assert how_ended(PastRun("x", outcome, by="Ann", login=login_of)) == str(outcome)
