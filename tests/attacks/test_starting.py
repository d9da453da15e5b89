"""What is started for the app has what the app has, and nothing of root's; and what it says has an end."""

from __future__ import annotations

import json
import os
import pwd
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent import main
from agent.host import command
from agent.host.command import CommandFailed, Runner, in_memory, launch, ours
from agent.host.processes import started_at
from agent.restart import background, trial_start
from agent.restart.trial_start import Command, TrialStart
from agent.service.obstacles import is_users
from agent.service.supervisor_config import parse, programs
from agent.transaction.step import StepFailed
from agent.transaction.transaction import Kept
from agent.versions.layout import Layout
from tests.unit.examples import NEW
from tests.unit.healthy import host_settings

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can start something for another")

# Anybody who is not root.
APP = pwd.getpwnam("nobody")
SAYS_ALL = """
import json, os, signal
print(json.dumps({
    "ids": [*os.getresuid(), *os.getresgid()], "groups": os.getgroups(), "umask": os.umask(0), "env": dict(os.environ),
    "session": os.getsid(0) == os.getpid(), "files": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1],
    "leads": [os.readlink(f"/proc/self/fd/{n}") for n in (0, 1, 2)],
    "ignored": [n for n in (signal.SIGHUP, signal.SIGTERM) if signal.getsignal(n) == signal.SIG_IGN],
    "capabilities": [line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapEff", "CapPrm"))],
    "cwd": os.getcwd(),
}))
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of the app's user, and beside it what is root's alone."""
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o111)
    (tmp_path / "home").mkdir()
    os.chown(tmp_path / "home", APP.pw_uid, APP.pw_gid)
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "own" / "bin").mkdir()
    program = tmp_path / "own" / "bin" / "program"
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    yield tmp_path / "home"


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(user=APP.pw_name, log=None, until=time.time() + 20)


# --- Whose it is


