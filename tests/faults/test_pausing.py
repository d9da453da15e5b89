"""A worker that writes all the time: whatever a deploy does to the database, and however it ends, no row is lost that
it has said to be written, and it runs again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bed.database import share_database
from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.conftest import Hosts
from tests.faults.matrix import CANNOT_START
from tests.faults.sabotage import InAgent, lay, version_of, watch_pythons
from tests.faults.watch import hold_table, journal, wait_for, wait_until, wait_until_free
from tests.hosts.config_branches import push_config
from tests.invariants import Seen, assert_ended, assert_screen, assert_well, look
from tests.runs import Runs

# It says what is written once it is; and takes as long to end as it is told.
WORKER = """
import os, signal, time
import psycopg

ends = []
signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
shared = "/home/app/database_host"
where = f"dbname=app host={open(shared).read().strip()}" if os.path.exists(shared) else "dbname=app"
with psycopg.connect(where, autocommit=True) as database, open("/home/app/ticks", "a", buffering=1) as said:
    database.execute("create table if not exists ticks (id text primary key)")
    number = 0
    while not ends:
        number += 1
        tick = f"{os.getpid()}-{time.time_ns()}-{number}"
        database.execute("insert into ticks values (%s)", [tick])
        print(tick, file=said)
        time.sleep(0.05)
time.sleep(float(open("/home/app/ends_after").read() or 0) if os.path.exists("/home/app/ends_after") else 0)
"""
# The same, once.
TICK = """
import os, time, psycopg
tick = f"{os.path.basename(os.environ['VIRTUAL_ENV'][:-5])}-timed-{time.time_ns()}"
with psycopg.connect("dbname=app", autocommit=True) as database, open("/home/app/ticks", "a") as said:
    database.execute("insert into ticks values (%s)", [tick])
    print(tick, file=said)
"""
PROGRAM = """
[program:worker]
directory=/home/app/django-current/config
command=/bin/sh -c 'exec "$(readlink -f "$0")/bin/python" "$@"' /home/app/django-current/venv worker.py
autorestart=true
stopwaitsecs=8
redirect_stderr=true
stdout_logfile=/home/app/worker.log
"""
# With the same commit on each host.
DATED = "export GIT_AUTHOR_DATE=2025-01-07T09:00Z GIT_COMMITTER_DATE=2025-01-07T09:00Z\n"
ADD = f"{DATED}cat >worker.py <<'END'\n{WORKER}\nEND\ncat >>supervisord.conf <<'END'\n{PROGRAM}\nEND\n"
SUPERVISORCTL = "runuser -u app -- /home/app/venv/bin/supervisorctl -c /home/app/deployment/supervisord.conf"
UNITS_TEXT = "cd /etc/systemd/system && grep '' switchback-schedule-*"
SECOND = "\n[program:second]\ndirectory=/home/app/django-current/config\ncommand=/bin/sleep infinity\n"


def writes_on(run: Runs, settings: dict[str, Any], *all_hosts: Host) -> None:
    """Have a worker write on hosts, with a backup for the way back."""
    settings |= {"database_fallback": "restore", "restore_script": "~/scripts/restore_database.sh"}
    # Nothing of this waits for a limit, but where one is said below.
    limits = ("health", "site", "build", "script", "migrate", "restart", "confirm")
    settings |= {"config_branch": "working", **{f"{one}_timeout": 120 for one in limits}}
    run("provision", *all_hosts).worked()
    for host in all_hosts:
        push_config(host, ADD, "working")
    run("deploy", *all_hosts, data={"code": "good-1"}).worked()
    for host in all_hosts:
        wait_until(host, "[ -s /home/app/ticks ]")


@pytest.fixture
def before(host: Host, run: Runs, settings: dict[str, Any]) -> Seen:
    """The host as it is once a worker writes on it, and a backup is the way back."""
    writes_on(run, settings, host)
    return look(host)


def lost(host: Host, database: Host | None = None) -> list[str]:
    """The rows that were said to be written, and are not there.

    + database: the host that has it, where that is another one
    """
    # Before the rows: it goes on writing.
    said = set(host.read(["cat", "/home/app/ticks"]).split())
    query = ["psql", "-AtXd", "app", "-c", "select id from ticks"]
    return sorted(said - set((database or host).read(["runuser", "-u", "app", "--", *query]).split()))


def pid_of_worker(host: Host) -> str:
    """The worker's process; empty where it does not run."""
    return host.run("pgrep -f '[w]orker.py' | head -1").stdout.strip()


