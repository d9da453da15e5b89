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


@pytest.mark.parametrize("primary", HOSTS)
def test_with_all_hosts_there_each_goes_on_and_only_the_primary_decides(primary: str) -> None:
    for name, host in there((), primary).items():
        assert host.at("migrate") is Move.GOES_ON
        assert host.at_decision() is (Move.GOES_ON if name == primary else Move.FOLLOWS)
        assert host.at_following(lambda: False) is (Move.HAS_DECIDED if name == primary else Move.GOES_ON)


@pytest.mark.parametrize("gone", GONE)
def test_before_the_decision_nobody_goes_on_without_the_others(gone: tuple[str, ...]) -> None:
    for name, host in there(gone).items():
        first = name == "web1" or "web1" in gone
        assert host.at("migrate") is (Move.FALLS_BACK if first else Move.WAITS)
        assert host.at_decision() is (Move.FALLS_BACK if first else Move.FOLLOWS)


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("committed", (True, False))
def test_a_lost_primary_is_asked_only_where_it_alone_was_lost(gone: tuple[str, ...], committed: bool) -> None:
    for name, host in there(gone).items():
        asked: list[str] = []

        def answer(asked: list[str] = asked, name: str = name) -> bool:
            asked.append(name)
            return committed

        turn = host.at_following(answer)
        assert bool(asked) is (gone == ("web1",))
        if name == "web1":
            assert turn is Move.HAS_DECIDED
        else:
            assert turn is (Move.GOES_ON if gone == ("web1",) and committed else Move.FALLS_BACK)


def test_those_that_only_followed_are_not_named_unless_nobody_else_is() -> None:
    host = Barrier.of(on("web1"), ("web2", "web3"))
    assert host.reason(lambda name: name == "web2").startswith("web3 failed, ")
    assert host.reason(lambda _: True).startswith("web2, web3 failed, ")
