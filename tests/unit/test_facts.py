"""Facts as data: what is asked of a host, and what is made of whatever it answers. The files are in facts/."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.words.facts import HostFacts
from agent.words.history import Cost, PastRun
from agent.words.needs import BackupScript, Database, Databases, LiveApp, StaticFound
from agent.words.notes import Asked
from agent.words.outcomes import Outcome
from agent.words.seen import Failure
from agent.words.shapes import to_json
from facts.survey import Survey, Unread
from switchback.wire.payload import LOADER
from tests.unit import examples, healthy
from tests.unit.examples import without_gevent

with without_gevent():
    from pyinfra_testing.facts import make_fact_tests  # type: ignore[import-untyped]

FACTS = Path(__file__).parent / "facts"

TestCanMakeVenv = make_fact_tests("facts", "venv.CanMakeVenv", FACTS / "venv.CanMakeVenv")


def test_the_survey_brings_its_own_agent_along_and_is_told_everything_on_standard_input() -> None:
    command = Survey().command()
    assert command.bits[:3] == ("python3", "-I", "-c")
    assert command.bits[3].obj == LOADER
    assert command.bits[4:] == ()
    assert command.get_masked_value().endswith(" # survey")


no_object = st.text().filter(lambda text: not text.startswith("{")) | (
    st.none() | st.integers() | st.text() | st.lists(st.integers(), max_size=3)
).map(json.dumps)
anything = st.lists(no_object, max_size=3)


@given(anything)
def test_a_host_that_answers_nothing_of_ours_has_not_been_looked_at(output: list[str]) -> None:
    assert Survey().process(output) == Unread()


@pytest.mark.parametrize("output", [[], ["17"], ["bash: python3: command not found"], ["[1, 2]"]])
def test_a_host_without_python_or_sudo_has_not_been_looked_at(output: list[str]) -> None:
    assert Survey().requires_command() == "python3"
    assert Survey().process(output) == Survey.default() == Unread()


SEEN = [
    healthy.untouched(),
    healthy.bare(),
    examples.host_facts(
        transaction=healthy.open_run("deploy x holds this host", Outcome.NEEDS_A_PERSON),
        versions=(healthy.version(healthy.NEWER, failed=Failure("health")),),
        history=(PastRun("x", Outcome.FELL_BACK, cost=Cost(site=Asked(9, 1, 0.5))),),
        needs=healthy.needs(
            database=Databases(BackupScript("app"), LiveApp({"default": Database("sqlite", "x", "")}, StaticFound()))
        ),
    ),
]


@given(anything, st.sampled_from(SEEN))
def test_what_the_agent_has_seen_is_the_last_line_whatever_a_shell_says_before(
    noise: list[str], facts: HostFacts
) -> None:
    assert Survey().process([*noise, to_json(facts)]) == facts


def test_an_answer_that_does_not_fit_says_where() -> None:
    told = json.loads(to_json(healthy.host()))
    wrong = {
        '{"agent": "01': "HostFacts is no JSON: ",
        "{}": "HostFacts.agent is missing",
        json.dumps({**told, "git": "yes"}): "HostFacts.git: 'yes' is no bool",
        json.dumps({**told, "site": {**told["site"], "versions": [{"name": 1}]}}): "HostFacts.site.versions[0].name: 1",
    }
    for answer, why in wrong.items():
        read = Survey().process([answer])
        assert isinstance(read, Unread)
        assert read.why.startswith(why)
