"""What provision would do, is at, and has done is told once for hosts that are alike, and a failure with its output."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchback.ended import Ended
from switchback.progress.board import DONE, Board
from switchback.progress.rows import rows
from switchback.screen.announced import Announced, OnHost, before_lines, merged
from switchback.screen.next_steps import Provisioned, end_lines
from switchback.wire import results
from tests.unit.examples import host_facts
from tests.unit.fake_runs import FakeRuns
from tests.unit.healthy import untouched

APP = Announced("Will make the user app with the home /home/app", "user app")
LOG = Announced("Will make the directory /home/app/log", "/home/app/log")
UNIT = Announced("Will change the unit", "the unit", "change", ("      - was", "      + is"))
AGAIN = ("pyinfra", "inventories/prod.py", "deploys/provision.py")
DEPLOY = ("the first deploy:", "pyinfra inventories/prod.py deploys/deploy.py")


@pytest.fixture
def overheard() -> Iterator[list[tuple[str, str]]]:
    """What is heard of what hosts print, while it is printed nowhere."""
    heard: list[tuple[str, str]] = []
    results.overhear(lambda *told: heard.append(told))
    yield heard
    results._overhearing.clear()


# --- Before


def test_what_all_hosts_get_is_said_once_and_what_one_gets_with_its_name_and_its_diff() -> None:
    told = {"web1": OnHost([APP, LOG], 2), "web2": OnHost([LOG, UNIT], 2)}
    assert before_lines(told) == [
        "--> Provision web1, web2",
        "    [web1] Will make the user app with the home /home/app",
        "    Will make the directory /home/app/log",
        "    [web2] Will change the unit",
        "      - was",
        "      + is",
        "    [web1] + 2 to create  ~ 0 to change  - 0 to delete  = 2 unchanged",
        "    [web2] + 1 to create  ~ 1 to change  - 0 to delete  = 2 unchanged",
    ]


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 5), unique=True)))
def test_what_is_merged_is_there_once_with_all_hosts_that_have_it(told: dict[str, list[int]]) -> None:
    found = merged(told)
    assert len({item for item, _ in found}) == len(found)
    for host, items in told.items():
        assert sorted(item for item, hosts in found if host in hosts) == sorted(items)


def test_a_dry_run_shows_it_on_standard_output_and_where_nothing_is_missing_nobody_is_asked(start: FakeRuns) -> None:
    done = start("provision", "--dry", facts={"web1": untouched()}, apart=True)
    assert done.code == 0, done.output
    first, *others = done.stdout.splitlines()
    assert first == "--> Provision @fake/web1, @fake/web2, @fake/web3"
    assert "    [@fake/web1] Will make the user app with the home /home/app" in others
    assert "Detected changes" not in done.output


# --- Meanwhile


def test_the_row_of_an_operation_has_the_last_that_it_has_printed() -> None:
    board = Board({"web1": {}})
    assert board.prints("web1", "nobody waits", 0.0, 0.0) == []
    board.waits("web1", "Packages", 0.0)
    assert [one.line for one in board.prints("web1", "Setting up nginx", 3.0, 0.0)] == ["Setting up nginx"]
    assert board.prints("web1", "Setting up nginx", 3.0, 0.0) == []
    assert rows(board, 5.0, 80, 24) == ["[web1] Packages … 5 s  Setting up nginx"]
    ended = board.stops_waiting("web1", DONE, 6.04, 0.0)
    assert ended
    assert (ended.step, ended.event, ended.seconds) == ("Packages", "done", 6.0)
    assert board.stops_waiting("web1", DONE, 7.0, 0.0) is None
    assert rows(board, 9.0, 80, 24) == []


def test_what_is_overheard_is_printed_nowhere_but_what_is_asked_and_what_we_say_is(
    overheard: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    results._echo("\x1b[1m[web1]\x1b[0m Get:1 \x1b[31mred\x07", err=True)
    results._echo("[web1] >>> apt-get update", err=True)
    results.say("web1", "Packages: done in 2 s")
    assert overheard == [("web1", "Get:1 red\\x07")]
    assert capsys.readouterr().err.splitlines() == ["[web1] >>> apt-get update", "[web1] Packages: done in 2 s"]


# --- At the end


def test_what_was_made_is_counted_and_named_and_what_is_left_comes_last() -> None:
    one = Provisioned([DEPLOY], ["user app", "/home/app/log"], ["the unit"])
    assert end_lines({"web1": one, "web2": one}) == [
        "--> web1, web2 are provisioned",
        "    made      2: user app, /home/app/log",
        "    changed   1: the unit",
        "    What is left to do:",
        "    1. the first deploy:",
        "         pyinfra inventories/prod.py deploys/deploy.py",
    ]


def test_a_failure_comes_first_with_its_operation_its_host_and_the_last_that_it_printed() -> None:
    told = {
        "web1": Provisioned([DEPLOY], ["user app"]),
        "web2": Provisioned(failed="Packages", output=("E: Unable to fetch some archives",)),
    }
    lines = end_lines(told, AGAIN)
    assert lines[:4] == [
        "--> NOT provisioned: web2; web1 is provisioned",
        "    failed    [web2] Packages",
        "      E: Unable to fetch some archives",
        "    made      [web1] 1: user app",
    ]
    assert "              pyinfra inventories/prod.py deploys/provision.py" in lines
    alone = end_lines({"web2": Provisioned(failed="Packages")}, AGAIN)
    assert "      it has printed nothing: was the link to the host lost?" in alone
    assert not any("left to do" in line for line in alone)


def test_six_hosts_have_room_on_one_screen_each_with_a_key_of_its_own() -> None:
    made = [f"/home/app/scripts/script-{number}.sh" for number in range(18)]

    def host(name: str) -> Provisioned:
        key = f"ssh-ed25519 {'A' * 68} app@{name}"
        steps = [("let the host read git@github.com:me/site.git: add this key:", key), ("look at it",), DEPLOY]
        return Provisioned(steps, [*made, f"key of {name}"], told=[f"{name} says something"])

    told = {name: host(name) for name in ("web1", "web2", "web3", "web4", "web5", "web6")}
    lines = end_lines(told)
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert sum("ssh-ed25519" in line for line in lines) == 6
    assert lines[-1].endswith("deploys/deploy.py")


def test_an_operation_that_fails_is_told_with_its_output_and_is_in_the_document(start: FakeRuns) -> None:
    answers = {"web1": {r"useradd": {"success": False, "stdout": ["trying"], "stderr": ["useradd: no room"]}}}
    facts = {"web1": untouched(python="/usr/bin/python3"), "web2": host_facts()}
    done = start("provision", "-y", "--json", facts=facts, answers=answers)
    assert done.code == 1
    first = next(one for one in done.document.hosts if one.host.endswith("web1"))
    assert (first.outcome, first.failed) == (Ended.FAILED, "User: the one who runs the app")
    assert first.reason == ("trying", "useradd: no room")
    assert "    failed    [@fake/web1] User: the one who runs the app" in done.last_screen
    assert "      useradd: no room" in done.last_screen
