"""What a person reads after a run: how it ended, as the last thing on the screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.words.outcomes import Outcome
from agent.words.result import Result
from switchback.screen.report import Ending, end_lines, ending, shortened
from tests.unit.examples import LIVE, OLD, run

WENT_ON = Result(True)
FELL_BACK = Result(
    False,
    Outcome.FELL_BACK,
    "fell back at migrate: OLD is live and proven healthy, maintenance is off; evidence: /var/lib/x",
    reason=(
        "migrate failed: manage.py ended with exit code 1",
        "  File one",
        "  File two",
        "DoesNotExist: no such item",
    ),
    evidence=True,
)
COMMITTED, UNKNOWN = Outcome.COMMITTED, Outcome.UNKNOWN


def test_the_reason_of_a_fallback_is_its_sentence_and_the_end_of_the_output_with_it() -> None:
    assert shortened(FELL_BACK.reason) == (
        "migrate failed: manage.py ended with exit code 1",
        "    File one",
        "    File two",
        "  DoesNotExist: no such item",
    )


def test_of_a_long_output_the_reason_has_the_end() -> None:
    told = shortened(["it broke", *(f"line {number}" for number in range(30))])
    assert told == ("it broke", *(f"  line {number}" for number in range(18, 30)))


def test_what_ended_well_has_no_reason() -> None:
    assert shortened(()) == ()


@pytest.mark.parametrize("outcome", [one for one in Outcome if one != Outcome.UNKNOWN])
def test_a_run_has_ended_as_its_host_has_told_whatever_the_sentence_says(outcome: Outcome) -> None:
    told = ending(run(), [WENT_ON, Result(False, outcome, "committed: needs a person; refused at x")])
    assert told == Ending("web1", outcome, "committed: needs a person; refused at x")


def test_of_two_outcomes_the_later_one_counts() -> None:
    still = Result(False, Outcome.FALLING_BACK, "still falling back: it goes on by itself")
    assert ending(run(), [still, FELL_BACK, WENT_ON]).outcome == Outcome.FELL_BACK


def test_what_was_decided_and_what_is_not_as_it_should_be_is_told_once_though_each_call_tells_all_so_far() -> None:
    heard = [
        Result(True, warnings=("one",), told=("a",)),
        Result(True, warnings=("one", "two"), told=("a", "b"), outcome=COMMITTED, cost=("time: 3 s",)),
        # What comes after the commit tells of itself alone.
        Result(True),
    ]
    told = ending(run(), heard)
    assert (told.warnings, told.told, told.cost) == (("one", "two"), ("a", "b"), ("time: 3 s",))


@pytest.mark.parametrize("heard", [[], [WENT_ON, WENT_ON]])
def test_a_host_without_a_word_is_said_to_fall_back_by_itself(heard: list[Result]) -> None:
    told = ending(run(), heard)
    assert told.outcome == Outcome.UNKNOWN
    assert told.sentence.startswith("no word from the host")
    assert told.sentence.endswith("it falls back by itself")


def test_the_last_screen_says_why_and_what_is_the_case_now_and_where_to_look() -> None:
    lines = end_lines([run()], [ending(run(), [FELL_BACK])])
    assert lines[1] == "--> Deploy 20261123-120000-deploy-ab12: fell back"
    assert lines[2] == "    [web1] migrate failed: manage.py ended with exit code 1"
    assert lines[-2].startswith("    [web1] fell back at migrate: OLD is live and proven healthy")
    assert "the evidence" in lines[-1]


def test_the_headline_says_where_it_ended_how_the_worst_first() -> None:
    hosts = ("web1", "web2")
    runs = [run(host=host, hosts=hosts) for host in hosts]
    lines = end_lines(runs, [Ending("web1", Outcome.FELL_BACK, "a"), Ending("web2", Outcome.NEEDS_A_PERSON, "b")])
    assert lines[1].endswith(": needs a person on web2; fell back on web1")
    assert "recover.py" in lines[-1]


def test_after_a_revert_the_way_forth_is_named() -> None:
    lines = end_lines([run(kind="revert", version=OLD)], [Ending("web1", COMMITTED, "committed: x")])
    assert lines[-1].endswith(f"to return, deploy it: --data version={LIVE}")


@pytest.mark.parametrize("hosts", [("web1",), ("web1", "web2")])
def test_a_host_that_is_not_heard_of_is_given_its_time(hosts: tuple[str, ...]) -> None:
    lines = end_lines([run(hosts=hosts)], [Ending("web1", UNKNOWN, "no word")])
    assert "falls back by itself, at the latest 60 s after its running step has ended" in lines[-1]


def test_where_some_have_committed_the_others_are_named_with_what_brings_them_along() -> None:
    hosts = ("web1", "web2")
    runs = [run(host=host, hosts=hosts) for host in hosts]
    lines = end_lines(runs, [Ending("web1", COMMITTED, "committed: x"), Ending("web2", UNKNOWN, "no word")])
    assert lines[1].endswith(": unknown on web2; committed on web1")
    assert "    [web2] no word, if it has not committed" in lines
    assert any("deploy again to bring the others along" in line for line in lines)


def test_hosts_with_nothing_to_do_are_named_and_the_way_forth_and_the_times_are_those_of_the_others() -> None:
    hosts, idle = ("web2", "web3"), "no version is live here"
    bare = run(kind="revert", was=None, version="", steps=(), idle=idle)
    runs = [bare, *(run(kind="revert", deploy="the-id", host=host, hosts=hosts, version=OLD) for host in hosts)]
    done = end_lines(runs, [Ending(host, COMMITTED, "committed: x") for host in hosts])
    assert done[1] == "--> Revert the-id: committed"
    assert f"    [web1] took no part: {idle}" in done
    assert done[-1].endswith(f"--data version={LIVE}")
    lost = end_lines(runs, [Ending("web2", COMMITTED, "committed: x"), Ending("web3", UNKNOWN, "no word")])
    assert any("falls back by itself, at the latest" in line for line in lost)


def test_hosts_that_limit_has_left_out_are_named_once_the_others_have_committed() -> None:
    only = run(host="web2", hosts=("web2",), left_out=("web1", "web3"))
    assert end_lines([only], [Ending("web2", COMMITTED, "committed: x")])[-1] == (
        "    Next: not on web1, web3, which took no part: deploys/status.py compares all hosts"
    )
    assert "took no part" not in str(end_lines([only], [Ending("web2", Outcome.FELL_BACK, "fell back at x")]))


def test_a_run_that_did_nothing_has_no_last_screen() -> None:
    assert end_lines([run(steps=())], []) == []


@given(
    st.lists(
        st.builds(
            Result,
            st.booleans(),
            st.none() | st.sampled_from(Outcome),
            st.text(),
            st.lists(st.text()).map(tuple),
            st.lists(st.text()).map(tuple),
        )
    )
)
def test_however_the_calls_of_a_host_have_ended_its_run_has_an_ending(heard: list[Result]) -> None:
    told = ending(run(), heard)
    assert told.outcome == next((one.outcome for one in reversed(heard) if one.outcome), Outcome.UNKNOWN)
    assert end_lines([run()], [told])


def test_whoever_stopped_a_run_is_told_that_it_was_them() -> None:
    stopped = Result(False, Outcome.REFUSED, "refused at venv: the live site was never touched", interrupted=True)
    assert end_lines([run()], [ending(run(), [stopped])])[1].endswith(": refused, stopped by you")


def test_lines_that_only_point_into_a_traceback_take_no_place_on_the_last_screen() -> None:
    pointing = [line for number in range(5) for line in (f"    call({number})", "    ~~~~^^^", "      )")]
    assert shortened(["migrate failed: it broke", *pointing]) == (
        "migrate failed: it broke",
        *(f"    call({n})" for n in range(5)),
    )