def assert_works_on(host: Host, version: str, database: Host | None = None) -> None:
    """Assert that the worker runs from a version, writes, and has lost nothing."""
    wait_until(host, "before=$(wc -l </home/app/ticks); sleep 0.3; [ $(wc -l </home/app/ticks) -gt $before ]")
    assert host.run(["readlink", f"/proc/{pid_of_worker(host)}/cwd"]).stdout.strip() == f"/home/app/{version}/config"
    assert lost(host, database) == []


def paused(host: Host) -> list[str]:
    """What the newest run has noted first to have stopped."""
    notes = [one["note"] for one in journal(host) if one["event"] == "note" and one.get("step") == "pause"]
    return list(notes[0]["programs"]) if notes else []


def test_a_migration_that_fails_is_undone_by_the_backup_and_no_row_of_the_worker_s_is_lost(
    host: Host, before: Seen, run: Runs
) -> None:
    worker = pid_of_worker(host)
    result = run("deploy", host, data={"code": "bad-migration"})
    assert_screen(result, "fell back", ["fell back at migrate", "proven healthy", "maintenance is off"])
    assert_well(host, config="working", links=before.links)
    assert "pause: stopped worker:worker in " in result.output
    assert "started again: worker" in result.output
    assert_works_on(host, str(before.current))
    assert pid_of_worker(host) != worker
    # The web went on all along.
    assert set(before.processes) - {worker} <= set(look(host).processes)


@pytest.mark.parametrize("restart", ["restart", "rolling"])
def test_a_new_version_that_is_not_well_has_no_worker_that_writes_what_the_restore_takes_away(
    host: Host, before: Seen, run: Runs, settings: dict[str, Any], restart: str
) -> None:
    settings |= {"restart": restart, "health_timeout": 6}
    run("build", host, data={"code": "good-2"}).worked()
    version = version_of(look(host), "good-2")
    host.run(CANNOT_START.format(version=version))
    result = run("deploy", host, data={"version": version, "irreversible": "accept"})
    assert result.code == 1
    assert_well(host, config="working", links=before.links)
    assert_works_on(host, str(before.current))


@pytest.mark.parametrize("restart", ["restart", "rolling"])
def test_a_deploy_that_goes_well_has_the_worker_run_from_the_new_version_and_one_that_was_stopped_stays_so(
    host: Host, before: Seen, run: Runs, settings: dict[str, Any], restart: str
) -> None:
    settings |= {"restart": restart}
    push_config(host, f"{ADD}cat >>supervisord.conf <<'END'\n{SECOND}\nEND\n", "second")
    run("deploy", host, data={"code": "good-1", "config": "second"}).worked()
    host.run(f"{SUPERVISORCTL} stop second")
    result = run("deploy", host, data={"code": "good-2", "config": "second"}).worked()
    seen = look(host)
    assert paused(host) == ["worker:worker"]
    assert_works_on(host, str(seen.current))
    if restart == "rolling":
        assert "second                           STOPPED" in host.run(f"{SUPERVISORCTL} status || true").stdout
    assert "pause: stopped worker:worker" in result.output


