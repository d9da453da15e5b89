"""What status shows of a host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.words.facts import Health, HostFacts
from agent.words.history import Cost, PastRun
from agent.words.journal import Commit
from agent.words.notes import Asked
from agent.words.outcomes import Outcome
from agent.words.seen import Failure, Kept
from switchback.past.columns import INDENT, SCREEN
from switchback.past.times import age
from switchback.screen.status import state, status_lines
from tests.unit.healthy import NEWER, OLDER, bare, host, open_run, settings, site, untouched, version


def run(number: int, **values: Any) -> PastRun:
    ended, sentence = 1_795_475_000 + number * 60, f"committed: number {number}"
    return replace(PastRun(str(number), Outcome.COMMITTED, by="ann@laptop", ended=ended, sentence=sentence), **values)


def told(facts: HostFacts) -> list[str]:
    return status_lines(facts, settings())


def test_a_host_as_it_should_be() -> None:
    assert told(host())[:-5] == [
        f"{NEWER} is live and healthy",
        "",
        "version                                 links and state             code, config  age    size",
        f"{NEWER}  current, working            good-1, main  6 min  79 MB",
        f"{OLDER}  previous, previous-working  good-1, main  6 min  79 MB",
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


def runs_told(*runs: PastRun) -> list[str]:
    """What is said of the last runs, by now, without its headings."""
    lines = told(replace(bare(history=runs), now=1_795_475_000 + 7300))
    at = next(number for number, line in enumerate(lines) if line.startswith("last runs"))
    return lines[at + 2 : -5]


def test_the_last_runs_are_there_the_newest_first_with_their_time_and_how_long_ago() -> None:
    shown = runs_told(*(run(number, kind=f"kind{number}") for number in range(9)))
    assert [line.split("  ")[1] for line in shown] == ["kind8", "kind7", "kind6", "kind5", "kind4"]
    assert shown[0] == "2026-11-23 23:11, 1 h ago  kind8  ann@laptop  committed"


def test_a_run_says_what_it_was_about_who_ran_it_and_how_long_visitors_were_out() -> None:
    about = run(1, code=Commit("v2", "a" * 40), login="root@vm", cost=Cost(site=Asked(9, 8, 5.77)))
    assert runs_told(about)[0].endswith("  deploy  v2 (aaaaaaa)  ann@laptop (root@vm)  committed, out 5.8 s")


def test_whatever_was_said_every_line_of_it_fits_on_a_screen() -> None:
    long = run(1, by="b" * 100, outcome=Outcome.FELL_BACK, step="health", reason="x" * 1000 + "\nmore")
    wide = version(NEWER, links=("previous", "previous_working"), refs={"code": "c" * 200})
    lines = told(host(site(versions=(wide,), history=(long, replace(long, code=Commit("r" * 200, "a" * 40))))))
    assert max(map(len, lines)) == SCREEN - INDENT
    assert "fell back at" in "".join(lines)


def test_a_failed_version_says_which_command_shows_why() -> None:
    failed = version(OLDER, failed=Failure("health", "20261123-120000-deploy-ab12"), working=False)
    lines = told(host(site(versions=(failed,))))
    assert lines[-6] == f"why {OLDER} failed: deploys/why.py --data deploy=20261123-120000-deploy-ab12"


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
        (60, "1 min"),
        (7199, "1 h"),
        (7200, "2 h"),
        (90000, "1 day"),
        (10**7, "115 days"),
    ],
)
def test_an_age_in_words(seconds: int, words: str) -> None:
    assert age(seconds) == words


def test_a_version_deployed_by_its_sha_shows_it_once() -> None:
    sha = "cd7050e4e2ac7f7aca69889f2a849cf784cca162"
    shown = version(NEWER, refs={"code": sha, "config": None}, bytes=None)
    row = told(host(site(versions=(shown,))))[-6]
    assert row == f"{NEWER}  working          cd7050e, e1ec11b  6 min  -"


def test_how_much_there_is_of_what_only_grows_is_told_with_its_bound() -> None:
    kept = Kept(history=85, runs=50, backups=12, backup_bytes=34_000_000, keep_backups=30)
    failed = version(OLDER, failed=Failure("health"), working=False)
    assert told(host(site(versions=(failed,), kept=kept)))[-4:] == [
        "kept: 1 failed version (keep_failed 3)",
        "kept: 12 backups of deploys, 34 MB (keep_backups 30)",
        "kept: 50 journals of runs (keep_runs 50)",
        "kept: 85 lines of history (keep_history 1000)",
    ]
    own = replace(kept, keep_backups=None)
    assert "kept: 12 backups of deploys, 34 MB (all: set keep_backups to bound them)" in told(host(site(kept=own)))
