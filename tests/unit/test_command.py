"""Running a program for a step: what becomes of its output."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import main
from agent.host import output, processes
from agent.host.command import SAYS_AT_MOST, CommandFailed, Runner
from agent.host.output import emit
from agent.state import State
from agent.transaction.journal import Journal
from tests.unit.journals import records_of, says


def runner(log: Path) -> Runner:
    return Runner(user=None, log=log, until=time.time() + 30)


def test_all_that_a_command_says_is_in_the_log_and_what_it_says_to_its_caller_is_returned(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    assert runner(log).run(["sh", "-c", "echo found; echo careful >&2"]) == "found\n"
    assert log.read_text() == "$ sh -c echo found; echo careful >&2\nfound\ncareful\n[exit code 0]\n"


def test_a_log_that_can_not_be_written_is_told_and_fails_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = Path("/dev/full")
    assert runner(full).run(["echo", "found"]) == "found\n"
    assert capsys.readouterr().out.startswith("/dev/full can't be written: ")
    with pytest.raises(CommandFailed, match="sh -c ended with exit code 3"):
        runner(full).run(["sh", "-c", "exit 3"])


def test_a_command_needs_no_room_for_its_output_on_any_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    assert runner(tmp_path / "step.log").run(["sh", "-c", "yes | head -c 1000000"]).count("y") == 500_000


def test_of_a_line_without_an_end_only_the_beginning_is_told_and_kept(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    with pytest.raises(CommandFailed) as failed:
        runner(log).run(["sh", "-c", "head -c 10000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 3"])
    first, *middle, last = str(failed.value).split("\n")
    assert (first, last) == ("sh -c ended with exit code 3", "  the end")
    assert len("".join(middle)) < 2_000
    assert log.stat().st_size < 30_000


def test_what_a_command_answers_is_whole_though_its_log_is_not(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    said = runner(log).run(["sh", "-c", "head -c 10000000 /dev/zero | tr '\\0' x"])
    assert said == "x" * 10_000_000
    assert log.stat().st_size < 30_000


def test_a_command_that_prints_without_end_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="yes printed more than 100 MB and was stopped"):
        Runner(user=None, log=None, until=time.time() + 60).run(["yes"])


def test_a_command_that_takes_too_long_is_stopped() -> None:
    began = time.monotonic()
    with pytest.raises(CommandFailed, match="sleep 60 took too long and was stopped"):
        Runner(user=None, log=None, until=time.time() + 0.3).run(["sleep", "60"])
    assert time.monotonic() - began < 10


def test_what_is_said_is_bounded_and_a_terminal_obeys_none_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    emit("red \x1b[31m and back\r\nnext" + "x" * 1_000_000)
    told = capsys.readouterr().out
    assert told.startswith("red \\x1b[31m and back\\r\nnext")
    assert len(told) < 20_000


def test_what_is_journaled_is_bounded(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(says("step failed", step="backup", reason="x" * 10_000_000, note={"lines": ["y" * 10_000_000]}))
    assert journal.path.stat().st_size < 30_000
    assert records_of(journal)[0]["step"] == "backup"


@pytest.fixture
def umask() -> Iterator[None]:
    """As a careful admin's login has it."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_what_is_made_can_be_read_whatever_umask_the_login_of_its_caller_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(*_: object) -> int:
        (tmp_path / "ours").mkdir()
        runner(tmp_path / "step.log").run(["mkdir", "theirs"], cwd=tmp_path)
        return 0

    monkeypatch.setitem(main.UNITS, "make", make)
    assert main.main(["make", ""]) == 0
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("ours", "theirs")] == [0o755, 0o755]


def test_a_command_of_the_apps_is_led_nowhere_where_the_app_may_not_go(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "link").symlink_to("closed")
    # Only root can become somebody else; whoever else runs this may not go there either.
    theirs = Runner(user="nobody" if os.getuid() == 0 else None, log=None, until=time.time() + 30)
    assert theirs.run(["pwd"], cwd=tmp_path / "open").strip() == str(tmp_path / "open")
    for name in ("closed", "link", "closed/inner"):
        with pytest.raises(PermissionError):
            theirs.run(["pwd"], cwd=tmp_path / name)


