"""What runs at times: what a person writes for it, the units that become of it, and bringing a host's to what a version
wants, however often that is cut off."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.host.command import CommandFailed
from agent.schedule import timers as working
from agent.schedule.timers import Timers, times_problems
from agent.schedule.units import name_in, texts, unit_of, words
from agent.state import State
from agent.steps.beside.schedule import Scheduled, ScheduledBefore
from agent.steps.order import named
from agent.transaction.step import StepFailed
from agent.versions.known import Mark
from agent.versions.layout import Layout
from agent.versions.marks import write_mark
from agent.words.notes import Paused
from agent.words.settings import Timed
from switchback.checks.needs import need_notices
from switchback.plan.contents import schedule_of
from switchback.runs.deploys import plan_deploy
from switchback.runs.fleet import Fleet
from switchback.settings.options import Options
from switchback.settings.processes import check_schedule
from switchback.settings.values import Wrong
from tests.unit import examples
from tests.unit.examples import CODE, CONFIG, LIVE, NEW, OLD

CLEAR = Timed(("manage.py", "clearsessions"), "*-*-* 04:00")
EACH = Timed(("~/bin/rotate", "50% of $HOME"), "hourly", 60, once=False)
SITE = "django"


# --- The setting


def test_a_command_is_said_with_when_it_runs_and_what_is_left_out_is_usual() -> None:
    told = {"clear": {"run": "manage.py clearsessions", "at": "*-*-* 04:00"}}
    assert check_schedule(told) == {"clear": CLEAR}
    whole = {"run": ["a", "b c"], "at": "Mon 04:00 Europe/Berlin", "timeout": "60", "once": "false"}
    assert check_schedule({"x": whole}) == {"x": Timed(("a", "b c"), "Mon 04:00 Europe/Berlin", 60, once=False)}


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("daily", "must be a mapping of names"),
        ({"clear": "manage.py clearsessions"}, "must have `run` and `at`"),
        ({"clear": {"run": "x"}}, "for `at`, which is no time"),
        ({"clear": {"at": "daily"}}, "has no command"),
        ({"clear": {"run": "x", "at": "daily\nExecStart=/bin/sh"}}, "which is no time"),
        ({"clear": {"run": "x", "at": "%i"}}, "which is no time"),
        ({"a@b": {"run": "x", "at": "daily"}}, "is no name for it"),
        ({"a b": {"run": "x", "at": "daily"}}, "is no name for it"),
        ({"clear": {"run": "x", "at": "daily", "user": "root"}}, 'has "user", and may have run, at, timeout, once'),
        (
            {"clear": {"run": "x", "at": "daily", "timeout": "0"}},
            'has the timeout "0", which is no number from 1 to 604800',
        ),
        ({"clear": {"run": "x\x1b", "at": "daily"}}, "has control characters"),
    ],
)
def test_what_is_wrong_with_it_is_said(told: object, says: str) -> None:
    with pytest.raises(Wrong, match=says):
        check_schedule(told)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Wrong) as wrong:
        check_schedule({"a@b": {"run": "x", "at": "daily"}, "clear": "x"})
    assert "a@b" in str(wrong.value)
    assert "clear" in str(wrong.value)


# --- The units


def layout(**changes: Any) -> Layout:
    return Layout(examples.settings(**changes).for_host(), Path("/home/app"))


def test_no_two_sites_have_a_unit_in_common() -> None:
    assert unit_of("a", "b-c") != unit_of("a-b", "c")
    assert name_in("a", f"{unit_of('a', 'b-c')}.timer") == "b-c"
    for other in (unit_of("b", "c"), "switchback@a", "switchback-left-a-restart", "switchback-schedule-x@a.b"):
        assert name_in("a", f"{other}.service") == ""


def test_it_runs_as_the_app_s_user_by_the_live_version_s_launcher_within_a_worker_s_limits() -> None:
    found = texts(layout(), {"clear": CLEAR}, made=False)
    service, timer = found["switchback-schedule-clear@django.service"], found["switchback-schedule-clear@django.timer"]
    assert "\nUser=app\n" in service
    assert "\nWorkingDirectory=/home/app/django-current/config/django\n" in service
    line = '"/home/app/django-current/run" "python" "/home/app/django-current/config/manage.py" "clearsessions"'
    assert f"\nExecStart={line}\n" in service
    assert "\nTimeoutStartSec=3600\nMemoryMax=80%\nTasksMax=4096\n" in service
    assert "\nOnCalendar=*-*-* 04:00\n" in timer
    assert "[Install]\nWantedBy=timers.target" in timer
    assert "Install" not in service


def test_a_config_that_is_made_of_the_code_starts_all_in_its_own_way() -> None:
    start = "/home/app/django-current/config/start_switchback.py"
    launcher = "/home/app/django-current/run"
    assert words(layout(), CLEAR.run, made=True) == [launcher, "python", start, *CLEAR.run]
    assert words(layout(), ("~/bin/rotate", "~"), made=False) == [launcher, "/home/app/bin/rotate", "~"]


def test_every_word_arrives_as_it_was_written() -> None:
    odd = ("run", "50% of $HOME", 'a "quoted" \\ word', "two\nlines\t", ";", "é")
    found = texts(layout(), {"odd": Timed(odd, "daily")}, made=False)["switchback-schedule-odd@django.service"]
    (line,) = [one for one in found.splitlines() if one.startswith("ExecStart=")]
    assert line == (
        'ExecStart="/home/app/django-current/run" "run" "50%% of $$HOME" "a \\"quoted\\" \\\\ word" '
        '"two\\nlines\\t" ";" "é"'
    )


# --- Bringing a host to them


class Systemd:
    """What systemd is told, and the states of its timers."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []
        self.at_work: list[str] = []
        self.fails = ""
        self.active: set[str] = set()
        self.failed: set[str] = set()

    def ours(self, argv: Sequence[str], timeout: float = 0, ok: object = None) -> str:
        verb, *rest = [word for word in argv[1:] if not word.startswith("--")]
        if verb == "show":
            busy = self.at_work.pop() if self.at_work else ""
            # The properties come after the units.
            return "\n".join(self._shown(unit, busy) for unit in rest[:-1])
        if verb == self.fails:
            raise CommandFailed(f"systemctl {verb} failed", "")
        self.told.append([verb, *rest])
        if verb in ("start", "restart"):
            self.active |= set(rest)
        if verb == "disable":
            self.active -= set(rest)
        return ""

    def _shown(self, unit: str, busy: str) -> str:
        on = unit in self.active
        state = "failed" if unit in self.failed else "active" if on else "activating" if unit == busy else "inactive"
        return f"Id={unit}\nActiveState={state}\nUnitFileState={'enabled' if on else 'disabled'}\n"

    def verbs(self) -> list[str]:
        found = [" ".join(one) for one in self.told]
        self.told.clear()
        return found


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    made = Systemd()
    monkeypatch.setattr(working, "ours", made.ours)
    monkeypatch.setattr(working, "UNITS", tmp_path / "units")
    monkeypatch.setattr(working, "stamp_of", lambda unit: tmp_path / f"stamp-{unit}.timer")
    monkeypatch.setattr(working, "acting_as", lambda _: nullcontext())
    monkeypatch.setattr(working, "LOOK", 0.001)
    (tmp_path / "units").mkdir()
    return made


