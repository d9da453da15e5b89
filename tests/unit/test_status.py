"""What status shows of a host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.words.facts import Health, HostFacts
from agent.words.history import PastRun
from agent.words.outcomes import Outcome
from agent.words.seen import Failure, Kept
from switchback.screen.status import SENTENCE, age, state, status_lines, table
from tests.unit.healthy import NEWER, OLDER, bare, host, open_run, settings, site, untouched, version


def run(number: int, **values: Any) -> PastRun:
    ended, sentence = 1_795_475_000 + number * 60, f"committed: number {number}"
    return replace(PastRun(str(number), Outcome.COMMITTED, by="ann@laptop", ended=ended, sentence=sentence), **values)


def told(facts: HostFacts) -> list[str]:
    return status_lines(facts, settings())


def test_a_host_as_it_should_be() -> None:
    assert told(host())[:-2] == [
        f"{NEWER} is live and healthy",
        "",
        "version                                 links                       state    code              config        "
        "  age        size",
        f"{NEWER}  current, working            working  good-1 (cd7050e)  main (e1ec11b)  6 minutes  79 MB",
        f"{OLDER}  previous, previous-working  working  good-1 (cd7050e)  main (e1ec11b)  6 minutes  79 MB",
    ]


@pytest.mark.parametrize("facts", [bare(), untouched()])
def test_a_host_without_versions(facts: HostFacts) -> None:
    assert told(facts)[0] == "no version is live"


def test_an_app_that_is_down_says_why() -> None:
    assert told(host(site(health=Health("nothing answers"))))[0] == f"{NEWER} is live and NOT healthy: nothing answers"


def test_an_open_deploy_says_whose_it_is_and_how_it_ends_without_them() -> None:
    assert told(untouched(transaction=open_run("deploy 7 by ann holds this host")))[1:] == [
        "open: deploy 7 by ann holds this host",
        "      without news from its controller, the host falls back by itself",
    ]


def test_a_host_that_needs_a_person_waits_for_nothing_else() -> None:
    opened = open_run("deploy 7 needs a person", Outcome.NEEDS_A_PERSON)
    assert told(untouched(transaction=opened))[1:] == ["open: deploy 7 needs a person"]


def test_the_last_runs_are_there_the_newest_first() -> None:
    lines = told(bare(history=tuple(run(number) for number in range(9))))
    shown = lines[lines.index("last runs, the newest first") + 1 : -2]
    assert [line.rsplit(" ", 1)[1] for line in shown] == ["8", "7", "6", "5", "4"]
    assert shown[0].startswith("2026-11-23 23:11 UTC  deploy  ann@laptop  committed: ")


def test_a_long_sentence_is_cut_and_only_its_first_line_shown() -> None:
    long = run(1, sentence="x" * 1000 + "\nmore")
    assert told(bare(history=(long,)))[-3].endswith("x" * (SENTENCE - 1) + "…")


def test_a_failed_version_says_where_its_evidence_is() -> None:
    failed = version(OLDER, failed=Failure("health"), working=False, evidence="/var/lib/switchback/transactions/7")
    lines = told(host(site(versions=(failed,))))
    assert lines[-3] == f"why {OLDER} failed: /var/lib/switchback/transactions/7, on the host, for root"


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "working"),
        ({"working": False}, "built"),
        ({"working": False, "sealed": False}, "unfinished"),
        ({"working": False, "failed": Failure("venv")}, "failed at venv"),
        ({"ours": False, "sealed": False}, "working, by hand"),
        ({"ours": False, "sealed": False, "working": False}, "unknown, by hand"),
        ({"pinned": True}, "working, pinned"),
    ],
)
def test_the_state_of_a_version(values: dict[str, Any], word: str) -> None:
    assert state(version(NEWER, **values)) == word


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-5, "just now"),
        (59, "just now"),
        (60, "1 minute"),
        (7199, "1 hour"),
        (7200, "2 hours"),
        (90000, "1 day"),
        (10**7, "115 days"),
    ],
)
def test_an_age_in_words(seconds: int, words: str) -> None:
    assert age(seconds) == words


def test_a_version_deployed_by_its_sha_shows_it_once() -> None:
    sha = "cd7050e4e2ac7f7aca69889f2a849cf784cca162"
    shown = version(NEWER, refs={"code": sha, "config": None}, bytes=None)
    row = told(host(site(versions=(shown,))))[-3]
    assert row == f"{NEWER}  -      working  cd7050e  e1ec11b  6 minutes  -"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table([("a", "bb"), ("aaa", "b")]) == ["a    bb", "aaa  b"]


def test_how_much_there_is_of_what_only_grows_is_told_with_its_bound() -> None:
    kept = Kept(history=85, runs=50, backups=12, backup_bytes=34_000_000, keep_backups=30)
    failed = version(OLDER, failed=Failure("health"), working=False)
    assert told(host(site(versions=(failed,), kept=kept)))[-1] == (
        "kept: 1 failed version (keep_failed 3); 12 backups of deploys, 34 MB (keep_backups 30); "
        "50 journals of runs (keep_runs 50); 85 lines of history (keep_history 1000)"
    )
    own = replace(kept, keep_backups=None)
    assert "34 MB (all: set keep_backups to bound them);" in told(host(site(kept=own)))[-1]
