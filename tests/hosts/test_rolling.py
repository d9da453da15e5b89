"""Processes that are replaced one by one: not a visitor notices, whether the version is good or bad."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.faults.watch import (
    STATE,
    WAIT_AT_GATE,
    hold_table,
    let_table_go,
    open_gate,
    wait_for,
    wait_until,
    wait_until_free,
    write_script,
)
from tests.hosts.config_branches import push_config
from tests.hosts.visitors import live_is, nobody_notices, visitors
from tests.invariants import assert_taken_back, assert_well, look, visit
from tests.runs import Runs

# test_deploy has runs of the same versions that are.
HELD_TO_PREVIEWS = False
# What is left of a client that was killed.
WAITING = "select pid from pg_stat_activity where query like 'ALTER TABLE%' and wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    """No window where none is needed, and one process after the other."""
    return {**settings, "restart": "rolling", "maintenance": "auto", "restart_timeout": 90}


def test_a_deploy_is_not_noticed_by_a_single_visitor(host: Host, run: Runs) -> None:
    supervisord = look(host).main_pid
    with nobody_notices(host):
        result = run("deploy", host, data={"code": "feature/with/slashes"}, args=["-v"]).worked()
    assert "restart: the version was well where no visitor comes" in result.output
    assert "no window is needed: nothing is migrated" in result.output
    seen = look(host)
    assert live_is(seen, "feature/with/slashes")
    assert seen.main_pid == supervisord


def test_a_revert_is_not_noticed_either(host: Host, run: Runs) -> None:
    with nobody_notices(host):
        run("revert", host).worked()
    assert live_is(look(host), "good-1")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("bad-live", ("restart failed: ", "PAYMENT_KEY is not set")),
        ("bad-health", ("restart failed: not healthy within 10 s", "answers 500, not 200")),
    ],
)
def test_a_version_that_is_not_well_is_taken_back_before_a_single_visitor_notices(
    code: str, says: tuple[str, ...], host: Host, run: Runs
) -> None:
    before = look(host)
    with nobody_notices(host):
        result = run("deploy", host, data={"code": code, "health_timeout": 10})
    seen = assert_taken_back(host, before, result, "restart", says)
    assert seen.main_pid == before.main_pid


def test_a_runner_that_is_killed_between_two_processes_is_followed_by_another_and_nobody_notices(
    host: Host, run: Runs
) -> None:
    before = look(host)
    with nobody_notices(host):
        running = run.start("deploy", host, data={"code": "feature/with/slashes"})
        wait_until(host, f"grep -qs touched {STATE}/transactions/$(cat {STATE}/lock 2>/dev/null)/journal.jsonl")
        host.run(["systemctl", "kill", "--kill-whom=main", "--signal=KILL", "switchback@django"])
        assert running.wait().code != 0
        wait_until_free(host)
    seen = assert_well(host, "good-1", links=before.links, database=before.database)
    assert seen.main_pid == before.main_pid
    assert (seen.last["outcome"], seen.last["step"]) == ("fell back", "restart")


def test_a_reader_who_stays_in_a_transaction_is_named_and_keeps_no_visitor_waiting_behind_a_migration(
    host: Host, run: Runs
) -> None:
    before = look(host)
    hold_table(host, "app")
    with visitors(host, 20, host.website_url) as got:
        result = run("deploy", host, data={"code": "good-2", "lock_timeout": 1})
    let_table_go(host)
    says = (
        "items.0002_item_colour: no lock within 1 s, held by pid ",
        "user app, application psql, in a transaction since ",
        "query: begin; lock table items_item in share ...",
        "items.0002_item_colour was tried 5 times, and rolled back each time: nothing of it is applied",
    )
    seen = assert_taken_back(host, before, result, "migrate", says, blamed=False)
    version = seen.last["version"]
    assert f"{version} is not to blame: deploys/deploy.py --data version={version} tries it again" in result.told
    assert [one["failed"] for one in got] == [0]
    # Twice that time, and a second.
    assert got[0]["slowest"] <= 3, got


def test_a_reader_who_is_in_the_way_back_is_waited_for_while_the_old_code_serves(host: Host, run: Runs) -> None:
    before, tried = look(host), "journalctl --unit 'postgresql@*' | grep -c 'due to lock timeout'"
    script = write_script(host, "install.sh", WAIT_AT_GATE, "echo no licence >&2", "exit 4")
    told = {"lock_timeout": 1, "migrate_timeout": 90, "install_script": script}
    with visitors(host, 20, host.website_url) as got:
        running = run.start("deploy", host, data={"version": before.last["version"], **told})
        wait_for(host, "install_script")
        hold_table(host)
        tries = int(host.run(tried, check=False).stdout)
        open_gate(host)
        # More often than on the way forward.
        wait_until(host, f'[ "$({tried})" -ge {tries + 7} ]')
        let_table_go(host)
        result = running.wait()
    says = ("no licence", "fallback: waited for a lock: items.0002_item_colour: no lock within 1 s, held by pid ")
    assert_taken_back(host, before, result, "install_script", says)
    assert [one["failed"] for one in got] == [0]


def test_what_a_killed_migration_has_asked_the_database_for_is_ended_before_the_way_back(host: Host, run: Runs) -> None:
    before = look(host)
    hold_table(host, "app")
    running = run.start("deploy", host, data={"code": "good-2", "lock_timeout": 100})
    wait_until(host, f'[ -n "$(runuser -u app -- psql -AtXd app -c "{WAITING}")" ]')
    host.run(["pkill", "-KILL", "-f", "manage_shim.py .* then-migrate"])
    result = running.wait()
    left = host.run(["runuser", "-u", "app", "--", "psql", "-AtXd", "app", "-c", WAITING]).stdout
    let_table_go(host)
    assert left == ""
    assert "ended a session that was left in the database: pid " in result.output
    assert_taken_back(host, before, result, "migrate", ("proven healthy",))


def test_a_restart_replaces_every_process_and_nobody_notices(host: Host, run: Runs) -> None:
    before = look(host)
    with nobody_notices(host):
        run("restart", host).worked()
    seen = look(host)
    assert set(seen.processes) & set(before.processes) == {str(before.main_pid)}


def test_logs_that_the_app_can_not_write_are_found_before_the_site_is_touched(host: Host, run: Runs) -> None:
    host.run("chown root:root /home/app/web_00.log && chmod 640 /home/app/web_00.log")
    with nobody_notices(host):
        result = run("deploy", host, data={"code": "feature/with/slashes"})
    assert "refused at checks: the live site was never touched" in result.told
    assert "/home/app/web_00.log belongs to root and app can't write it" in result.told
    host.run("chown app:app /home/app/web_00.log")


def test_what_cannot_be_started_anew_leaves_the_old_process_to_its_visitors_and_recover_starts_it(
    host: Host, run: Runs
) -> None:
    """The logs become root's meanwhile, as logrotate makes them that is told so; nothing can be started then."""
    before = look(host)
    wait = "touch at-backup; until [ -e go-on ]; do sleep 0.05; done; exec scripts/backup_database.sh"
    backup = write_script(host, "slow_backup.sh", f"cd; {wait}")
    chown = "chown root:root web_0?.log; chmod 640 web_0?.log; touch go-on"
    meanwhile = f"cd /home/app; until [ -e at-backup ]; do sleep 0.05; done; {chown}"
    host.run(["systemd-run", "--unit", "logrotate-in-the-middle", "sh", "-c", meanwhile])
    data = {"code": "feature/with/slashes", "health_timeout": 3, "backup_script": backup}
    with nobody_notices(host):
        result = run("deploy", host, data=data)
    assert result.code == 1
    assert result.told.startswith("needs a person")
    assert f"not restarted as a whole, since {before.current} still serves" in result.output
    host.run("chown app:app /home/app/web_0?.log")
    with nobody_notices(host):
        run("recover", host).worked()
    seen = assert_well(host, links=before.links, database=before.database)
    assert seen.main_pid == before.main_pid