@pytest.fixture
def timers(systemd: Systemd, tmp_path: Path) -> Timers:
    """Those of a site with a version that runs two commands, one that runs one of them at another time, and an older
    one without any."""
    state = State(SITE, tmp_path / "state")
    state.create()
    write_mark(state, LIVE, Mark(schedule={"clear": CLEAR, "each": EACH}))
    write_mark(state, NEW, Mark(schedule={"clear": replace(CLEAR, at="daily")}))
    return Timers(state, layout(), single=True)


CLEAR_UNIT, EACH_UNIT = "switchback-schedule-clear@django", "switchback-schedule-each@django"


def there(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "units").iterdir()}


def test_a_host_gets_what_a_version_wants_and_nothing_is_left_of_another(
    timers: Timers, systemd: Systemd, tmp_path: Path
) -> None:
    assert timers.apply(LIVE) == {"clear": CLEAR, "each": EACH}
    both = f"{CLEAR_UNIT}.timer {EACH_UNIT}.timer"
    assert systemd.verbs() == [f"enable {both}", "daemon-reload", f"restart {both}", f"start {both}"]
    assert there(tmp_path) == {f"{unit}.{kind}" for unit in (CLEAR_UNIT, EACH_UNIT) for kind in ("timer", "service")}
    assert timers.wrong(LIVE) == {}
    timers.apply(NEW)
    clear = f"{CLEAR_UNIT}.timer"
    assert systemd.verbs() == [
        f"disable {EACH_UNIT}.timer",
        "daemon-reload",
        f"enable {clear}",
        "daemon-reload",
        f"restart {clear}",
        f"start {clear}",
    ]
    timers.apply(OLD)
    assert there(tmp_path) == set()
    systemd.verbs()
    # Where nothing runs at times, nobody is asked for anything.
    timers.apply(OLD)
    timers.apply(None)
    assert systemd.told == []


