"""What a project of one repository runs at times: with the settings of its version, as its user, on from where the last
version left off; paused in a window, changed and taken back with the version."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.faults.watch import journal, wait_until
from tests.projects.notes import FAILS, Notes
from tests.projects.project import Project
from tests.projects.story import Story
from tests.runs import Runs

STORY = Story("what runs at times", {"health_url": "http://127.0.0.1:8000/health/"})
UNIT = "switchback-schedule-note@django"
DONE = "/home/app/done"
# It writes a row by the version's own Django, then says so with when, who, and from where.
CODE = (
    "import getpass, os, time, notes; from notes.models import Note; Note.objects.create(text='at its time'); "
    f"open('{DONE}', 'a').write(f'{{time.time()}} {{getpass.getuser()}} {{os.path.realpath(notes.__file__)}}\\n')"
)
EVERY = "*-*-* *:*:0/4"
NOTE = {"run": ["manage.py", "shell", "-c", CODE], "at": EVERY, "timeout": 60}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, with a version whose migration fails once it has begun."""
    made = Notes(tmp_path_factory.mktemp("schedule"))
    made.require()
    made.code.commit("first")
    made.migrate("0002_fails", FAILS)
    made.code.commit("fails")
    return made


def times(host: Host) -> list[tuple[float, str, str]]:
    """When it has run, as whom, and from which version."""
    lines = host.run(f"cat {DONE} 2>/dev/null; true").stdout.splitlines()
    found = [line.split() for line in lines]
    return [(float(at), user, path.split("/")[3]) for at, user, path in found]


def wait_for_next(host: Host) -> str:
    """Wait until it has run once more; from which version."""
    wait_until(
        host,
        f"n=$(cat {DONE} 2>/dev/null | wc -l); for i in $(seq 200); do "
        f"[ $(cat {DONE} 2>/dev/null | wc -l) -gt $n ] && exit 0; sleep 0.1; done; false",
    )
    return times(host)[-1][2]


def live(host: Host) -> str:
    return host.run("basename $(readlink -f /home/app/django-current)").stdout.strip()


def test_it_runs_from_the_live_version_as_the_app_s_user(site: Host, run: Runs, settings: dict[str, Any]) -> None:
    settings["schedule"] = {"note": NOTE}
    preview = run("deploy", site, data={"code": "first"}, args=["--dry"])
    assert f"+ note at {EVERY}: manage.py shell" in preview.output
    result = run("deploy", site, data={"code": "first"}).worked()
    assert f"schedule: note at {EVERY}" in result.output
    assert wait_for_next(site) == live(site)
    assert {user for _, user, _ in times(site)} == {"app"}
    assert "User=app" in site.run(["systemctl", "cat", UNIT]).stdout
    assert run("deploy", site, data={"code": "first"}).worked().output.count("nothing to do")


def test_another_one_is_another_version_and_going_back_takes_it_back(
    site: Host, run: Runs, settings: dict[str, Any]
) -> None:
    before = live(site)
    unit = site.run(["systemctl", "cat", f"{UNIT}.timer"]).stdout
    settings["schedule"] = {"note": {**NOTE, "at": "*-*-* *:*:0/3"}, "other": {"run": "true", "at": "daily"}}
    result = run("deploy", site, data={"code": "first"}).worked()
    assert live(site) != before
    assert "schedule: note at *-*-* *:*:0/3, other at daily" in result.output
    assert wait_for_next(site) == live(site)
    preview = run("revert", site, args=["--dry"])
    assert f"~ note at {EVERY}" in preview.output
    assert "- other" in preview.output
    run("revert", site).worked()
    assert live(site) == before
    assert site.run(["systemctl", "cat", f"{UNIT}.timer"]).stdout == unit
    assert site.run("ls /etc/systemd/system | grep switchback-schedule-other", check=False).stdout == ""
    assert wait_for_next(site) == before


def test_check_says_what_is_not_as_it_should_be_and_a_deploy_mends_it(
    site: Host, run: Runs, settings: dict[str, Any]
) -> None:
    settings["schedule"] = {"note": NOTE}
    assert "timers ✓" in run("check", site).output
    site.run(["systemctl", "stop", f"{UNIT}.timer"])
    told = run("check", site)
    assert told.code == 1
    assert "schedule: note has a timer that is inactive and enabled" in told.output
    run("deploy", site, data={"version": live(site), "force": "true"}).worked()
    assert "timers ✓" in run("check", site).output


def test_a_time_that_is_none_is_refused_before_anything_is_done(
    site: Host, run: Runs, settings: dict[str, Any]
) -> None:
    settings["schedule"] = {"note": {**NOTE, "at": "every now and then"}}
    result = run("deploy", site, data={"code": "first"})
    assert result.code == 1
    assert "note is to run at 'every now and then', which is no time to the host's systemd" in result.output


def test_nothing_runs_in_a_window_and_it_goes_on_after_the_way_back(
    site: Host, run: Runs, settings: dict[str, Any]
) -> None:
    settings |= {"schedule": {"note": NOTE}, "database_fallback": "restore", "maintenance": "always"}
    before = live(site)
    result = run("deploy", site, data={"code": "fails"})
    assert result.code == 1
    assert "pause: stopped the timer of note in " in result.output
    assert f"undone: schedule, it is note at {EVERY} again" in result.output
    records = journal(site)
    paused = next(one["at"] for one in records if one["event"] == "step done" and one["step"] == "pause")
    back = next(one["at"] for one in records if one["event"] == "undo started" and one["action"] == "schedule")
    assert not [at for at, _, _ in times(site) if paused < at < back], json.dumps(records)
    assert wait_for_next(site) == before


def test_a_reboot_starts_it_again(site: Host) -> None:
    site.container.restart(timeout=5)
    site.wait()
    assert wait_for_next(site) == live(site)


def test_without_it_in_the_settings_nothing_of_it_is_left(site: Host, run: Runs, settings: dict[str, Any]) -> None:
    settings |= {"schedule": {}, "maintenance": "auto"}
    result = run("deploy", site, data={"code": "first"}).worked()
    assert "schedule: nothing runs at times any more" in result.output
    assert site.run("systemctl list-timers --all; ls /etc/systemd/system").stdout.count("switchback-schedule") == 0
