"""A host that somebody laid out by hand, long before: it is taken over without touching what is there."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.bed.legacy import lay_out
from tests.hosts.footprint import assert_no_changes, assert_same_still, footprint, untouched
from tests.invariants import assert_well, look, visit
from tests.runs import Runs

# What is added, for people and cron.
MANAGE = "/home/app/bin/manage"
# All that a person has made, and the service.
MADE_BY_HAND = ("/home/app", "/etc/systemd/system/django.service", "/srv")


@pytest.fixture(scope="module")
def by_hand(bare_host: Host) -> tuple[str, str]:
    """The names of the two versions that were made by hand, the older one first."""
    return lay_out(bare_host)


def test_check_finds_nothing_missing_but_the_agent(bare_host: Host, by_hand: tuple[str, str], run: Runs) -> None:
    with untouched(bare_host):
        result = run("check", bare_host)
    assert result.code == 1
    assert "not ready: 1 problem\n" in result.output
    assert "the agent is not installed: run deploys/provision.py" in result.output


def test_provision_takes_it_over_and_touches_nothing_that_is_there(
    bare_host: Host, by_hand: tuple[str, str], run: Runs
) -> None:
    before = footprint(bare_host, *MADE_BY_HAND)
    assert before.processes
    assert bare_host.run(["test", "-e", MANAGE], check=False).returncode == 1
    result = run("provision", bare_host).worked()
    for name in by_hand:
        assert f"taken over: {name}" in result.output
    assert_same_still(before, made=("/home/app", "/home/app/bin", MANAGE))


def test_a_second_provision_changes_nothing(bare_host: Host, run: Runs) -> None:
    with untouched(bare_host):
        assert_no_changes(run("provision", bare_host))


def test_what_was_taken_over_is_ready_and_shown_as_made_by_hand(
    bare_host: Host, by_hand: tuple[str, str], run: Runs
) -> None:
    assert f"ready: {by_hand[1]} is live and healthy" in run("check", bare_host).worked().output
    lines = run("status", bare_host).worked().output.splitlines()
    for name in by_hand:
        assert [line for line in lines if name in line and "working, by hand" in line], lines


def test_it_can_be_deployed_to(bare_host: Host, by_hand: tuple[str, str], run: Runs) -> None:
    run("deploy", bare_host, data={"code": "good-2"}).worked()
    seen = assert_well(bare_host, "good-2")
    assert seen.linked("/home/app/django-previous") == by_hand[1]
    assert "Good 2" in visit(bare_host)


def test_it_can_be_reverted_to_the_version_that_was_taken_over(
    bare_host: Host, by_hand: tuple[str, str], run: Runs
) -> None:
    run("revert", bare_host).worked()
    seen = assert_well(bare_host, "good-1")
    assert seen.current == by_hand[1]


def test_a_version_made_by_hand_is_deleted_only_by_name(bare_host: Host, by_hand: tuple[str, str], run: Runs) -> None:
    run("clean", bare_host, data={"keep": 0}).worked()
    assert set(by_hand) <= set(look(bare_host).versions)