def test_done_again_it_only_sees_to_it_that_they_run(timers: Timers, systemd: Systemd) -> None:
    timers.apply(LIVE)
    systemd.verbs()
    timers.apply(LIVE)
    assert not [one for one in systemd.verbs() if one.startswith(("restart", "disable"))]


def test_what_runs_on_one_host_only_is_on_no_other(timers: Timers, tmp_path: Path) -> None:
    other = replace(timers, single=False)
    assert other.apply(LIVE) == {"each": EACH}
    assert there(tmp_path) == {f"{EACH_UNIT}.timer", f"{EACH_UNIT}.service"}
    assert other.wrong(LIVE) == {}
    assert timers.wrong(LIVE) == {"clear": "has no timer"}


def test_what_came_due_before_a_command_was_there_is_not_made_up_for(timers: Timers, tmp_path: Path) -> None:
    stamp = tmp_path / f"stamp-{CLEAR_UNIT}.timer"
    stamp.touch()
    timers.apply(LIVE)
    assert not stamp.exists()
    # What came due while it was stopped is.
    stamp.touch()
    timers.apply(LIVE)
    assert stamp.exists()


def test_another_site_s_units_are_let_be(timers: Timers, tmp_path: Path) -> None:
    others = tmp_path / "units" / f"{unit_of('shop', 'clear')}.timer"
    others.touch()
    timers.apply(LIVE)
    timers.apply(OLD)
    assert there(tmp_path) == {others.name}


def test_where_systemd_refuses_it_is_said(timers: Timers, systemd: Systemd) -> None:
    systemd.fails = "enable"
    with pytest.raises(StepFailed, match=f"the timers can't be brought to what {LIVE} runs: systemctl enable failed"):
        timers.apply(LIVE)


def test_what_runs_is_waited_for_and_no_longer_than_there_is_time(timers: Timers, systemd: Systemd) -> None:
    timers.apply(LIVE)
    systemd.at_work = [f"{CLEAR_UNIT}.service"] * 3
    timers.stop(timers.there, time.time() + 60)
    assert systemd.at_work == []
    systemd.at_work = [f"{CLEAR_UNIT}.service"] * 3
    with pytest.raises(StepFailed, match=f"{CLEAR_UNIT} is still at work on what it began at its time"):
        timers.stop(["clear"], time.time() - 1)
    systemd.verbs()
    timers.stop([], 0)
    assert systemd.told == []


def test_units_that_are_not_as_they_should_be_are_told(timers: Timers, systemd: Systemd, tmp_path: Path) -> None:
    timers.apply(LIVE)
    file = tmp_path / "units" / f"{CLEAR_UNIT}.service"
    file.write_text(file.read_text() + "User=root\n")
    systemd.active.discard(f"{EACH_UNIT}.timer")
    assert timers.wrong(LIVE) == {
        "clear": "has a timer or a service that was changed",
        "each": "has a timer that is inactive and disabled",
    }
    assert timers.wrong(OLD) == dict.fromkeys(("clear", "each"), "has units that are left of another version")
    file.unlink()
    assert timers.wrong(LIVE)["clear"] == "has no timer"


