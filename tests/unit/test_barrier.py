"""Where several hosts wait for each other, by every one of them that may be gone."""

from __future__ import annotations

import itertools

import pytest

from switchback.runs.barrier import Barrier, Move
from tests.unit.test_operations import HOSTS, on

GONE = [few for many in range(1, len(HOSTS)) for few in itertools.combinations(HOSTS, many)]


def there(gone: tuple[str, ...], primary: str = "web1") -> dict[str, Barrier]:
    """Those that are there still, where others are gone."""
    return {name: Barrier.of(on(name, primary), gone) for name in HOSTS if name not in gone}


def nobody_asks() -> bool:
    raise AssertionError("there is nobody to ask")


@pytest.mark.parametrize("primary", HOSTS)
def test_with_all_hosts_there_each_goes_on_and_commits(primary: str) -> None:
    for host in there((), primary).values():
        assert host.at("migrate") is Move.GOES_ON
        assert host.at("all well") is Move.GOES_ON
        assert host.at_commit(nobody_asks) is Move.GOES_ON


@pytest.mark.parametrize("gone", GONE)
def test_nobody_goes_on_without_the_others_and_the_way_back_begins_with_the_primary(gone: tuple[str, ...]) -> None:
    for name, host in there(gone).items():
        first = name == "web1" or "web1" in gone
        for step in ("code", "migrate", "all well"):
            assert host.at(step) is (Move.FALLS_BACK if first else Move.WAITS)


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("heard", (True, False))
def test_once_all_were_told_that_all_are_well_the_others_commit_if_the_lost_ones_have_heard_it_and_only_then(
    gone: tuple[str, ...], heard: bool
) -> None:
    for host in there(gone).values():
        assert host.at_commit(lambda: heard) is (Move.GOES_ON if heard else Move.FALLS_BACK)


def test_those_that_only_followed_are_not_named_unless_nobody_else_is() -> None:
    host = Barrier.of(on("web1"), ("web2", "web3"))
    assert host.reason(lambda name: name == "web2").startswith("web3 failed, ")
    assert host.reason(lambda _: True).startswith("web2, web3 failed, ")
