"""What controller and host say to each other is read as it was written, or refused with a word on where it differs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.host import output
from agent.words.history import Cost
from agent.words.notes import Asked
from agent.words.outcomes import Outcome
from agent.words.result import MARK, Result, framed, read_result
from agent.words.shapes import OLD_NAME, Unreadable, from_elsewhere, from_json, to_json

texts = st.lists(st.text()).map(tuple)
results = st.builds(
    Result,
    ok=st.booleans(),
    outcome=st.none() | st.sampled_from(Outcome),
    sentence=st.text(),
    reason=texts,
    warnings=texts,
    told=texts,
    undone=texts,
    spent=st.none() | st.builds(Cost, st.none() | st.builds(Asked, st.integers(), st.integers(), st.floats(0, 9))),
    failed=st.none() | st.text(),
)


@given(results)
def test_a_result_is_read_as_it_was_written_and_is_one_line(result: Result) -> None:
    # As it is shown: what a terminal would obey, or has no sign for, is written out.
    shown = from_elsewhere(Result, to_json(result))
    assert read_result(["code: done in 0.3 s", framed(result)]) == shown
    assert from_json(Result, to_json(result)) == result
    assert "\n" not in framed(result)


@given(result=results, lines=st.lists(st.text()))
def test_nothing_that_is_said_can_be_taken_for_a_result(result: Result, lines: list[str]) -> None:
    for text in (framed(result), f"the app has printed:\n{framed(result)}", *lines):
        assert MARK not in output.as_said(text)
        assert read_result(output.as_said(text).split("\n")) is None


def test_only_what_comes_last_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    output.conclude(Result(True, Outcome.COMMITTED))
    output.emit("the link broke, and somebody else went on")
    assert read_result(capsys.readouterr().out.splitlines(keepends=False)[-1:]) is None
    assert read_result([]) is None


@pytest.mark.parametrize(
    "line",
    [
        MARK,
        f"{MARK}{{",
        f"{MARK}[]",
        MARK + json.dumps({"outcome": "committed"}),
        MARK + json.dumps({"ok": True, "outcome": "well"}),
        MARK + json.dumps({"ok": True, "outcome": "committed", "schema": 1}),
    ],
)
def test_a_result_that_was_cut_off_or_is_of_another_version_is_none(line: str) -> None:
    assert read_result([line]) is None


@dataclass(frozen=True)
class Inner:
    name: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Outer:
    number: int
    inner: Inner
    more: tuple[Inner, ...] = ()
    named: dict[str, Inner] = field(default_factory=dict)
    # As the agent writes it, for the oldest Python of a host.
    perhaps: Optional[Outcome] = None  # noqa: UP045
    source: Literal["built", "unknown"] = "unknown"


def test_dataclasses_inside_of_others_come_back_as_they_were() -> None:
    outer = Outer(1, Inner("a", 2.5), (Inner("b"),), {"c": Inner("d")}, Outcome.REFUSED, "built")
    assert from_json(Outer, to_json(outer)) == outer


def test_what_a_later_version_says_besides_is_let_be() -> None:
    assert from_json(Inner, '{"name": "a", "colour": "red"}') == Inner("a")


@dataclass(frozen=True)
class Renamed:
    now: str = field(metadata={OLD_NAME: "before"})
    too: str = field(default="", metadata={OLD_NAME: "besides"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"before": "a"}', Renamed("a")),
        ('{"now": "a", "before": "b", "too": "c", "besides": "d"}', Renamed("a", "c")),
        ('{"before": "a", "besides": "b"}', Renamed("a", "b")),
    ],
)
def test_what_has_another_name_now_is_read_by_that_and_else_by_the_old_one(text: str, says: Renamed) -> None:
    assert from_json(Renamed, text) == says


@pytest.mark.parametrize(
    ("text", "told"),
    [("{}", "Renamed.now is missing"), ('{"before": 1}', "Renamed.before: 1 is no str")],
)
def test_what_is_odd_of_it_is_told_by_the_name_that_stands_there(text: str, told: str) -> None:
    with pytest.raises(Unreadable) as problem:
        from_json(Renamed, text)
    assert told in str(problem.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "Outer is no JSON"),
        ("[]", "Outer: [] is no Outer"),
        ('{"number": 1}', "Outer.inner is missing"),
        ('{"number": true, "inner": {"name": "a"}}', "Outer.number: True is no int"),
        ('{"number": "1", "inner": {"name": "a"}}', "Outer.number: '1' is no int"),
        ('{"number": 1, "inner": {"name": null}}', "Outer.inner.name: None is no str"),
        ('{"number": 1, "inner": {"name": "a"}, "more": [{"name": "b"}, 3]}', "Outer.more[1]: 3 is no Inner"),
        ('{"number": 1, "inner": {"name": "a"}, "named": {"c": {}}}', "Outer.named.c.name is missing"),
        ('{"number": 1, "inner": {"name": "a"}, "perhaps": "well"}', "Outer.perhaps: 'well' is none of committed"),
        ('{"number": 1, "inner": {"name": "a"}, "source": "ear"}', "Outer.source: 'ear' is none of built, unknown"),
    ],
)
def test_what_does_not_fit_is_named_with_the_way_to_it(text: str, told: str) -> None:
    with pytest.raises(Unreadable) as problem:
        from_json(Outer, text)
    assert told in str(problem.value)
