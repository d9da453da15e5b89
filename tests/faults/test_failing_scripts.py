"""A script of the host that fails, in each way that it can; and a service, web server or link that is in the way."""

from __future__ import annotations

from tests.bed.hosts import Host
from tests.faults.watch import hold_table, let_table_go, wait_until, write_script
from tests.invariants import Seen, assert_screen, assert_taken_back, assert_well, look
from tests.runs import Runs

SERVICE = "/etc/systemd/system/django.service.d/broken.conf"
# Only the version with a colour trips over it.
TRIPS_OVER_COLOUR = (
    "[Service]\nExecStartPre=/bin/sh -c '! grep -q colour /home/app/django-current/code/items/models.py'\n"
)


# What may be wrong with what a backup script prints is in the unit tests of backups; a script that fails to end
# maintenance once, and a backup before the window, are in the matrix; one that can't end maintenance at all is in
# tests/hosts/test_status_restart_recover.py.
def test_maintenance_that_starts_by_half_makes_the_deploy_fall_back(
    host: Host, before: Seen, run: Runs, settings: dict[str, object]
) -> None:
    settings["script_timeout"] = 4
    write_script(host, "start_maintenance.sh", "touch $HOME/maintenance", "echo torn", "exit 1")
    result = run("deploy", host, data={"code": "good-2"})
    assert_taken_back(host, before, result, "maintenance_start", ("torn",))


def test_a_start_script_that_keeps_nobody_out_is_told_and_what_it_leaves_running_goes_on_and_is_named(
    host: Host, run: Runs
) -> None:
    write_script(host, "start_maintenance.sh", "nohup sleep 6000 >/dev/null 2>&1 &")
    result = run("deploy", host, data={"code": "good-2"}).worked()
    assert "shows visitors the same page as before: they are not kept out" in result.told
    pid = host.run(["pgrep", "-f", "^sleep 6000"]).stdout.strip()
    assert f"maintenance_start: has left running: {pid} (sleep 6000)" in result.output
    assert "switchback-left-django-maintenance_start-" in host.run(["cat", f"/proc/{pid}/cgroup"]).stdout
    host.run(["kill", pid])
    assert_well(host, "good-2", rows=3)


def test_a_backup_that_fails_makes_a_deploy_fall_back_and_what_was_begun_ahead_ends_with_it(
    host: Host, before: Seen, run: Runs, settings: dict[str, object]
) -> None:
    settings.update(restart="rolling", maintenance="auto")
    kept = "cat /proc/[0-9]*/cgroup | grep -o 'kept-[a-z]*' | sort -u"
    write_script(host, "backup_database.sh", f"{kept} >$HOME/ahead", "echo no room left >&2", "exit 3")
    result = run("deploy", host, data={"code": "good-3"})
    assert_taken_back(host, before, result, "backup", ["exit code 3", "no room left"])
    assert host.run(["cat", "/home/app/ahead"]).stdout.split() == ["kept-migrate", "kept-rehearsal"]
    assert host.run(kept, check=False).stdout == ""


def test_a_stop_script_that_does_nothing_is_seen_and_called_neither_a_success_nor_the_end_of_maintenance(
    host: Host, before: Seen, run: Runs, settings: dict[str, object]
) -> None:
    settings["site_timeout"] = 1
    works = host.run(["cat", "/home/app/scripts/stop_maintenance.sh"]).stdout
    write_script(host, "stop_maintenance.sh", "exit 0")
    failed = run("deploy", host, data={"code": "good-2"})
    says = [
        "visitors still get the maintenance page",
        "answers 503",
        f"{before.current} is live, maintenance is still ON",
    ]
    assert_screen(failed, "needs a person", [*says, "the maintenance page for", "and still do"])
    assert "maintenance is off" not in failed.output
    assert "proven healthy" not in failed.told
    assert look(host).maintenance
    host.write("/home/app/scripts/stop_maintenance.sh", works, mode=0o755, owner="app")
    run("recover", host).worked()
    assert_well(host, links=before.links, database=before.database)


def test_a_service_that_does_not_start_with_the_new_version_is_started_with_the_old_one(
    host: Host, before: Seen, run: Runs
) -> None:
    host.run(["mkdir", "-p", SERVICE.rpartition("/")[0]])
    host.write(SERVICE, TRIPS_OVER_COLOUR)
    host.run(["systemctl", "daemon-reload"])
    result = run("deploy", host, data={"code": "good-2"})
    assert_taken_back(host, before, result, "restart", ["restart failed", "proven healthy"])


def test_a_migration_that_waits_for_a_lock_for_too_long_is_stopped_in_the_database_too(
    host: Host, before: Seen, run: Runs, settings: dict[str, object]
) -> None:
    settings |= {"migrate_timeout": 12, "lock_timeout": 60}
    hold_table(host)
    result = run("deploy", host, data={"code": "good-2"})
    # The lock is held still, and visitors don't wait for it.
    says = ["took too long and was stopped", "while it waited for a lock, held by pid ", "user postgres"]
    assert_taken_back(host, before, result, "migrate", [*says, "proven healthy"])


def test_a_migration_that_gets_its_lock_after_a_while_is_applied_and_the_run_says_for_whom_it_has_waited(
    host: Host, before: Seen, run: Runs, settings: dict[str, object]
) -> None:
    settings |= {"maintenance": "auto", "lock_timeout": 1}
    hold_table(host)
    running = run.start("deploy", host, data={"code": "good-2"})
    wait_until(host, "journalctl --unit 'postgresql@*' | grep -q 'due to lock timeout'")
    let_table_go(host)
    result = running.wait().worked()
    assert "migrate: waited for a lock: items.0002_item_colour: no lock within 1 s, held by pid " in result.told
    assert look(host).database.migrations != before.database.migrations


def test_a_site_that_visitors_do_not_reach_makes_the_deploy_fall_back(host: Host, before: Seen, run: Runs) -> None:
    host.run(["systemctl", "stop", "nginx"])
    result = run("deploy", host, data={"code": "good-2"})
    host.run(["systemctl", "start", "nginx"])
    says = ["the site is not up within 4 s", "does not answer", "visitors get no better than before the deploy began"]
    assert_taken_back(host, before, result, "site", says)
