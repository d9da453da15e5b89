"""What a person reads after a run: how it ended, as the last thing on the screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchback.screen.report import OUTCOMES, Ending, end_lines, ending, reason_of
from tests.unit.examples import LIVE, OLD, run

FELL_BACK = [
    "code: done in 0.3 s",
    "falling back: migrate failed: manage.py ended with exit code 1",
    "  File one",
    "  File two",
    "DoesNotExist: no such item",
    "  undone: database",
    "  kept: evidence",
    "fell back at migrate: OLD is live and proven healthy, maintenance is off; evidence: /var/lib/x",
]


def test_the_reason_of_a_fallback_is_its_sentence_and_the_end_of_the_output_with_it() -> None:
    assert reason_of(FELL_BACK) == (
        "migrate failed: manage.py ended with exit code 1",
        "    File one",
        "    File two",
        "  DoesNotExist: no such item",
    )


def test_of_a_long_output_the_reason_has_the_end() -> None:
    said = ["falling back: it broke", *(f"line {number}" for number in range(30)), "  undone: links"]
    assert reason_of(said) == ("it broke", *(f"  line {number}" for number in range(18, 30)))


def test_what_ended_well_has_no_reason() -> None:
    assert reason_of(["code: done in 0.3 s", "committed: it is live"]) == ()
    assert reason_of([]) == ()


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("committed: NEW is live and healthy", "committed"),
        ("refused at checks: the live site was never touched", "refused"),
        ("fell back at migrate: OLD is live and proven healthy", "fell back"),
        ("needs a person at migrate: NEW is live", "needs a person"),
        ("still falling back: the guard ends it here", "still falling back"),
    ],
)
def test_an_outcome_is_read_from_the_last_sentence_of_the_host(line: str, outcome: str) -> None:
    assert ending(run(), ["begun: x", line, "pyinfra says something"]) == Ending("web1", outcome, line)


def test_of_two_outcomes_the_later_one_counts() -> None:
    said = ["still falling back: the guard ends it", "fell back at swap: OLD is live"]
    assert ending(run(), said).outcome == "fell back"


def test_a_host_without_a_word_is_said_to_be_taken_back_by_its_guard() -> None:
    told = ending(run(), ["begun: x", "code: done in 0.3 s", "too late: this deploy has ended"])
    assert told.outcome == "unknown"
    assert told.sentence.startswith("no word from the host")


def test_the_last_screen_says_why_and_what_is_the_case_now_and_where_to_look() -> None:
    lines = end_lines([run()], [ending(run(), FELL_BACK)])
    assert lines[1] == "--> Deploy 20261123-120000-deploy-ab12: fell back"
    assert lines[2] == "    [web1] migrate failed: manage.py ended with exit code 1"
    assert lines[-2].startswith("    [web1] fell back at migrate: OLD is live and proven healthy")
    assert "the evidence" in lines[-1]


def test_the_headline_says_where_it_ended_how_the_worst_first() -> None:
    hosts = ("web1", "web2")
    runs = [run(host=host, hosts=hosts) for host in hosts]
    lines = end_lines(runs, [Ending("web1", "fell back", "a"), Ending("web2", "needs a person", "b")])
    assert lines[1].endswith(": needs a person on web2; fell back on web1")
    assert "recover.py" in lines[-1]


def test_after_a_revert_the_way_forth_is_named() -> None:
    lines = end_lines([run(kind="revert", version=OLD)], [Ending("web1", "committed", "committed: x")])
    assert lines[-1].endswith(f"to return, deploy it: --data version={LIVE}")


def test_a_host_that_is_not_heard_of_is_given_its_time() -> None:
    lines = end_lines([run()], [Ending("web1", "unknown", "no word")])
    assert "falls back by itself, at the latest 60 s after its running step has ended" in lines[-1]


def test_a_host_of_several_is_promised_the_time_that_it_really_takes() -> None:
    alone = run(hosts=("web1", "web2"), steps=("restart", "migrate", "commit"))
    lines = end_lines([alone], [Ending("web1", "unknown", "no word")])
    assert "at the latest 60 s after its running step's time is over (up to 1800 s, for migrate)" in lines[-1]


def test_where_some_have_committed_the_others_are_named_with_what_brings_them_along() -> None:
    hosts = ("web1", "web2")
    runs = [run(host=host, hosts=hosts) for host in hosts]
    lines = end_lines(runs, [Ending("web1", "committed", "committed: x"), Ending("web2", "unknown", "no word")])
    assert lines[1].endswith(": unknown on web2; committed on web1")
    assert "    [web2] no word, if it has not committed" in lines
    assert any("deploy again to bring the others along" in line for line in lines)


def test_hosts_with_nothing_to_do_are_named_and_the_way_forth_and_the_times_are_those_of_the_others() -> None:
    hosts, idle = ("web2", "web3"), "no version is live here"
    bare = run(kind="revert", was=None, version="", steps=(), idle=idle)
    runs = [bare, *(run(kind="revert", deploy="the-id", host=host, hosts=hosts, version=OLD) for host in hosts)]
    done = end_lines(runs, [Ending(host, "committed", "committed: x") for host in hosts])
    assert done[1] == "--> Revert the-id: committed"
    assert f"    [web1] took no part: {idle}" in done
    assert done[-1].endswith(f"--data version={LIVE}")
    lost = end_lines(runs, [Ending("web2", "committed", "committed: x"), Ending("web3", "unknown", "no word")])
    assert any("falls back by itself, at the latest" in line for line in lost)


def test_hosts_that_limit_has_left_out_are_named_once_the_others_have_committed() -> None:
    only = run(host="web2", hosts=("web2",), left_out=("web1", "web3"))
    assert end_lines([only], [Ending("web2", "committed", "committed: x")])[-1] == (
        "    Next: not on web1, web3, which took no part: deploys/status.py compares all hosts"
    )
    assert "took no part" not in str(end_lines([only], [Ending("web2", "fell back", "fell back at x")]))


def test_a_run_that_did_nothing_has_no_last_screen() -> None:
    assert end_lines([run(steps=())], []) == []


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]))))
def test_whatever_a_host_says_its_run_has_an_ending(said: list[str]) -> None:
    told = ending(run(), said)
    assert told.outcome in (*OUTCOMES, "unknown")
    assert end_lines([run()], [told])


def test_whoever_stopped_a_run_is_told_that_it_was_them() -> None:
    said = [
        "falling back: interrupted at the controller during venv",
        "refused at venv: the live site was never touched",
    ]
    assert end_lines([run()], [ending(run(), said)])[1].endswith(": refused, stopped by you")


def test_lines_that_only_point_into_a_traceback_take_no_place_on_the_last_screen() -> None:
    pointing = [line for number in range(5) for line in (f"    call({number})", "    ~~~~^^^", "      )")]
    said = ["falling back: migrate failed: it broke", *pointing, "fell back at migrate: OLD is live"]
    assert ending(run(), said).reason == ("migrate failed: it broke", *(f"      call({n})" for n in range(5)))
