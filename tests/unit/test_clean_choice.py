"""What is deleted is never what somebody may still need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.versions.choice import choose, choose_waiting
from agent.words.outcomes import Refused
from agent.words.seen import Failure, Version

FAILED = Failure("health")


def version(name: str, **fields: Any) -> Version:
    return replace(Version(name, ours=True, working=True, sealed=True, bytes=1), **fields)


versions = st.lists(
    st.builds(
        version,
        st.just(""),
        ours=st.booleans(),
        working=st.booleans(),
        failed=st.sampled_from([None, FAILED]),
        pinned=st.booleans(),
        sealed=st.booleans(),
        in_use=st.sampled_from(["", "", "process 7 (sleep)"]),
        links=st.sampled_from([(), (), (), ("current",), ("previous", "working")]),
    ),
    max_size=30,
).map(lambda found: [replace(one, name=f"django-{number:03}") for number, one in enumerate(reversed(found))][::-1])


@given(versions, st.integers(0, 12), st.integers(0, 5))
def test_what_is_linked_pinned_in_use_or_not_ours_always_stays(found: list[Version], keep: int, failed: int) -> None:
    doomed = set(choose(found, keep, failed))
    for one in found:
        if one.links or one.pinned or one.in_use or not one.ours:
            assert one.name not in doomed


@given(versions, st.integers(0, 12), st.integers(0, 5))
def test_the_newest_healthy_ones_stay_however_many_failed_since(found: list[Version], keep: int, failed: int) -> None:
    doomed = set(choose(found, keep, failed))
    good = [one for one in found if one.ours and (one.working or (one.sealed and not one.failed))]
    healthy = [one.name for one in good]
    assert not doomed & set(healthy[:keep])
    bad = [one.name for one in found if one.ours and one not in good]
    assert not doomed & set(bad[:failed])


def test_failed_versions_do_not_push_out_healthy_ones() -> None:
    found = [version(f"bad-{number}", working=False, failed=FAILED) for number in range(5)] + [version("good")]
    assert choose(found, keep=1, keep_failed=2) == ["bad-2", "bad-3", "bad-4"]


def test_a_version_that_waits_for_its_first_deploy_is_no_failed_one() -> None:
    found = [version("built", working=False), version("old", working=False, failed=FAILED)]
    assert choose(found, keep=1, keep_failed=0) == ["old"]


def test_a_named_version_is_deleted_and_nothing_else() -> None:
    assert choose([version("a"), version("b"), version("c")], 0, 0, ["b"]) == ["b"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"links": ["current"]}, "it is current"),
        ({"pinned": True}, "it is pinned"),
        ({"in_use": "process 7 (sleep)"}, r"process 7 \(sleep\) works in it, or was started from it"),
    ],
)
def test_a_named_version_that_has_to_stay_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        choose([version("a", **fields)], 0, 0, ["a"])


def test_a_name_that_is_no_version_is_refused() -> None:
    with pytest.raises(Refused, match="there is no version nope"):
        choose([version("a")], 0, 0, ["nope"])


@given(versions, st.integers(0, 12), st.integers(0, 5))
def test_a_build_deletes_nothing_that_was_ever_live(found: list[Version], keep: int, failed: int) -> None:
    doomed = set(choose_waiting(found, keep, failed))
    assert not [one for one in found if one.name in doomed and (one.working or one.links or one.pinned)]
    left = [one for one in found if one.ours and not one.working and one.name not in doomed]
    free = [one for one in left if not one.links and not one.pinned and not one.in_use]
    assert len([one for one in free if one.sealed and not one.failed]) <= keep
    assert len([one for one in free if one.failed or not one.sealed]) <= failed