def test_all_that_it_is_and_has_is_the_apps(runner: Runner, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOTS", "s3cret")
    for number in (signal.SIGHUP, signal.SIGTERM):
        before = signal.signal(number, main._let_pass)
        assert before is not None
    umask, held = os.umask(0o077), os.open("/etc/shadow", os.O_RDONLY)
    os.set_inheritable(held, True)
    try:
        told = json.loads(runner.run(["/usr/bin/python3", "-I", "-c", SAYS_ALL], cwd=home))
    finally:
        os.close(held)
        os.umask(umask)
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
    assert set(told["ids"]) == {APP.pw_uid, APP.pw_gid}
    assert set(told["groups"]) == set(os.getgrouplist(APP.pw_name, APP.pw_gid))
    assert told["umask"] == 0o022
    assert "ROOTS" not in told["env"]
    assert told["env"]["HOME"] == APP.pw_dir
    assert told["session"]
    assert told["files"] == [0, 1, 2]
    assert told["leads"][0] == "/dev/null"
    assert all(one.startswith("/memfd:") for one in told["leads"][1:])
    assert told["ignored"] == []
    assert {int(one, 16) for one in told["capabilities"]} == {0}
    assert told["cwd"] == str(home)


def test_it_is_led_into_no_folder_and_to_no_program_where_the_app_may_not_go(runner: Runner, home: Path) -> None:
    (home / "folder").symlink_to(home.parent / "own")
    (home / "program").symlink_to(home.parent / "own" / "bin" / "program")
    for folder in (home.parent / "own", home / "folder"):
        with pytest.raises(PermissionError):
            runner.run(["true"], cwd=folder)
    for program in (home / "program", home.parent / "own" / "bin" / "program"):
        with pytest.raises(PermissionError):
            runner.run([str(program)])
    # Nor where its own path leads there.
    with pytest.raises(PermissionError):
        runner.run(["program"], env={"PATH": f"{home.parent}/own/bin"})


def test_nobody_is_left_in_a_group_of_the_agents(runner: Runner) -> None:
    out = in_memory()
    for process in (
        runner.start(["sleep", "20"]).process,
        launch(["sleep", "20"], APP.pw_name, "/", {"PATH": os.environ["PATH"]}, out=out),
    ):
        assert os.getpgid(process.pid) == os.getsid(process.pid) == process.pid
        process.kill()
        process.wait()


@pytest.mark.parametrize("named", ["root", "0", "www-data", "%(ENV_HOME)s", "app ", "root\nuser=app", "00", " "])
def test_a_config_of_the_apps_starts_nothing_as_another(named: str) -> None:
    text = f"[fcgi-program:web]\ncommand=id\nsocket=tcp://127.0.0.1:8000\nuser={named}\n"
    (web,) = programs(parse(text)).values()
    layout = Layout(host_settings(app_username=APP.pw_name), Path("/home/app"))
    if not is_users(web, APP.pw_name):
        with pytest.raises(StepFailed):
            trial_start.as_supervisord_would(layout, {}, web, Path("/x"), 1)
        return
    # What names nobody is the app's: whatever it says, nothing else is ever started.
    assert trial_start.as_supervisord_would(layout, {}, web, Path("/x"), os.getpid()).user == APP.pw_name


# --- What it says


def test_who_prints_without_end_and_does_not_want_to_end_fills_nothing(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SAYS_AT_MOST", 5_000_000)
    script = "trap '' INT TERM; yes; sleep 0.2; yes"
    seen = []
    grows_no_more = command.grows_no_more

    def look(*files: Any) -> None:
        grows_no_more(*files)
        seen.append([os.fstat(file.fileno()).st_size for file in files])

    monkeypatch.setattr(command, "grows_no_more", look)
    with pytest.raises(CommandFailed, match="printed more than") as failed:
        runner.run(["sh", "-c", script])
    # What it has said by the time that it was seen is all that it has ever said.
    assert seen[0] == seen[-1]
    assert len(str(failed.value)) < 20_000


def test_a_line_without_end_is_cut_wherever_it_is_shown_or_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    runner = Runner(user=APP.pw_name, log=log, until=time.time() + 25)
    began = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises(CommandFailed) as failed:
        runner.run(["sh", "-c", "head -c 200000000 /dev/zero | tr '\\0' x; exit 3"])
    assert len(str(failed.value)) < 2_000
    assert log.stat().st_size < 100_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - began < 15


def test_who_outlives_a_command_says_nothing_more(runner: Runner, tmp_path: Path) -> None:
    started = runner.start(["sh", "-c", "(trap '' HUP; while :; do echo more || exit; done) & sleep 0.1"])
    copy = os.fdopen(os.dup(started.out.fileno()), "rb")
    runner.finish(started)
    size = os.fstat(copy.fileno()).st_size
    time.sleep(0.1)
    assert os.fstat(copy.fileno()).st_size == size
    os.killpg(started.process.pid, signal.SIGKILL)


def test_the_hosts_own_programs_are_read_no_further_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SAYS_AT_MOST", 1_000_000)
    with pytest.raises(CommandFailed, match="printed more than"):
        ours(["yes"])
    with pytest.raises(CommandFailed, match="took too long"):
        ours(["sleep", "20"], timeout=0.2)


def test_a_script_can_still_say_something_by_its_own_output(runner: Runner) -> None:
    assert runner.run(["sh", "-c", "echo one; echo two >>/dev/stdout; echo three >/dev/stderr"]) == "one\ntwo\n"


# --- The trial start


@pytest.fixture
def step(tmp_path: Path, home: Path) -> Any:
    def keep(what: str, pid: int, url: str, files: list[int]) -> Kept:
        kept[what] = Kept(what, pid, str(started_at(pid)), url, tuple(files))
        return kept[what]

    kept: dict[str, Kept] = {}
    transaction = SimpleNamespace(output=lambda name: tmp_path / "own" / name, kept=kept, keep=keep)
    settings = host_settings(health_timeout=5)
    return SimpleNamespace(transaction=transaction, settings=settings, layout=Layout(settings, home), version=NEW)


def trial(step: Any, script: str) -> TrialStart:
    return trial_start.start(step, Command(("sh", "-c", script), "/", {"PATH": os.environ["PATH"]}, APP.pw_name))


def test_a_trial_start_holds_no_file_of_roots(step: Any, home: Path) -> None:
    one = trial(step, "ls -l /proc/self/fd >&2; echo done; exec sleep 20")
    try:
        kept = step.transaction.kept[background.TRIAL_START]
        pid, end = kept.pid, time.monotonic() + 5
        while "done" not in background.words_of(kept.files[0]) and time.monotonic() < end:
            time.sleep(0.02)
        files = {str(name.readlink()) for name in Path(f"/proc/{pid}/fd").iterdir()}
        assert not [name for name in files if str(home.parent) in name]
        assert all(name.startswith(("socket:", "/memfd:", "pipe:")) for name in files)
    finally:
        one.end()
    said = (home.parent / "own" / background.TRIAL_START).read_text()
    assert "done" in said
    assert str(home.parent) not in said


def test_another_step_reads_what_it_says(step: Any) -> None:
    one = trial(step, "echo PAYMENT_KEY is not set; exec sleep 20")
    try:
        end = time.monotonic() + 5
        other = trial_start.begun(step)
        assert other
        while "PAYMENT_KEY" not in other._tail() and time.monotonic() < end:
            time.sleep(0.02)
        assert "PAYMENT_KEY is not set" in other._tail()
    finally:
        one.end()