def test_what_has_failed_at_its_time_is_told_and_keeps_nobody_from_a_deploy(timers: Timers, systemd: Systemd) -> None:
    timers.apply(LIVE)
    assert timers.failed(LIVE) == []
    systemd.failed.add(f"{CLEAR_UNIT}.service")
    assert (timers.failed(LIVE), timers.wrong(LIVE)) == ([f"{CLEAR_UNIT}.service"], {})
    assert need_notices(examples.site(failed_at_times=("x.service",))) == [
        "x.service has failed when it ran last: journalctl -u x.service says why"
    ]


def test_a_time_that_is_none_is_told_in_systemd_s_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def ours(argv: Sequence[str], *_: object) -> str:
        if argv[-1] == "hourly":
            return ""
        raise CommandFailed("failed", f"Failed to parse calendar specification '{argv[-1]}': Invalid argument\n")

    monkeypatch.setattr(working, "ours", ours)
    found = times_problems({"clear": replace(CLEAR, at="often"), "each": EACH})
    assert found == {"clear": "Failed to parse calendar specification 'often': Invalid argument"}


# --- The step


def test_it_says_what_runs_and_when() -> None:
    kind = named("schedule")
    assert kind
    assert kind.says(Scheduled(timed=("clear at daily",)), 0.1) == ["schedule: clear at daily"]
    assert kind.says(Scheduled(), 0.1) == ["schedule: nothing runs at times any more"]
    assert ScheduledBefore(timed=("clear at daily",)).says() == "undone: schedule, it is clear at daily again"
    pause = named("pause")
    assert pause
    assert pause.says(Paused(programs=("a:a",), timers=("clear",)), 1.0) == [
        "pause: stopped a:a, the timer of clear in 1.0 s"
    ]


# --- The preview


def seen(**schedules: dict[str, Timed]) -> Any:
    versions = [replace(examples.version(name), schedule=told) for name, told in schedules.items()]
    return SimpleNamespace(version=lambda name: next((one for one in versions if one.name == name), None))


def test_a_preview_tells_what_becomes_of_each() -> None:
    run = examples.run(
        settings=examples.settings(schedule={"clear": {"run": "manage.py clearsessions", "at": "daily"}})
    )
    lines = ["~ clear at daily: manage.py clearsessions", "- each"]
    assert list(schedule_of(run, seen(**{LIVE: {"clear": CLEAR, "each": EACH}}))) == lines
    assert list(schedule_of(run, seen(**{LIVE: {}}))) == ["+ clear at daily: manage.py clearsessions"]
    # A version that is there already brings its own.
    assert list(schedule_of(run, seen(**{LIVE: {}, NEW: {"each": EACH}}))) == [
        "+ each at hourly, on each host: '~/bin/rotate' '50% of $HOME'"
    ]
    other = replace(run, single=False)
    assert schedule_of(other, seen(**{LIVE: {"clear": CLEAR}})) == ()


def fleet_of(live: dict[str, Timed], wanted: dict[str, Any]) -> Fleet:
    """A host that serves what is asked for, with some schedule; the settings want another one."""
    version = examples.version(LIVE, code=CODE, config=CONFIG, schedule=live)
    found = examples.fleet(web1=examples.host_facts(version, examples.version(OLD)))
    return Fleet({"web1": examples.settings(schedule=wanted)}, found.facts, "web1")


def test_another_schedule_alone_makes_another_version_and_the_same_one_does_not() -> None:
    wanted = {"clear": {"run": "manage.py clearsessions", "at": "*-*-* 04:00"}}
    assert plan_deploy(fleet_of({"clear": CLEAR}, wanted), Options())["web1"].idle
    for live in ({}, {"clear": replace(CLEAR, at="daily")}, {"clear": CLEAR, "each": EACH}):
        assert plan_deploy(fleet_of(live, wanted), Options())["web1"].version != LIVE