def test_what_a_command_knows_and_must_not_say_is_nowhere(tmp_path: Path) -> None:
    log = tmp_path / "log"
    runner = Runner(user=None, log=log, until=time.time() + 60, secrets=("s3cret", "s3cret/longer"))
    with pytest.raises(CommandFailed) as failed:
        runner.run(["sh", "-c", "echo looked at s3cret/longer; echo with s3cret >&2; exit 1"])
    assert "looked at ***\nwith ***" in failed.value.output
    assert "s3cret" not in log.read_text().partition("\n")[2]
    # What it says to its caller, a document say, is whole.
    assert runner.run(["echo", '{"s3cret": 1}']) == '{"s3cret": 1}\n'


# Says how it is asked to end, and obeys the second time; what it has started obeys nothing but SIGKILL.
STUBBORN = """
import os, signal, subprocess, sys, time

def told(number, frame):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGTERM:
        os._exit(0)

if len(sys.argv) > 1:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(os.getpid(), flush=True)
else:
    signal.signal(signal.SIGINT, told)
    signal.signal(signal.SIGTERM, told)
    subprocess.Popen([sys.executable, __file__, "child"])
while True:
    time.sleep(1)
"""


def test_a_command_over_its_limit_is_asked_first_as_with_ctrl_c_and_ends_with_all_that_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each in its turn, but sooner than a host would wait.
    monkeypatch.setattr(processes, "STOPS", [(number, min(grace, 0.5)) for number, grace in processes.STOPS])
    program = tmp_path / "stubborn.py"
    program.write_text(STUBBORN)
    with pytest.raises(CommandFailed, match="took too long and was stopped") as failed:
        Runner(user=None, log=None, until=time.time() + 5).run([sys.executable, str(program)])
    child, *asked = failed.value.output.split()
    assert asked == ["SIGINT", "SIGTERM"]
    assert not Path(f"/proc/{child}").exists() or processes.stat_of(Path(f"/proc/{child}"))[0] in "ZX"


