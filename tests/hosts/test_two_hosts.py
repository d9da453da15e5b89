"""A site on two hosts with one database: deployed to and taken back together, or not at all."""

from __future__ import annotations

import json
import re

import pytest

from tests.bed.database import share_database
from tests.bed.hosts import Host
from tests.conftest import Hosts
from tests.hosts.footprint import assert_no_changes, assert_refused, service_processes, untouched
from tests.invariants import assert_well, look, visit
from tests.prepared import ROWS, add_item
from tests.runs import Runs


@pytest.fixture(scope="module")
def site(hosts: Hosts, run: Runs) -> tuple[Host, Host]:
    """Two hosts of one site, both with the first one's database."""
    first, second = hosts(2)
    share_database(first, second)
    run("restart", first, second).worked()
    add_item(second)
    assert look(first).database.rows == ROWS + 1
    return first, second


@pytest.fixture(scope="module")
def half_down(site: tuple[Host, Host]) -> tuple[Host, Host]:
    """The same two hosts; the second one is down from here on."""
    site[1].container.stop(timeout=20)
    return site


def migrated(host: Host) -> dict[str, object]:
    """What the last deploy's journal on a host says of its migrations."""
    deploy = next(line["deploy"] for line in reversed(look(host).history) if line["kind"] == "deploy")
    text = host.run(["cat", f"/var/lib/switchback/django/transactions/{deploy}/journal.jsonl"]).stdout
    records = [json.loads(line) for line in text.splitlines()]
    (note,) = [one["note"] for one in records if one["event"] == "step done" and one["step"] == "migrate"]
    assert isinstance(note, dict)
    return note


def backups(host: Host) -> set[str]:
    """The names of the backups on a host."""
    return set(host.run(["ls", "/home/app/backups"]).stdout.split())


def test_a_deploy_migrates_and_backs_up_on_the_first_host_alone(site: tuple[Host, Host], run: Runs) -> None:
    first, second = site
    before = backups(first), backups(second)
    run("deploy", first, second, data={"code": "good-2"}).worked()
    assert migrated(first) == {"applied": ["items.0002_item_colour"]}
    assert migrated(second) == {"skipped": "done by the primary host"}
    assert len(backups(first) - before[0]) == 1
    assert backups(second) == before[1]


def test_both_hosts_serve_the_same_version_afterwards(site: tuple[Host, Host]) -> None:
    first, second = site
    assert assert_well(first, "good-2", rows=ROWS + 1).current == assert_well(second, "good-2").current
    assert "Good 2" in visit(first)
    assert "Good 2" in visit(second)


def test_deploying_what_is_live_on_both_changes_neither(site: tuple[Host, Host], run: Runs) -> None:
    with untouched(*site):
        assert_no_changes(run("deploy", *site, data={"code": "good-2"}))


def test_both_are_reverted_together(site: tuple[Host, Host], run: Runs) -> None:
    first, second = site
    run("revert", first, second).worked()
    assert assert_well(first, "good-1", rows=ROWS + 1).current == assert_well(second, "good-1").current


def test_one_of_them_is_meant_with_limit(site: tuple[Host, Host], run: Runs) -> None:
    first, second = site
    before = service_processes(second)
    with untouched(first):
        run("restart", first, second, args=["--limit", second.name]).worked()
    assert not set(before) & set(service_processes(second))


def test_hosts_that_differ_are_told_so_and_come_together_by_the_command_that_is_said(
    site: tuple[Host, Host], run: Runs
) -> None:
    first, second = site
    newer = max(look(second).versions)
    alone = run("deploy", first, second, data={"version": newer}, args=["--limit", second.name]).worked()
    assert f"note: --limit leaves out {first.name}: what is live there stays" in alone.output
    assert f"not on {first.name}, which took no part" in alone.told
    refused = run("revert", first, second, data={"database": "reverse"})
    assert_refused(refused, f"{second.name}: {newer} is live there, and {first.name}, which takes the database back")
    for deploy in ("status", "check"):
        seen = run(deploy, first, second).worked().output
        assert f"The hosts differ: {look(first).current} on {first.name}; {newer} on {second.name}" in seen
    (told,) = [line for line in seen.splitlines() if "to bring all to" in line]
    options = dict(word.split("=") for word in told.split() if "=" in word)
    run("deploy", first, second, data=options).worked()
    assert assert_well(second, "good-1").current == look(first).current
    assert "The hosts differ" not in run("status", first, second).worked().output
    # A run that one of them had no part in names the other; of one that both agree on there is one row, and no name.
    told = run("history", first, second).worked().output
    rows = [line.split("  ") for line in told.splitlines() if re.match(r"      20\d\d-", line)]
    assert rows[0][-1].startswith("test-")
    assert any(row[-1] == "committed" for row in rows)


def test_a_host_whose_admin_may_not_use_sudo_stops_the_run_for_both_with_one_clear_message(
    site: tuple[Host, Host], run: Runs
) -> None:
    first, second = site
    second.run(["mv", "/etc/sudoers.d/admin", "/root/admin"])
    with untouched(*site):
        result = run("deploy", first, second, data={"code": "good-2"})
    assert_refused(result, f"{second.name}: the host can't be looked at: admin needs sudo without a password")
    assert f"- {first.name}" not in result.told
    second.run(["mv", "/root/admin", "/etc/sudoers.d/admin"])


def test_a_host_that_is_down_stops_the_run_and_the_other_is_not_touched(
    half_down: tuple[Host, Host], run: Runs
) -> None:
    first, second = half_down
    with untouched(first):
        result = run("deploy", first, second, data={"code": "good-2"})
    assert_refused(result, f"{second.name} can't be reached, so no host was touched")


def test_check_and_status_name_a_host_that_is_down_and_show_the_other(half_down: tuple[Host, Host], run: Runs) -> None:
    first, second = half_down
    for deploy in ("check", "status"):
        result = run(deploy, first, second)
        assert result.code == 1
        assert f"[{second.name}] can't be reached" in result.output
        assert f"{look(first).current} is live and healthy" in result.output


def test_with_limit_the_host_that_is_up_can_be_deployed_to(half_down: tuple[Host, Host], run: Runs) -> None:
    first, second = half_down
    version = max(look(first).versions)
    run("deploy", first, second, data={"version": version}, args=["--limit", first.name]).worked()
    assert assert_well(first, "good-2").current == version
