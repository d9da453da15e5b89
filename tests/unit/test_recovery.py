"""What recover and a pin would do is said before they do it, in a few lines and once for hosts that are alike."""

from __future__ import annotations

from dataclasses import replace

from agent.words.history import PastRun
from agent.words.outcomes import Outcome
from switchback.live.pinning import pinning_lines
from switchback.live.recovery import GOES_ON, TRIES, Left, left_open, recovery_lines
from switchback.typed import BY_KEY
from switchback.wire.payload import agent_fingerprint
from tests.unit.examples import LIVE, OLD, host_facts
from tests.unit.examples import version as built
from tests.unit.fake_runs import FakeRuns
from tests.unit.healthy import host, open_run, site

SAYS = "deploy x by ann@desk holds this host since 2026-11-29 16:42:19 UTC"
STUCK = open_run(f"{SAYS}, and needs a person: run deploys/recover.py", Outcome.NEEDS_A_PERSON)
ENDED = PastRun(
    "x",
    Outcome.NEEDS_A_PERSON,
    step="maintenance_stop",
    why="the disk is gone",
    sentence="needs a person at maintenance_stop: OLD is live, maintenance is still ON; the database's backup: /a; "
    "evidence: /b; next: deploys/recover.py",
)
# Somebody has tried, and it was of no use.
AGAIN = replace(
    ENDED,
    why="the disk is gone; then a person asked to recover",
    sentence="needs a person at maintenance_stop: OLD is live",
)
LEFT = Left(STUCK, [ENDED])
SCREEN = [
    f"    open      {SAYS}",
    "    failed    maintenance_stop: the disk is gone",
    "    now       OLD is live, maintenance is still ON",
    f"    tries     {TRIES}",
]


def lines(left: dict[str, Left], keeps: bool = False, forces: bool = False) -> list[str]:
    found = recovery_lines(left, keeps, forces)
    assert max(map(len, found)) <= 100
    return found


def test_what_is_open_what_failed_how_the_site_is_and_what_is_tried_is_said_in_a_line_each() -> None:
    assert lines({"web1": LEFT}) == ["--> Recover web1: deploy x is open", *SCREEN]


def test_hosts_that_are_alike_are_told_once_and_another_one_by_its_name() -> None:
    assert lines({"web1": LEFT, "web2": LEFT})[1:] == SCREEN
    other = Left(open_run("deploy x by ann@desk holds this host since then, at step code"))
    told = lines({"web1": LEFT, "web2": LEFT, "web3": other})
    assert "    failed    [web1, web2] maintenance_stop: the disk is gone" in told
    assert f"              [web3] {GOES_ON}" in told


def test_what_was_asked_for_besides_is_said_and_nothing_of_it_where_it_was_not() -> None:
    told = " ".join(lines({"web1": LEFT}, keeps=True, forces=True))
    assert "database  is left to you, as it is now: database=keep" in told
    assert "a host is free in the end, whatever could not be undone on it: force=true" in told


def test_after_a_try_that_did_not_help_what_failed_at_first_is_still_what_failed() -> None:
    told = Left(STUCK, [ENDED, AGAIN])
    assert (told.failed, told.now) == ("maintenance_stop: the disk is gone", "OLD is live")


def test_what_is_open_on_a_host_is_told_with_how_that_run_has_ended_there_and_no_other_one() -> None:
    seen = host(site(history=(replace(ENDED, deploy="w"), ENDED)), transaction=STUCK)
    assert left_open(seen) == Left(STUCK, [ENDED])
    assert left_open(replace(seen, transaction=None)) is None


def test_a_pin_says_which_version_on_which_hosts_and_what_comes_of_it() -> None:
    assert pinning_lines(OLD, True, ["web1", "web2"]) == [
        f"--> Pin {OLD} on web1, web2",
        "    it stays, whatever is cleaned up, until it is unpinned",
    ]
    assert pinning_lines(OLD, False, ["web1"])[1] == "    it goes once it is not needed"


# --- Whole runs


def test_recover_shows_it_on_standard_output_where_looking_is_all_that_is_wanted(start: FakeRuns) -> None:
    seen = {"web1": host_facts(agent=agent_fingerprint(), transaction=STUCK)}
    done = start("recover", "--dry", facts=seen, apart=True)
    assert done.code == 0, done.output
    assert done.stdout.startswith("--> Recover @fake/web1: deploy x is open\n")
    assert done.asked("web1") == []


def test_recover_asks_right_below_what_it_would_do_without_a_table_and_does_it_at_enter(start: FakeRuns) -> None:
    seen = {"web1": host_facts(agent=agent_fingerprint(), transaction=STUCK)}
    done = start("recover", facts=seen, typed="\n", answers={"web1": {" recover'?$": {"stdout": ["over"]}}})
    assert f"    tries     {TRIES}\n\n    Press Enter to recover @fake/web1, Ctrl-C to leave it: " in done.output
    assert "Detected changes" not in done.output
    assert done.asked("web1") == ["recover"]


def test_a_version_is_pinned_where_it_is_not_yet_once_somebody_has_said_yes(start: FakeRuns) -> None:
    plain, pinned = (
        host_facts(replace(built(OLD), pinned=one), current=LIVE, agent=agent_fingerprint()) for one in (False, True)
    )
    seen = {"web1": pinned, "web2": plain, "web3": plain}
    asked = start("clean", "--data", f"pin={OLD}", facts=seen, typed="no\n")
    assert asked.code == 1
    assert f"--> Pin {OLD} on @fake/web2, @fake/web3\n" in asked.output
    assert "    Press Enter to pin it on @fake/web2, @fake/web3, Ctrl-C to leave it: " in asked.output
    assert "Detected changes" not in asked.output
    nothing = start("clean", "-y", "--data", f"pin={OLD}", facts=dict.fromkeys(seen, seen["web1"]))
    assert nothing.code == 0
    assert nothing.output.rstrip().endswith(f"{OLD} is pinned already: nothing to do")


def test_who_asks_for_a_plan_by_a_key_reads_nothing_of_options_that_a_key_can_not_have(start: FakeRuns) -> None:
    file = start.folder / "plan-20261129-170000-00000000" / "plan.json"
    file.parent.mkdir()
    shown = start("deploy", "--dry", "--data", f"save_plan={file}", variables={BY_KEY: "1"})
    assert shown.code == 0, shown.output
    assert "plan=" not in shown.output.replace(f"save_plan={file}", "")
    file.write_text(file.read_text().replace('"kind": "deploy"', '"kind": "build"'))
    stale = start("deploy", "--dry", "--data", f"plan={file}", variables={BY_KEY: "1"})
    assert f"deploy --plan {file.parent.name} can't be done as it stands:" in stale.output
    assert "look again: plan\n" in stale.output
