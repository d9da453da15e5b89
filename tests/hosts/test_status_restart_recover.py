"""What is done to a host besides deploying: looking at it, restarting it, and getting it out of a dead end."""

from __future__ import annotations

import json
import re

import pytest

from tests.bed.hosts import Host
from tests.faults.watch import wait_until
from tests.hosts.footprint import assert_refused, untouched
from tests.invariants import Seen, assert_well, look, visit
from tests.runs import Runs

STOP = "/home/app/scripts/stop_maintenance.sh"
KEPT = "/home/app/scripts/stop_maintenance.sh.kept"
BRANCH = "feature/with/slashes"


def test_status_shows_the_live_version_its_age_and_the_last_runs(host: Host, run: Runs) -> None:
    current = look(host).current
    with untouched(host):
        result = run("status", host).worked()
    assert f"{current} is live and healthy" in result.output
    row = next(line for line in result.output.splitlines() if line.strip().startswith(f"{current} "))
    for word in ("current, working", "good-1, main", "MB"):
        assert word in row
    assert re.search(r"  deploy  good-1 \(\w{7}\).*  committed", result.output)
    assert max(map(len, result.output.splitlines())) <= 100


def test_status_is_data_for_programs(host: Host, run: Runs) -> None:
    (seen,) = run("status", host).worked().document.hosts
    assert seen.status
    assert seen.status.linked
    assert seen.status.linked.current == look(host).current
    assert seen.status.healthy
    assert seen.status.healthy.healthy


def test_recover_has_nothing_to_do_where_nothing_is_open(host: Host, run: Runs) -> None:
    with untouched(host):
        result = run("recover", host).worked()
    assert "there is nothing to recover" in result.output


def test_the_app_s_logs_are_shown_and_followed_without_a_shell_on_the_host(host: Host, run: Runs) -> None:
    with untouched(host):
        shown = run("logs", host, data={"lines": 5}).worked()
        unknown = run("logs", host, data={"process": "nosuch"})
    logs = shown.document.hosts[0].logs
    assert {log.name for log in logs} == {"django", "supervisord", "web_00", "web_01"}
    assert unknown.code == 1
    assert "there is no log of nosuch: there is django, supervisord, web" in unknown.output
    following = run.start("logs", host, data={"lines": 1, "follow": "true"})
    # With the journal's, all of them are listened to.
    wait_until(host, "pgrep -f '[j]ournalctl --follow'")
    host.run("printf 'what \\033[2J comes\\n' >>/home/app/web_00.log", user="app")
    following.wait_to_say(f"[{host.name}] web_00 | what \\x1b[2J comes")
    following.interrupt()
    assert following.wait().code == 130
    wait_until(host, "! pgrep -x 'agent logs'")


def test_a_command_of_manage_py_runs_in_the_live_version_as_the_app_and_ends_the_run_as_it_ends(
    host: Host, run: Runs
) -> None:
    says = "import os, sys; print(os.getcwd(), os.environ['USER']); sys.exit(7)"
    result = run("manage", host, data={"command": f'shell -c "{says}"'})
    assert result.code == 7
    managed = result.document.hosts[0].manage
    assert managed is not None
    assert (managed.exit_code, managed.lines[-1]) == (7, f"/home/app/{look(host).current}/config app")
    assert f"[{host.name}] manage.py ended with exit code 7" in result.output
    # More than is said at once, to its last line, which has no end.
    long = run("manage", host, data={"command": "shell -c \"print(('x' * 99 + '\\n') * 20_000, end=']')\""}).worked()
    managed = long.document.hosts[0].manage
    assert managed is not None
    assert (managed.lines.count("x" * 99), managed.lines[-1]) == (20_000, "]")
    with untouched(host):
        dry = run("manage", host, data={"command": "flush --noinput"}, args=["--dry"]).worked()
        asks = run("manage", host, data={"command": "shell"})
    assert f"[{host.name}] would run manage.py flush --noinput, in the live version, as app" in dry.output
    assert_refused(asks, "shell asks questions", "'sudo -u app ~app/bin/manage shell'")


def test_restart_gives_the_service_new_processes_and_proves_them_healthy(host: Host, run: Runs) -> None:
    before = look(host)
    result = run("restart", host).worked()
    after = assert_well(host, links=before.links, database=before.database)
    assert not set(before.processes) & set(after.processes)
    assert after.main_pid != before.main_pid
    assert after.last["kind"] == "restart"
    assert f"restarted: the service runs {before.current}, and is healthy" in result.told