def test_on_several_hosts_no_worker_writes_until_the_primary_one_has_taken_the_database_back(
    hosts: Hosts, run: Runs, settings: dict[str, Any]
) -> None:
    first, second = hosts(2, built=True)
    share_database(first, second)
    second.run(["systemctl", "restart", "django"])
    writes_on(run, settings, first, second)
    version = str(look(first).current)
    result = run("deploy", first, second, data={"code": "bad-migration"})
    for host in (first, second):
        assert f"[{host.name}] pause: stopped worker:worker" in result.output
        wait_until_free(host)
        assert_works_on(host, version, first)
        assert_well(host, config="working")
    at = {
        host: {one.get("action"): one["at"] for one in journal(host) if one["event"] == "undo done"}
        for host in (first, second)
    }
    assert at[second]["resume"] > at[first]["database"]


def test_what_runs_at_times_is_paused_as_well_with_a_config_of_its_own_too(
    host: Host, before: Seen, run: Runs, settings: dict[str, Any]
) -> None:
    settings["schedule"] = {"tick": {"run": ["python", "-c", TICK], "at": "*-*-* *:*:0/2"}}
    run("deploy", host, data={"code": "good-1"}).worked()
    version = str(look(host).current)
    wait_until(host, f"[ $(grep -c {version}-timed /home/app/ticks) -ge 2 ]")
    result = run("deploy", host, data={"code": "bad-migration"})
    assert_screen(result, "fell back", ["fell back at migrate", "proven healthy", "maintenance is off"])
    assert "pause: stopped worker:worker, the timer of tick in " in result.output
    assert lost(host) == []
    ticks = int(host.run("grep -c timed /home/app/ticks").stdout)
    wait_until(host, f"[ $(grep -c timed /home/app/ticks) -gt {ticks} ]")
    assert_works_on(host, version)


def test_a_runner_that_is_killed_while_it_sets_what_runs_at_times_has_what_ran_before_run_again(
    host: Host, before: Seen, run: Runs, settings: dict[str, Any]
) -> None:
    tick = {"run": ["python", "-c", TICK], "at": "*-*-* *:*:0/2"}
    settings["schedule"] = {"tick": tick}
    run("deploy", host, data={"code": "good-1"}).worked()
    version, units = str(look(host).current), host.run(UNITS_TEXT).stdout
    settings["schedule"] = {"tick": {**tick, "at": "daily"}, "other": {"run": "true", "at": "daily"}}
    watch_pythons(host)
    rule = lay(host, InAgent("step started", "schedule", "agent step*", audit=("os.rename",)), "kill")
    result = run("deploy", host, data={"code": "good-2"})
    assert result.code == 1
    rule.wait_until_hit()
    wait_until_free(host)
    seen = assert_well(host, config="working", database=None)
    assert_ended(seen, "fell back", "schedule")
    assert host.run(UNITS_TEXT).stdout == units
    ticks = int(host.run("grep -c timed /home/app/ticks").stdout)
    wait_until(host, f"[ $(grep -c timed /home/app/ticks) -gt {ticks} ]")
    assert_works_on(host, version)


def test_a_runner_that_is_killed_while_the_worker_ends_has_it_started_again_by_the_next(
    host: Host, before: Seen, run: Runs
) -> None:
    host.write("/home/app/ends_after", "4", owner="app")
    running = run.start("deploy", host, data={"code": "good-2"})
    wait_for(host, "pause", event="note")
    host.run("systemctl kill --kill-whom=main --signal=KILL switchback@django")
    running.wait()
    wait_until_free(host)
    seen = assert_well(host, config="working", links=before.links)
    assert_ended(seen, "fell back", "pause")
    assert_works_on(host, str(before.current))


def test_a_host_that_is_rebooted_while_it_migrates_loses_no_row_either(host: Host, before: Seen, run: Runs) -> None:
    hold_table(host)
    running = run.start("deploy", host, data={"code": "good-2"})
    wait_for(host, "migrate")
    host.container.restart(timeout=5)
    host.wait()
    running.wait()
    wait_until_free(host)
    wait_for_site(host)
    assert_works_on(host, str(look(host).current))
