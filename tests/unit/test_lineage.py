"""A revert goes back along the way that the site has come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.look.lineage import lineage
from agent.words.history import PastRun
from agent.words.outcomes import Outcome


def history(*runs: str) -> list[PastRun]:
    """A history from words such as `+a` (deploy a), `-a` (revert to a) and `!a` (a deploy that fell back)."""
    lines = []
    live = None
    for run in runs:
        kind = {"+": "deploy", "-": "revert", "!": "deploy"}[run[0]]
        outcome = Outcome.FELL_BACK if run[0] == "!" else Outcome.COMMITTED
        lines.append(PastRun("d", outcome, kind, version=run[1:], was=live))
        live = live if run[0] == "!" else run[1:]
    return lines


@pytest.mark.parametrize(
    ("runs", "way"),
    [
        ([], []),
        (["+a"], ["a"]),
        (["+a", "+b", "+c"], ["a", "b", "c"]),
        (["+a", "+b", "+c", "-b"], ["a", "b"]),
        (["+a", "+b", "+c", "-b", "-a"], ["a"]),
        (["+a", "+b", "+c", "-b", "+d"], ["a", "b", "d"]),
        (["+a", "!b", "+c"], ["a", "c"]),
        (["+a", "+b", "+a"], ["b", "a"]),
        (["+a", "+b", "+a", "-b"], ["b"]),
        (["+a", "+a"], ["a"]),
    ],
)
def test_the_way_is_what_deploys_and_reverts_make_of_it(runs: list[str], way: list[str]) -> None:
    assert lineage(history(*runs)) == way


def test_what_was_live_before_the_history_began_is_part_of_the_way() -> None:
    assert lineage([PastRun("d", Outcome.COMMITTED, version="b", was="a")]) == ["a", "b"]


def test_other_runs_leave_the_way_alone() -> None:
    other = [PastRun("d", Outcome.COMMITTED, kind, version="z", was="a") for kind in ("restart", "clean", "build")]
    assert lineage([*history("+a"), *other]) == ["a"]


@given(st.lists(st.tuples(st.sampled_from("+-!"), st.sampled_from("abcd")), max_size=20))
def test_the_way_ends_with_the_live_version_and_names_each_once(runs: list[tuple[str, str]]) -> None:
    lines = history(*("".join(run) for run in runs))
    way = lineage(lines)
    assert len(way) == len(set(way))
    committed = [line.version for line in lines if line.outcome == Outcome.COMMITTED]
    assert way[-1:] == committed[-1:]
