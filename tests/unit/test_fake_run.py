"""Whole runs on hosts that are not there: what each host is asked for, in which order, and how it ends."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.words.outcomes import Outcome
from agent.words.result import MARK, Result, StepTold
from agent.words.shapes import to_json
from switchback.wire.payload import agent_fingerprint
from tests.unit.django_found import pending
from tests.unit.examples import HIDDEN, LIVE, NEW, OLD, foreseen, host_facts, refs, version
from tests.unit.fake_runs import NOWHERE, SETTINGS, FakeRuns, says
from tests.unit.healthy import open_run

DEPLOY = (
    "begin",
    "code",
    "config",
    "shared",
    "venv",
    "static",
    "checks",
    "seal",
    "trial",
    "backup_before",
    "maintenance_start",
    "pause",
    "backup",
    "migrate",
    "swap",
    "restart",
    "health",
    "maintenance_stop",
    "schedule",
    "site",
    "watch",
    "all-well",
    "commit",
    "clean",
)
ALONE = tuple(name for name in DEPLOY if name not in ("all-well", "clean"))


# Of this checkout, or whichever the site has.
AGENT = rf"(?:/usr/local/lib/switchback/{agent_fingerprint()}|/var/lib/switchback/django/agent)/switchback-agent"


def test_a_deploy_does_its_steps_in_order_on_all_hosts_and_shows_no_password(start: FakeRuns) -> None:
    done = start("deploy", "-y")
    assert done.code == 0, done.output
    for host in ("web1", "web2", "web3"):
        assert tuple(done.asked(host)) == DEPLOY
    assert done.last_screen[0] == "--> Deployed: main (ccccccc) is live and healthy on 3 hosts"
    assert HIDDEN not in done.output
    assert MARK not in done.output


def test_a_hook_is_a_step_of_each_host_in_its_place(start: FakeRuns) -> None:
    done = start("deploy", "-y", "--data", "hooks={after_static: npm run build, after_switch: ./warm.sh}")
    assert done.code == 0, done.output
    at_static, at_swap = DEPLOY.index("static") + 1, DEPLOY.index("swap") + 1
    steps = (*DEPLOY[:at_static], "after_static", *DEPLOY[at_static:at_swap], "after_switch", *DEPLOY[at_swap:])
    for host in ("web1", "web2", "web3"):
        assert tuple(done.asked(host)) == steps


def test_a_host_that_only_prints_the_words_of_an_outcome_has_not_ended_so(start: FakeRuns) -> None:
    printed = {"stdout": [f"committed: {NEW} is live and healthy"]}
    done = start("deploy", "-y", answers={"web2": {r" commit\b": printed}})
    assert "[@fake/web2] no word from the host" in "\n".join(done.last_screen)


def test_a_dry_run_asks_a_host_for_nothing_but_what_it_is_like(start: FakeRuns) -> None:
    done = start("deploy", "--dry")
    assert done.code == 0, done.output
    assert [done.asked(host) for host in ("web1", "web2", "web3")] == [[], [], []]
    assert "--> Deploy to 3 hosts (@fake/web1 and 2 more), bbbbbbb → ccccccc (main)" in done.output
    assert HIDDEN not in done.output


def test_a_dry_run_ends_with_its_screen_which_is_all_that_a_pipe_gets(start: FakeRuns) -> None:
    screen = start("deploy", "--dry", apart=True).stdout.splitlines()
    whole = start("deploy", "--dry", "--data", "show=all", apart=True).stdout.splitlines()
    assert screen[0].startswith("--> Deploy to 3 hosts")
    assert screen[-1].endswith("--data show=all")
    assert not any(line.startswith("    steps ") for line in screen)
    assert any(line.startswith("    steps     [@fake/web1] code, config") for line in whole)


def test_it_calls_runs_as_they_are_typed_where_the_settings_are_a_project_s_own(
    start: FakeRuns, tmp_path: Path
) -> None:
    own = tmp_path / "deploy" / "staging.yml"
    own.parent.mkdir()
    own.write_text(yaml.safe_dump(SETTINGS))
    left = open_run("x needs a person: run deploys/recover.py", Outcome.NEEDS_A_PERSON)
    seen = host_facts(agent=agent_fingerprint(), transaction=left)
    done = start("deploy", "--dry", "--group-data", str(own), facts={"web1": seen}, apart=True)
    assert "switchback recover -e staging" in done.stdout
    assert "deploys/" not in done.stdout


def test_a_dry_run_asks_each_host_twice_however_much_there_is_to_show(start: FakeRuns) -> None:
    commits = [{"sha": f"{one:07x}", "author": "Sam", "subject": "x"} for one in range(20)]
    much = {
        "code": {"back": 0, "forward": 500, "commits": commits, "files": 1, "insertions": 1, "deletions": 1},
        "migrations": {"pending": [pending(f"{one:04}_x", {"kind": "RunSQL"}) for one in range(100)]},
    }
    for found in ({}, much):
        done = start("deploy", "--dry", found=found)
        assert done.code == 0, done.output
        assert len(re.findall(r"^\[@fake/web1\] >>> ", done.output, re.MULTILINE)) == 2


@pytest.mark.parametrize(
    ("facts", "arguments", "code"),
    [
        ({}, ("--data", "detailed_exitcode=true"), 2),
        ({}, ("--data", "detailed_exitcode=true", "--json"), 2),
        ({}, ("--json",), 0),
        ({"versions": "live"}, ("--data", "detailed_exitcode=true"), 0),
        ({"hotfixes": {"code": ("changed: a.py",)}}, ("--data", "detailed_exitcode=true"), 1),
        ({"hotfixes": {"code": ("changed: a.py",)}}, (), 1),
        ({"hotfixes": {"code": ("changed: a.py",)}}, ("--json",), 1),
        ({"transaction": open_run("deploy x holds this host")}, (), 0),
        ({"transaction": open_run("deploy x needs a person", Outcome.NEEDS_A_PERSON)}, (), 1),
    ],
)
def test_the_exit_code_of_a_look_says_whether_it_would_be_refused_and_in_detail_whether_there_is_anything_to_do(
    facts: dict[str, Any], arguments: tuple[str, ...], code: int, start: FakeRuns
) -> None:
    seen = host_facts(version(NEW), current=NEW, agent=agent_fingerprint())
    if "versions" not in facts:
        seen = host_facts(agent=agent_fingerprint(), **facts)
    done = start("deploy", "--dry", *arguments, facts=dict.fromkeys(("web1", "web2", "web3"), seen))
    assert done.code == code, done.output
    assert "Traceback" not in done.output


def test_a_host_that_can_not_look_ahead_is_shown_as_far_as_it_was_seen(start: FakeRuns) -> None:
    done = start("deploy", "--dry", answers={"web2": {r" preview'?\b": {"success": False, "stdout": ["Killed"]}}})
    assert done.code == 0, done.output
    assert "note: [@fake/web2] what would happen there in detail can't be found out" in done.output


def test_a_host_whose_foresight_can_not_be_read_is_shown_so_with_what_is_wrong_in_it(start: FakeRuns) -> None:
    odd = to_json(foreseen()).replace('"unchanged"', '"by ear"')
    answers = {"web2": {r" preview'?\b": {"stdout": [odd]}}}
    done = start("deploy", "--dry", answers=answers)
    assert done.code == 0, done.output
    says = "what would happen there in detail can't be told: Foreseen.packages.source: 'by ear' is none of"
    assert f"note: [@fake/web2] {says}" in " ".join(done.output.split())
    kept = start("deploy", "--dry", "--data", "save_plan=plan.json", answers=answers)
    assert kept.code == 1
    assert f"web2: {says}" in kept.output


def test_a_step_that_fails_on_one_host_takes_all_hosts_back_and_the_run_does_not_end_well(start: FakeRuns) -> None:
    fell_back = Result(False, Outcome.FELL_BACK, f"fell back at restart: {LIVE} is live and healthy")
    failed = says(replace(fell_back, reason=("restart failed: it broke",)), "falling back: restart failed: it broke")
    other = says(replace(fell_back, followed=True))
    done = start(
        "deploy",
        "-y",
        answers={
            "web1": {r" fall-back\b": other},
            "web2": {r" restart'?$": failed},
            "web3": {r" fall-back\b": other},
        },
    )
    assert done.code == 1
    upto = list(DEPLOY[: DEPLOY.index("restart") + 1])
    assert done.asked("web1") == [*upto, "fall-back"]
    assert done.asked("web2") == upto
    # It waits for the primary host to take the database back.
    assert done.asked("web3") == [*upto, "fall-back"]
    assert done.last_screen[0].startswith("--> Fell back")
    assert "    [@fake/web2] restart failed: it broke" in done.last_screen


def test_a_host_that_can_not_begin_keeps_the_others_from_going_on(start: FakeRuns) -> None:
    refused = says(Result(False, Outcome.REFUSED, "refused: deploy x by ann@desk holds this host, at step code"))
    back = says(Result(False, Outcome.REFUSED, "refused at begin: the live site was never touched"))
    done = start(
        "deploy",
        "-y",
        answers={
            "web1": {r" begin'?$": refused},
            "web2": {r" fall-back\b": back},
            "web3": {r" fall-back\b": back},
        },
    )
    assert done.code == 1
    assert [done.asked(host) for host in ("web1", "web2", "web3")] == [
        ["begin"],
        ["begin", "fall-back"],
        ["begin", "fall-back"],
    ]


def test_what_is_live_and_healthy_everywhere_is_left_alone_and_that_is_success(start: FakeRuns) -> None:
    seen = host_facts(version(NEW), version(OLD), current=NEW, agent=agent_fingerprint())
    done = start("deploy", "-y", facts=dict.fromkeys(("web1", "web2", "web3"), seen))
    assert done.code == 0, done.output
    assert [done.asked(host) for host in ("web1", "web2", "web3")] == [[], [], []]
    assert f"{NEW} is live and healthy already: nothing to do" in done.output


def test_every_reason_to_refuse_of_every_host_is_named_at_once_and_nothing_is_begun(start: FakeRuns) -> None:
    done = start(
        "deploy",
        "-y",
        facts={
            "web1": host_facts(agent=None),
            "web2": host_facts(transaction=open_run("deploy x by ann@desk holds this host")),
            "web3": None,
        },
    )
    assert done.code == 1
    assert [done.asked(host) for host in ("web1", "web2", "web3")] == [[], [], []]
    assert done.last_screen == [
        "--> Refused, nothing was changed:",
        "    - @fake/web1: the agent is not installed: run deploys/provision.py",
        "    - @fake/web2: deploy x by ann@desk holds this host",
        "    - @fake/web3: the host can't be looked at: admin needs sudo without a password (or run with "
        "--use-sudo-password), and the host needs python3",
    ]


def test_a_ref_that_stands_for_nothing_is_refused_before_anything_is_begun(start: FakeRuns) -> None:
    unknown = refs(code=None, problem="v9 is no branch, no tag and no commit of the repository")
    seen = host_facts(refs=unknown, agent=agent_fingerprint())
    done = start("deploy", "-y", "--data", "code=v9", facts={"web2": seen})
    assert done.code == 1
    assert done.asked("web1") == []
    assert "    - @fake/web2: code: v9 is no branch" in done.output


def test_a_revert_builds_nothing_and_goes_back_on_all_hosts(start: FakeRuns) -> None:
    done = start("revert", "-y")
    assert done.code == 0, done.output
    left_out = {*DEPLOY[1 : DEPLOY.index("maintenance_start")], "clean"} - {"checks"}
    expected = [step for step in DEPLOY if step not in left_out]
    assert done.asked("web2") == expected
    assert "--> Revert on 3 hosts (@fake/web1 and 2 more), bbbbbbb → aaaaaaa" in done.output


def test_a_deploy_is_limited_to_the_hosts_that_are_named(start: FakeRuns) -> None:
    done = start("deploy", "-y", "--limit", "@fake/web2")
    assert done.code == 0, done.output
    assert done.asked("web1") == []
    # Alone, it commits at one word, and cleans up at that as well.
    assert tuple(done.asked("web2")) == ALONE


def test_what_a_host_alone_has_done_by_then_is_shown_and_nobody_is_asked_for_it(start: FakeRuns) -> None:
    told = tuple(StepTold(name, 1.5, (f"{name}: done in 1.5 s",)) for name in DEPLOY[1 : DEPLOY.index("trial")])
    answers = {"web2": {r" begin'?$": says(Result(True)), r" go code'?$": says(Result(True, steps=told))}}
    done = start("deploy", "-y", "--limit", "@fake/web2", answers=answers)
    assert done.code == 0, done.output
    asked = done.asked("web2")
    assert asked == ["begin", "code", *ALONE[ALONE.index("trial") :]]
    for name in ("config", "venv", "seal"):
        operation = done.output.index(f"[@fake/web2] {name}: done in 1.5 s")
        assert operation > done.output.index("Starting operation: Build: check out the code")
    assert done.output.count("[@fake/web2] seal: done in 1.5 s") == 1


def test_no_host_is_told_to_commit_where_one_has_not_said_that_it_knows_that_all_are_well(start: FakeRuns) -> None:
    back = {r" fall-back\b": says(Result(False, Outcome.FELL_BACK, "fell back at site", followed=True))}
    lost = {r" all-well'?$": {"success": False, "stdout": []}}
    done = start("deploy", "-y", answers={"web1": back, "web2": lost, "web3": back})
    assert done.code == 1
    assert done.asked("web1")[-2:] == ["all-well", "fall-back"]
    assert done.asked("web3")[-1] == "fall-back"
    assert "commit" not in [*done.asked("web1"), *done.asked("web2"), *done.asked("web3")]


# --- The last words


OPEN = open_run("deploy x needs a person", Outcome.NEEDS_A_PERSON)


@pytest.mark.parametrize("deploy", ["clean", "recover", "provision"])
def test_where_nobody_can_answer_a_run_that_would_ask_is_refused_with_what_to_add(deploy: str, start: FakeRuns) -> None:
    done = start(deploy)
    assert done.code == 1
    assert done.last_screen[1:] == ["    - nobody is there to press Enter: add -y to do it, or --dry to look"]
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("deploy", "typed", "said"),
    [
        ("recover", "", "nobody has pressed Enter: add -y to do it, or --dry to look"),
        ("deploy", "n\n", "'n' was typed, and not Enter alone"),
    ],
)
def test_whoever_does_not_press_enter_has_refused_and_that_is_no_success(
    deploy: str, typed: str, said: str, start: FakeRuns
) -> None:
    facts = {"web1": host_facts(agent=agent_fingerprint(), transaction=OPEN)} if deploy == "recover" else {}
    done = start(deploy, typed=typed, facts=facts)
    assert done.code == 1
    assert done.last_screen == ["--> Refused, nothing was changed:", f"    - {said}"]
    assert done.asked("web1") == []


@pytest.mark.parametrize("deploy", ["deploy", "check", "provision"])
def test_a_host_that_can_not_be_reached_is_said_to_be_just_that(deploy: str, start: FakeRuns) -> None:
    done = start(deploy, "-y", facts=NOWHERE)
    assert done.code == 1
    (problem,) = done.last_screen[1:]
    assert problem.startswith("    - 127.0.0.1 can't be reached: is it up, and does ssh by hand get through?")
    assert "No hosts remaining" not in done.output


def test_a_run_that_fails_on_every_host_ends_with_how_and_not_with_that_no_host_remains(start: FakeRuns) -> None:
    refused = says(Result(False, Outcome.REFUSED, "refused at code: the live site was never touched"))
    answers = {name: {r" begin'?$": refused} for name in ("web1", "web2", "web3")}
    done = start("deploy", "-y", answers=answers)
    assert done.code == 1
    assert done.last_screen[0].startswith("--> Refused: the live site was never touched")
    assert "No hosts remaining" not in done.output


def test_with_nothing_to_do_that_is_the_last_word(start: FakeRuns) -> None:
    seen = host_facts(version(NEW), version(OLD), current=NEW, agent=agent_fingerprint())
    done = start("deploy", "-y", facts=dict.fromkeys(("web1", "web2", "web3"), seen))
    assert " ".join(done.output.split()).endswith("nothing to do (--data force=true deploys it again)")
    assert "Results" not in done.output


def test_with_nothing_to_recover_that_is_the_last_word(start: FakeRuns) -> None:
    done = start("recover", "-y")
    assert done.code == 0, done.output
    assert done.output.rstrip().endswith("[@fake/web3] no deploy is open on this host: there is nothing to recover")


def test_an_open_run_of_an_agent_that_is_asked_otherwise_is_left_and_it_is_said_who_ends_it(start: FakeRuns) -> None:
    done = start("recover", "-y", facts={"web1": replace(host_facts(agent="older", transaction=OPEN), hears=False)})
    assert done.code == 1
    assert done.last_screen == [
        "--> Refused, nothing was changed:",
        "    - @fake/web1: an earlier version of Switchback has x open here, and its agent has to end it: run "
        "deploys/recover.py from the checkout that has begun it, or on the host: "
        'echo \'{"schema": 1, "verb": "recover"}\' | sudo /usr/local/lib/switchback/switchback-agent',
    ]
    assert done.asked("web1") == []


def test_recovering_tells_its_story_once_and_ends_with_its_end(start: FakeRuns) -> None:
    told = ["10:00:00 deploy x of NEW by ann@desk", "live now: NEW", "needs a person at migrate: NEW is live"]
    seen = host_facts(agent=agent_fingerprint(), transaction=OPEN)
    answers = {"web1": {" recover'?$": {"success": False, "stdout": told}}}
    done = start("recover", "-y", facts={"web1": seen}, answers=answers)
    assert done.code == 1
    assert done.output.count("live now: NEW") == 1
    assert done.output.rstrip().endswith(told[-1])
