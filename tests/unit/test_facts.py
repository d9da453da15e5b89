"""Facts as data: what is asked of a host, and what is made of whatever it answers. The files are in facts/."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.words.seen import Failure
from agent.words.shapes import to_json
from facts.survey import Survey
from switchback.wire.payload import LOADER
from tests.unit import healthy
from tests.unit.examples import without_gevent

with without_gevent():
    from pyinfra_testing.facts import make_fact_tests  # type: ignore[import-untyped]

FACTS = Path(__file__).parent / "facts"

TestSurvey = pytest.mark.filterwarnings("ignore:No command set")(
    make_fact_tests("facts", "survey.Survey", FACTS / "survey.Survey")
)
TestCanMakeVenv = make_fact_tests("facts", "venv.CanMakeVenv", FACTS / "venv.CanMakeVenv")


def test_the_survey_brings_its_own_agent_along_and_is_told_everything_on_standard_input() -> None:
    command = Survey().command()
    assert command.bits[:3] == ("python3", "-I", "-c")
    assert command.bits[3].obj == LOADER
    assert command.bits[4:] == ("survey",)


no_object = st.text() | (st.none() | st.integers() | st.text() | st.lists(st.integers(), max_size=3)).map(json.dumps)
anything = st.lists(no_object, max_size=3)


@given(anything)
def test_the_survey_makes_something_of_whatever_a_host_answers(output: list[str]) -> None:
    assert Survey().process(output) == {}


@given(anything, st.dictionaries(st.text(), st.integers(), max_size=3))
def test_the_survey_is_the_last_line_whatever_a_shell_says_before(noise: list[str], facts: dict[str, int]) -> None:
    assert Survey().process([*noise, json.dumps(facts)]) == facts


def test_versions_are_read_as_what_they_are_and_an_answer_that_does_not_fit_is_none() -> None:
    told = {"versions": [healthy.version(healthy.NEWER, failed=Failure("health"))]}
    assert Survey().process([to_json(told)]) == told
    wrong: object
    for wrong in ([{"name": 1}], [{}], ["x"], 1, None):
        assert Survey().process([json.dumps({"versions": wrong})]) == {}
