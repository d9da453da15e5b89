"""Two hosts of one site whose processes are replaced one by one: at neither of them a visitor notices."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bed.database import share_database
from tests.bed.hosts import Host
from tests.conftest import Hosts
from tests.hosts.visitors import live_is, nobody_notices
from tests.invariants import assert_well, look
from tests.runs import Runs

# test_two_hosts has the same runs that are.
HELD_TO_PREVIEWS = False


@pytest.fixture(scope="module")
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    """No window where none is needed, and one process after the other."""
    return {**settings, "restart": "rolling", "maintenance": "auto", "restart_timeout": 90}


@pytest.fixture(scope="module")
def site(hosts: Hosts, run: Runs) -> tuple[Host, Host]:
    """Two hosts of one site, both with the first one's database."""
    first, second = hosts(2, built=True)
    share_database(first, second)
    run("restart", first, second).worked()
    return first, second


def test_a_deploy_with_a_migration_that_the_old_code_can_live_with_is_noticed_at_neither(
    site: tuple[Host, Host], run: Runs
) -> None:
    first, second = site
    before = look(first), look(second)
    with nobody_notices(first, second):
        result = run("deploy", first, second, data={"code": "good-2"}, args=["-v"]).worked()
    assert "no window is needed: the old code can live with every migration" in result.output
    # What both have to tell alike is told once.
    assert result.told.count("restart: the version was well where no visitor comes") == 1
    for host, was in zip(site, before, strict=True):
        seen = look(host)
        assert live_is(seen, "good-2")
        assert seen.main_pid == was.main_pid
    assert "items.0002_item_colour" in look(first).database.migrations


def test_a_version_that_can_not_start_where_it_is_live_is_taken_back_from_both_before_a_visitor_notices(
    site: tuple[Host, Host], run: Runs
) -> None:
    first, second = site
    before = look(first), look(second)
    with nobody_notices(first, second):
        result = run("deploy", first, second, data={"code": "bad-live"})
    assert result.code == 1
    for host, was in zip(site, before, strict=True):
        seen = assert_well(host, "good-2", links=was.links, database=was.database)
        assert seen.main_pid == was.main_pid
        assert (seen.last["outcome"], seen.last["step"]) == ("fell back", "restart")
