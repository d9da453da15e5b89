"""A site whose config repository brings no supervisord.conf: the host's own, which provision has written, runs it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.hosts.config_branches import push_config
from tests.hosts.footprint import assert_no_changes, untouched
from tests.hosts.visitors import live_is, nobody_notices
from tests.invariants import assert_screen, assert_taken_back, assert_well, look
from tests.runs import Runs

OWN, LINK = "/home/app/supervisord.conf", "/home/app/deployment/supervisord.conf"
BROUGHT = "/home/app/django-current/config/supervisord.conf"


@pytest.fixture(scope="module")
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Nothing said of restart and maintenance, and a config without a supervisord.conf."""
    return {
        **settings,
        "restart_timeout": 90,
        "config_branch": "none",
        "restore_script": "~/scripts/restore_database.sh",
    }


def test_provision_writes_a_supervisord_config_that_the_app_user_owns(bare_host: Host, run: Runs) -> None:
    shown = run("provision", bare_host, args=["--dry", "--diff"]).worked().output
    assert f"Will create {OWN}" in shown
    assert f"Will make the link {LINK} to {OWN}" in shown
    assert "process_name=web_%(process_num)02d" in shown
    run("provision", bare_host).worked()
    assert bare_host.run(["stat", "--format", "%U %a", OWN]).stdout.split() == ["app", "644"]
    assert bare_host.run(["readlink", LINK]).stdout.strip() == OWN
    with untouched(bare_host):
        assert_no_changes(run("provision", bare_host))


def test_a_version_without_one_comes_up_with_the_hosts_own(bare_host: Host, run: Runs) -> None:
    # The templates are where they are on a developer's machine, too: below the folder of the code's own manage.py.
    push_config(
        bare_host, """rm supervisord.conf && sed -i 's|CODE_DIR / "templates"|"templates"|' settings.py""", "none"
    )
    run("deploy", bare_host).worked()
    seen = assert_well(bare_host, config="none")
    assert seen.links[LINK] == OWN
    assert "ready" in run("check", bare_host).worked().output
    with untouched(bare_host):
        assert_no_changes(run("provision", bare_host))


def test_its_processes_are_replaced_one_by_one_and_nobody_notices(bare_host: Host, run: Runs) -> None:
    before = look(bare_host)
    with nobody_notices(bare_host):
        result = run("deploy", bare_host, data={"code": "feature/with/slashes"}, args=["-v"]).worked()
    assert "restart: the version was well where no visitor comes" in result.output
    seen = look(bare_host)
    assert live_is(seen, "feature/with/slashes")
    assert seen.main_pid == before.main_pid
    assert seen.links[LINK] == OWN


def test_a_bad_version_is_taken_back_before_a_single_visitor_notices(bare_host: Host, run: Runs) -> None:
    before = look(bare_host)
    with nobody_notices(bare_host):
        result = run("deploy", bare_host, data={"code": "bad-live"})
    assert_screen(result, "fell back", ["fell back at restart: "])
    seen = look(bare_host)
    assert (seen.links, seen.main_pid) == (before.links, before.main_pid)
    assert live_is(seen, "feature/with/slashes")


def test_a_bad_version_that_brings_one_is_taken_back_to_the_hosts_own(bare_host: Host, run: Runs) -> None:
    run("deploy", bare_host).worked()
    before = look(bare_host)
    result = run("deploy", bare_host, data={"code": "bad-live", "config": "main"})
    assert_screen(result, "fell back", ["fell back at health: "])
    seen = assert_well(bare_host, config="none", links=before.links, database=before.database)
    assert seen.links[LINK] == OWN


def test_a_version_that_brings_one_is_run_by_that(bare_host: Host, run: Runs) -> None:
    result = run("deploy", bare_host, data={"config": "main"}, args=["-v"]).worked()
    assert "in full, not one process after the other: [supervisord] of supervisord's config change" in result.output
    seen = assert_well(bare_host)
    assert seen.links[LINK] == BROUGHT


def test_a_bad_version_without_one_is_taken_back_to_what_the_live_one_brings(bare_host: Host, run: Runs) -> None:
    before = look(bare_host)
    result = run("deploy", bare_host, data={"code": "bad-live"})
    seen = assert_taken_back(bare_host, before, result, "health")
    assert seen.links[LINK] == BROUGHT
    # Where the host's own config has the app log to.
    evidence = seen.marks[seen.last["version"]]["evidence"]
    assert "PAYMENT_KEY is not set" in bare_host.run(["cat", f"{evidence}/evidence/web_00.log"]).stdout


def test_a_version_without_one_after_one_with_one_has_the_hosts_own_again(bare_host: Host, run: Runs) -> None:
    brings = look(bare_host).current
    run("deploy", bare_host).worked()
    seen = assert_well(bare_host, config="none")
    assert seen.links[LINK] == OWN
    run("revert", bare_host, data={"version": brings}).worked()
    assert assert_well(bare_host).links[LINK] == BROUGHT
    run("revert", bare_host, data={"version": seen.current}).worked()
    assert assert_well(bare_host, config="none").links[LINK] == OWN


def test_an_edit_of_the_hosts_own_is_taken_over_by_the_next_deploy_in_a_window(bare_host: Host, run: Runs) -> None:
    """supervisord would stop both web processes at once for it, so the preview has to know."""
    bare_host.run(["sed", "-i", "s/numprocs=2/numprocs=3/", OWN])
    before = look(bare_host)
    result = run("deploy", bare_host, data={"code": "feature/with/slashes"}, args=["-v"]).worked()
    assert "a window is needed: supervisord's config of web changes" in result.output
    seen = look(bare_host)
    assert seen.main_pid == before.main_pid
    assert len([one for one in seen.processes.values() if one and one["cwd"].endswith("/code")]) == 6


def test_only_what_differs_of_the_two_configs_is_restarted(bare_host: Host, run: Runs) -> None:
    """The one that the version brings differs from the host's own in the number of its web processes alone."""
    push_config(bare_host, f"sed s/numprocs=3/numprocs=2/ {OWN} >supervisord.conf", "two")
    before = look(bare_host)
    result = run("deploy", bare_host, data={"config": "two"}, args=["-v"]).worked()
    assert "a window is needed: supervisord's config of web changes" in result.output
    seen = look(bare_host)
    assert (seen.main_pid, seen.links[LINK]) == (before.main_pid, BROUGHT)
    run("revert", bare_host, data={"version": before.current}).worked()
    again = look(bare_host)
    assert (again.main_pid, again.links[LINK]) == (before.main_pid, OWN)


def test_an_edit_that_supervisord_refuses_stops_every_run_before_it_restarts_anything(
    bare_host: Host, run: Runs
) -> None:
    bare_host.run(["sed", "-i", "s/numprocs=3/numprocs=many/", OWN])
    for deploy in ("check", "deploy", "revert", "restart"):
        with untouched(bare_host):
            result = run(deploy, bare_host, data={"code": "feature/with/slashes"} if deploy == "deploy" else {})
        assert result.code == 1
        assert "the service would not start again: supervisord refuses" in result.output
        assert "mend the host's own supervisord.conf" in result.output
    bare_host.run(["sed", "-i", "s/numprocs=many/numprocs=3/", OWN])
    run("restart", bare_host).worked()