def test_a_new_config_of_a_program_is_taken_over_with_supervisord_still_running(host: Host, run: Runs) -> None:
    push_config(host, "sed -i s/numprocs=2/numprocs=3/ supervisord.conf", "three")
    before = look(host)
    result = run("deploy", host, data={"config": "three"}, args=["-v"]).worked()
    assert "a window is needed: supervisord's config of web changes" in result.output
    seen = look(host)
    assert seen.main_pid == before.main_pid
    assert len([one for one in seen.processes.values() if one and "/config" in one["cwd"]]) == 6


def test_a_new_config_of_supervisord_itself_restarts_all_of_it_and_says_so(host: Host, run: Runs) -> None:
    push_config(host, "sed -i s/chmod=0700/chmod=0770/ supervisord.conf", "socket")
    before = look(host)
    result = run("deploy", host, data={"config": "socket"}, args=["-v"]).worked()
    assert (
        "in full, not one process after the other: [unix_http_server] of supervisord's config change" in result.output
    )
    assert look(host).main_pid != before.main_pid


def test_a_config_that_does_not_allow_it_is_restarted_in_full_with_the_lines_to_write(host: Host, run: Runs) -> None:
    push_config(host, "sed -i s/numprocs=2/numprocs=1/ supervisord.conf", "one")
    result = run("deploy", host, data={"config": "one"}, args=["-v"]).worked()
    assert "does not allow it" in result.output
    assert "write numprocs=2" in result.output
    again = run("check", host)
    assert again.code == 1
    assert "write numprocs=2" in again.output
    assert "<html" in visit(host)