def test_a_restart_of_what_serves_and_could_not_be_started_again_is_refused_with_the_line_that_heals_it(
    host: Host, run: Runs
) -> None:
    before, log, file = look(host), "/home/app/web_00.log", "/home/app/app.log"
    host.run(["chown", "root:", log])
    with untouched(host):
        assert_refused(run("restart", host), f"{log} belongs to root", f"chown app: {log}")
    host.run(["chown", "app:", log])
    # The app's own log: nothing but a start can tell.
    host.run(["install", "-o", "root", "-m", "640", "/dev/null", file])
    settings = f"{before.current}/config/settings.py"
    host.run(["cp", "-p", f"/home/app/{settings}", "/root/settings.py"])
    host.run(f'echo \'open("{file}", "a")\' >> /home/app/{settings}')
    result = run("restart", host)
    assert result.code == 1
    assert result.told.startswith("refused")
    for words in (f"chown app: {file}", "refused at trial: the live site was never touched"):
        assert words in result.told
    seen = assert_well(host, links=before.links, database=before.database)
    assert seen.processes == before.processes
    # Once it is down, nothing is lost by trying: it comes up as soon as it can.
    host.run(["systemctl", "stop", "django"])
    host.run(["chown", "app:", file])
    run("restart", host).worked()
    host.run(["cp", "-p", "/root/settings.py", f"/home/app/{settings}"])
    run("restart", host).worked()
    assert_well(host, links=before.links, database=before.database)


@pytest.fixture(scope="module")
def stuck(host: Host, run: Runs) -> Seen:
    """The host as it was before a deploy that could neither end nor be undone: maintenance can't be stopped."""
    before = look(host)
    host.run(["mv", STOP, KEPT])
    host.write(STOP, "#!/bin/sh\necho 'the flag is on a disk that is gone' >&2\nexit 3\n", mode=0o755, owner="app")
    # Whoever is told notes which ending it was, and that it is the app's user who does.
    tells = "import json, os, sys; print(json.load(sys.stdin)['event'], os.environ['USER'], file=open('told', 'a'))"
    notify = json.dumps({"run": ["python3", "-c", tells]})
    result = run("deploy", host, data={"code": BRANCH, "notify": notify})
    assert result.code == 1
    assert result.told.startswith("needs a person")
    for words in ("the flag is on a disk that is gone", f"{before.current} is live", "maintenance is still ON"):
        assert words in result.told
    assert "deploys/recover.py" in result.told
    return before


def test_a_deploy_that_needs_a_person_leaves_the_old_version_live_and_holds_the_host(host: Host, stuck: Seen) -> None:
    seen = look(host)
    assert seen.links == stuck.links
    assert seen.maintenance
    assert seen.lock == seen.last["deploy"]
    assert seen.last["outcome"] == "needs a person"


def test_check_and_status_say_what_is_open(host: Host, stuck: Seen, run: Runs) -> None:
    with untouched(host):
        checked = run("check", host)
        shown = run("status", host).worked()
    assert checked.code == 1
    for result in (checked, shown):
        assert f"deploy {look(host).lock} by " in result.output
        assert "and needs a person: run deploys/recover.py" in result.output
    assert_refused(run("manage", host, data={"command": "check"}), "--data force=true runs it all the same")
    assert_refused(run("remove", host), "needs a person: run deploys/recover.py")


@pytest.mark.parametrize("deploy", ("deploy", "build", "revert", "restart", "provision"))
def test_every_other_run_is_refused_until_then(deploy: str, host: Host, stuck: Seen, run: Runs) -> None:
    with untouched(host):
        result = run(deploy, host)
    assert_refused(result, "needs a person: run deploys/recover.py")


def test_recover_says_what_is_still_wrong_and_holds_the_host(host: Host, stuck: Seen, run: Runs) -> None:
    held = look(host).lock
    result = run("recover", host)
    assert result.code == 1
    # Before anything is tried.
    before, _, meanwhile = result.output.partition("    tries     what could not be undone, once more")
    for words in (f"{held} by ", "    failed    maintenance_stop: the flag is on a disk", "maintenance is still ON"):
        assert words in before
    assert "the flag is on a disk that is gone" in meanwhile
    assert "--> Starting operation" not in result.output
    assert result.told.startswith("needs a person, as before")
    assert look(host).lock == held


def test_once_the_script_is_repaired_recover_frees_the_host(host: Host, stuck: Seen, run: Runs) -> None:
    host.run(["mv", KEPT, STOP])
    result = run("recover", host).worked()
    assert result.told.startswith("recovered: the next deploy is free to begin"), result.output
    assert "maintenance is off" in result.told
    after = assert_well(host, links=stuck.links, database=stuck.database)
    page = f"/var/lib/switchback/django/transactions/{after.last['deploy']}/page.html"
    assert "maintenance" in host.run(["cat", page]).stdout
    wait_until(host, '[ -z "$(ls /var/lib/switchback/django/untold)" ]')
    told = host.run(["cat", "/home/app/told"]).stdout.splitlines()
    # That a person is still needed was told again once somebody had tried.
    assert told == ["needs_a_person app", "needs_a_person app", "late_end app"]


def test_the_next_deploy_works(host: Host, stuck: Seen, run: Runs) -> None:
    run("deploy", host, data={"code": BRANCH}).worked()
    assert_well(host, BRANCH)
    assert "<h1>" in visit(host)
