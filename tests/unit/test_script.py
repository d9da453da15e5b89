"""What a run has said is kept by step, for whoever asks, however late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.host.output import DETAIL, LINE, TOLD, WARNING
from agent.runner.script import DETAILS_KEPT, WAY_BACK, Script
from agent.words.result import StepTold
from tests.unit.journals import progress

said = st.lists(
    st.tuples(st.sampled_from(["code", "config", WAY_BACK]), st.sampled_from([LINE, WARNING, TOLD, DETAIL]), st.text())
)


def script_of(entries: list[tuple[str, str, str]]) -> Script:
    script = Script()
    for entry in entries:
        script.say(*entry)
    return script


@given(said, st.data(), st.booleans())
def test_who_is_told_in_parts_is_told_the_same_as_who_is_told_at_once(
    entries: list[tuple[str, str, str]], data: st.DataObject, verbose: bool
) -> None:
    script, told, at = Script(), list[str](), 0
    for entry in entries:
        script.say(*entry)
        if data.draw(st.booleans()):
            told += script.of(("code",), at, verbose)
            at = len(script.entries)
    told += script.of(("code",), at, verbose)
    assert told == [*script.of(("code",), 0, verbose)]


@given(said)
def test_a_step_s_lines_and_those_of_the_way_back_are_told_and_no_other_one_s(
    entries: list[tuple[str, str, str]],
) -> None:
    told = [*script_of(entries).of(("code", WAY_BACK), 0, verbose=True)]
    assert told == [text for step, _, text in entries if step != "config"]
    told = [*script_of(entries).of(("code", WAY_BACK), 0, verbose=False)]
    assert told == [text for step, loud, text in entries if step != "config" and loud != DETAIL]


@given(said)
def test_at_the_end_warnings_and_decisions_are_told_once_more_in_order(entries: list[tuple[str, str, str]]) -> None:
    told = script_of(entries).said(progress({"event": "begin"}))
    assert told.warnings == tuple(text for _, loud, text in entries if loud == WARNING)
    assert told.told == tuple(text for _, loud, text in entries if loud == TOLD)
    assert told.steps == ()


def test_of_the_steps_that_have_ended_well_the_times_are_told_with_their_lines() -> None:
    script = script_of([("code", LINE, "a"), ("config", LINE, "b"), ("code", DETAIL, "c"), ("venv", LINE, "d")])
    known = progress(
        {"event": "begin"},
        {"event": "step done", "step": "code", "seconds": 1.5},
        {"event": "step done", "step": "config", "seconds": 0.5},
        {"event": "step failed", "step": "venv"},
    )
    assert script.said(known).steps == (StepTold("code", 1.5, ("a",)), StepTold("config", 0.5, ("b",)))
    assert script.said(known, verbose=True).steps[0] == StepTold("code", 1.5, ("a", "c"))


def test_what_commands_print_is_kept_up_to_a_bound_and_all_else_is_kept_whole() -> None:
    script = Script()
    for number in range(DETAILS_KEPT + 10):
        script.say("code", DETAIL, f"detail {number}")
        script.say("code", LINE, f"line {number}")
    told = [*script.of(("code",), 0, verbose=True)]
    assert len(told) == DETAILS_KEPT + DETAILS_KEPT + 10
    assert told[-1] == f"line {DETAILS_KEPT + 9}"


def test_a_step_that_comes_from_another_runner_has_its_time_and_no_lines() -> None:
    known = progress({"event": "begin"}, {"event": "step done", "step": "code", "seconds": 1.5})
    assert Script().said(known).steps == (StepTold("code", 1.5),)