def test_a_command_that_is_interrupted_takes_all_that_it_has_started_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupts(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as soon:
        soon.setattr("agent.host.command.says_too_much", interrupts)
        runs = Runner(user=None, log=None, until=time.time() + 60)
        started = runs.start(["sh", "-c", "sleep 60 & wait"])
        with pytest.raises(KeyboardInterrupt):
            runs.finish(started)
    assert not processes.group_runs(started.process.pid, None)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_command_of_the_apps_has_its_users_rights_and_groups_and_a_login_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_SECRET", "roots own")
    before = os.getgroups()
    os.setgroups([0, 4])
    try:
        told = Runner(user="nobody", log=None, until=time.time() + 30).run(["sh", "-c", "id -u; id -g; id -G; env"])
    finally:
        os.setgroups(before)
    uid, gid, groups, *env = told.splitlines()
    entry = pwd.getpwnam("nobody")
    assert (uid, gid) == (str(entry.pw_uid), str(entry.pw_gid))
    assert {*groups.split()} == {str(group) for group in os.getgrouplist("nobody", entry.pw_gid)}
    assert f"HOME={entry.pw_dir}" in env
    assert not [line for line in env if line.startswith("DJANGO_SECRET")]


@pytest.mark.parametrize("password", ["hunter2", "hunt@er2x", "@hunt@er2x", "hunt/er2x", "hunt/er@2x#y"])
def test_a_password_in_what_a_command_says_is_in_no_message_and_in_no_log(tmp_path: Path, password: str) -> None:
    log = tmp_path / "log"
    url = f"https://me:{password}@git.example.com/site.git"
    with pytest.raises(CommandFailed) as failed:
        runner(log).run(["sh", "-c", 'echo "from $1"; echo "no such place: $1" >&2; exit 1', "sh", url])
    for said in (str(failed.value), failed.value.output, log.read_text()):
        assert "https://***@git.example.com/site.git" in said
        assert "hunt" not in said
        assert "er2x" not in said


def test_what_commands_have_said_is_for_nobody_else_to_read(tmp_path: Path) -> None:
    state = State("django", tmp_path / "state")
    state.create()
    assert {path.stat().st_mode & 0o777 for path in (state.root, *state.root.iterdir())} == {0o700}


@pytest.mark.parametrize("problem", [OSError(38, "Function not implemented"), AttributeError("pidfd_open")])
def test_on_an_old_kernel_a_command_ends_all_the_same(problem: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> int:
        raise problem

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert Runner(None, None, time.time() + 20).run(["echo", "done"]) == "done\n"
    with pytest.raises(CommandFailed, match="took too long"):
        Runner(None, None, time.time() + 0.2).run(["sleep", "20"])


def test_what_a_command_prints_is_said_line_by_line_as_it_comes_and_without_secrets(tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    output.say_through(lambda loud, text: said.append((loud, text)))
    try:
        script = "echo one; printf 'tw'; sleep 0.2; echo 'o hunter22'; echo 'switchback-result: {}'; printf rest"
        Runner(None, None, time.time() + 10, secrets=["hunter22"]).run(["sh", "-c", script])
    finally:
        output.say_through(output._to_controller)
    assert said == [("detail", "one"), ("detail", "two ***"), ("detail", "rest")]


def what_is_said(script: str, shown: int = output.RELAYED_AT_ONCE, seconds: float = 60) -> list[str]:
    """What is said of a command's output, whatever becomes of it."""
    said: list[str] = []
    output.say_through(lambda loud, text: said.append(text))
    try:
        with contextlib.suppress(CommandFailed):
            Runner(None, None, time.time() + seconds, shown=shown).run(["sh", "-c", script])
    finally:
        output.say_through(output._to_controller)
    return said


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("printf 'abc\\nlast'", ["abc", "last"]),
        ("seq 1 200000; printf end", [*map(str, range(1, 200001)), "end"]),
        ("seq 1 200000; echo Error >&2; sleep 0.1; exit 1", [*map(str, range(1, 200001)), "Error"]),
        ("seq 1 200000 >&2; printf Error >&2; exit 1", [*map(str, range(1, 200001)), "Error"]),
    ],
)
def test_all_that_a_command_prints_is_said_where_nothing_else_keeps_it_also_what_comes_right_before_its_end(
    script: str, lines: list[str]
) -> None:
    assert what_is_said(script, shown=SAYS_AT_MOST) == lines


def test_what_a_command_says_when_it_is_asked_to_stop_is_said() -> None:
    script = "trap 'echo interrupted; exit 1' INT; sleep 60 & wait"
    # What is started in the background of a script ignores that signal, and with it all that it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        # What is stopped before it has begun, as on a busy machine, says nothing.
        tries = (what_is_said(script, seconds=seconds) for seconds in (2, 10, 30))
        assert next((said for said in tries if said), []) == ["interrupted"]
    finally:
        signal.signal(signal.SIGINT, before)


def test_of_what_a_step_prints_at_once_a_look_is_said_and_how_much_there_is_besides() -> None:
    said = what_is_said("yes 1234567 | head -c 8000000")
    assert said[-1].endswith("more bytes are not shown …")
    assert len(said) < 200_000
    assert what_is_said("yes 1234567 | head -c 100000; printf end")[-1] == "end"


def test_what_a_command_that_is_stopped_for_all_that_it_prints_has_yet_to_be_said_is_left_out() -> None:
    said = what_is_said("exec yes " + "x" * 4000, shown=SAYS_AT_MOST)
    assert sum(map(len, said)) < SAYS_AT_MOST // 2
    assert said[-1].endswith("more bytes are not shown …")


def test_what_is_left_is_read_in_pieces_however_long_its_last_line_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    read, real = list[int](), os.pread
    output.say_through(lambda loud, text: said.append(text))

    def counted(file: int, length: int, place: int) -> bytes:
        read.append(length)
        return real(file, length, place)

    monkeypatch.setattr(os, "pread", counted)
    file = os.memfd_create("output")
    try:
        os.write(file, b"x" * 5_000_000)
        output.Relayed(file, ()).finish(SAYS_AT_MOST)
    finally:
        output.say_through(output._to_controller)
        os.close(file)
    assert max(read) == output.RELAYED_AT_ONCE
    assert sum(len(line) for line in said) < 500_000


def test_a_line_that_has_no_end_is_said_where_there_is_enough_of_it(tmp_path: Path) -> None:
    said: list[str] = []
    output.say_through(lambda loud, text: said.append(text))
    file = os.memfd_create("output")
    try:
        os.write(file, b"x" * output.RELAYED_AT_ONCE + b"y")
        output.Relayed(file, ()).relay()
    finally:
        output.say_through(output._to_controller)
        os.close(file)
    (line,) = said
    assert line.startswith("xxx")
    assert "more characters" in line
