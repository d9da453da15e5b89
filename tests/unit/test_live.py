"""The app that is live, for whoever runs it: what it says, commands of its own, and a host that is left to itself."""

from __future__ import annotations

import json
import os
import pwd
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyinfra.connectors import util

from agent.host.output import say_through
from agent.live import logs as live_logs
from agent.live import manage as live_manage
from agent.live.logs import logs, sources
from agent.live.manage import NO_VERSION, manage
from agent.runs import remove as removing
from agent.runs.remove import look, remove
from agent.state import State
from agent.versions.layout import Layout
from agent.words.outcomes import Refused as NotDone
from agent.words.requests import Logs, Manage, Remove, document
from agent.words.settings import Settings
from switchback.live.manage import _by_hand, _talks
from switchback.settings.errors import Refused
from switchback.settings.options import Options
from switchback.wire.results import KEPT, on_stdout
from tests.unit.agent_host import ID, Host
from tests.unit.examples import LIVE, OLD, settings

ME = pwd.getpwuid(os.getuid()).pw_name
ROOT = Path(__file__).parents[2]


@pytest.fixture
def told(host: Host, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of the host's app, which has a log for each of its processes."""
    monkeypatch.setattr(live_logs, "_of_journal", lambda unit, lines: f"{unit} has started\n")
    config = host.home / LIVE / "config"
    web = f"[program:web]\nstdout_logfile={host.home}/web_%(process_num)02d.log\n"
    (config / "supervisord.conf").write_text(f"[supervisord]\nlogfile={host.home}/supervisord.log\n{web}")
    for name in ("supervisord", "web_00", "web_01"):
        (host.home / f"{name}.log").write_text("".join(f"{name} says {number}\n" for number in range(9)))
    (host.home / "log").mkdir()
    (host.home / "log" / "payments.log").write_text("paid\n")
    known = settings(app_username=ME).for_host()
    monkeypatch.setattr(Layout, "home", property(lambda _: host.home), raising=False)
    monkeypatch.setattr(Layout, "of", classmethod(lambda cls, its: cls(its, host.home)))
    return replace(known, versions_dir=str(host.home), current_main=str(host.home / "django-current"))


def names(told: Settings, asked: str = "") -> list[str]:
    return [one.name for one in sources(Layout.of(told), asked)]


# --- Logs


def test_whatever_says_something_is_found_by_the_config_by_which_it_runs_and_can_be_asked_for_by_its_program(
    told: Settings,
) -> None:
    assert names(told) == ["django", "payments", "supervisord", "web_00", "web_01"]
    assert names(told, "web") == ["web_00", "web_01"]
    assert names(told, "web_01") == ["web_01"]
    assert names(told, "django") == ["django"]


def test_the_end_of_each_is_shown_without_what_is_secret(host: Host, told: Settings) -> None:
    with (host.home / "web_00.log").open("a") as file:
        file.write("https://me:pass1234@example.com/\n")
    found = logs(host.state, Logs(told, 2))
    assert {text.name: text.end for text in found.texts} == {
        "django": "django has started",
        "payments": "paid",
        "supervisord": "supervisord says 7\nsupervisord says 8",
        "web_00": "web_00 says 8\nhttps://***@example.com/",
        "web_01": "web_01 says 7\nweb_01 says 8",
    }


def test_one_that_is_not_there_is_answered_with_those_that_are(host: Host, told: Settings) -> None:
    found = logs(host.state, Logs(told, 2, "celery"))
    assert found.texts == ()
    assert found.problem == "there is no log of celery: there is django, payments, supervisord, web"


def test_what_the_app_lays_in_the_way_of_a_log_holds_nobody_up_and_leads_nowhere(host: Host, told: Settings) -> None:
    (host.home / "web_00.log").unlink()
    (host.home / "web_00.log").symlink_to("/etc/passwd")
    (host.home / "web_01.log").unlink()
    os.mkfifo(host.home / "web_01.log")
    ends = {text.name: text.end for text in logs(host.state, Logs(told, 2, "web")).texts}
    assert all(end.startswith("could not be read: ") for end in ends.values())
    assert len(ends) == 2


FOLLOWS = """
import sys
from pathlib import Path
from agent.live.logs import follow
from agent.state import State
from agent.versions.layout import Layout
from agent.words.requests import read_request
home = Path(sys.argv[1])
Layout.of = classmethod(lambda cls, its: cls(its, home))
_, request = read_request(sys.stdin.read())
follow(State("django", home / "state"), request)
"""


def wait_for(line: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout
    for said in process.stdout:
        if said.rstrip("\n") == line:
            return
    pytest.fail(f"nobody said {line}")


def follows(host: Host, told: Settings, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", FOLLOWS, str(host.home)], stdin=-1, stdout=-1, text=True, cwd=ROOT, errors="replace"
    )
    assert process.stdin
    process.stdin.write(document(Logs(told, 1, "web", seconds), "django"))
    process.stdin.close()
    return process


def test_what_comes_is_said_line_by_line_also_in_a_log_that_is_begun_anew_until_nobody_reads(
    host: Host, told: Settings
) -> None:
    process = follows(host, told, 60)
    log = host.home / "web_00.log"
    wait_for("web_01 | web_01 says 8", process)
    with log.open("a") as file:
        file.write("half a line")
        file.flush()
        file.write(" and \x1b[2J the rest\n")
    wait_for("web_00 | half a line and \\x1b[2J the rest", process)
    log.rename(host.home / "web_00.old")
    log.write_text("anew\n")
    wait_for("web_00 | anew", process)
    assert process.stdout
    process.stdout.close()
    assert process.wait(timeout=20) == 0


def test_a_journal_is_followed_through_a_pipe_that_whoever_writes_it_waits_for(
    host: Host, told: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "journalctl").write_text("#!/bin/sh\nprintf 'half '; sleep 0.5; echo a line; exec yes $0\n")
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setattr("agent.host.users.PATH", f"{tmp_path}:/usr/bin:/bin")
    followed = live_logs.Followed(Layout.of(told), live_logs.Source("django", "django"))
    try:
        assert followed._journal
        assert followed._journal.stdout
        assert select.select([followed._journal.stdout], [], [], 10)[0]
        assert followed.come() == []
        deadline = time.monotonic() + 10
        lines: list[str] = []
        while len(lines) < 50_000 and time.monotonic() < deadline:
            lines += followed.come()
        assert lines[0] == "half a line"
        assert {*lines[1:]} == {str(tmp_path / "journalctl")}
        assert str(Path(f"/proc/{followed._journal.pid}/fd/1").readlink()).startswith("pipe:")
    finally:
        followed.end()
    assert followed._journal.returncode is not None
    assert followed._journal.stdout.closed


def test_it_ends_by_itself_after_its_time(host: Host, told: Settings) -> None:
    assert follows(host, told, 0.1).wait(timeout=20) == 0


def test_of_what_is_printed_as_it_comes_the_controller_keeps_the_end_alone(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"line {number}\n" for number in range(3 * KEPT)]
    with on_stdout(without="[web1] "):
        printed = util.read_output_buffers(lines, [], 10, print_output=True, print_prefix="[web1] ")
    assert capsys.readouterr().out == "".join(lines)
    assert printed.stdout_lines == [line.rstrip() for line in lines[-KEPT:]]
    whole = util.read_output_buffers(lines, [], 10, print_output=False, print_prefix="")
    assert len(whole.stdout_lines) == len(lines)


# --- manage.py


@pytest.fixture
def app(host: Host, told: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An app whose manage.py does what it is told by its words."""
    bin_folder = host.home / LIVE / "venv" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "python").symlink_to(sys.executable)
    (host.home / LIVE / "config" / "manage.py").write_text(
        "import os, subprocess, sys, time\n"
        "print('in', os.getcwd(), sys.argv[1:], flush=True)\n"
        "{'fails': lambda: sys.exit(3), 'hangs': lambda: time.sleep(60), 'asks': lambda: input('sure? '),\n"
        " 'floods': lambda: os.execvp('yes', ['yes', 'x' * 4000]),\n"
        " 'dumps': lambda: print('[\\n' + 'row\\n' * 100000, end=']'),\n"
        " 'leaves': lambda: subprocess.Popen(['sleep', '321.5'])}.get(sys.argv[1], lambda: print('done \\x1b[2J'))()\n"
    )
    return told


def run(host: Host, app: Settings, *words: str, seconds: float = 20, force: bool = False) -> Any:
    try:
        return manage(host.state, Manage(app, words, seconds, force))
    finally:
        say_through(lambda _, text: print(text))


def test_a_command_runs_in_the_live_version_with_its_words_as_they_are(
    host: Host, app: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(host, app, "clearsessions", "a b", "$(id); rm *")
    assert (result.ok, result.code) == (True, 0)
    folder = host.home / LIVE / "config"
    assert capsys.readouterr().out == f"in {folder} ['clearsessions', 'a b', '$(id); rm *']\ndone \\x1b[2J\n"


def test_how_it_ends_is_told_with_its_exit_code_and_it_has_its_time(host: Host, app: Settings) -> None:
    failed = run(host, app, "fails")
    assert (failed.ok, failed.code, failed.sentence) == (False, 3, "manage.py ended with exit code 3")
    began = time.monotonic()
    late = run(host, app, "hangs", seconds=0.5)
    assert time.monotonic() - began < 15
    assert (late.ok, late.code) == (False, 1)
    assert late.sentence.startswith("manage.py took longer than 0.5 s and was stopped")


def test_all_that_it_prints_arrives_to_the_last_line_that_has_no_end(
    host: Host, app: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(host, app, "dumps").ok
    _, *lines = capsys.readouterr().out.splitlines()
    assert lines == ["[", *["row"] * 100_000, "]"]


def test_one_that_prints_without_end_is_stopped_and_told_so(host: Host, app: Settings) -> None:
    flooded = run(host, app, "floods")
    assert (flooded.ok, flooded.code) == (False, 1)
    assert flooded.sentence == "manage.py printed more than 100 MB and was stopped: have it print less, or write a file"


def test_it_can_ask_nobody_and_what_it_leaves_behind_ends_with_it(host: Host, app: Settings) -> None:
    assert run(host, app, "asks").code == 1
    assert run(host, app, "leaves").ok
    assert subprocess.run(["pgrep", "-f", "sleep 321.5"], check=False, capture_output=True).stdout == b""


def test_while_a_run_is_open_it_is_refused_with_who_holds_the_host_unless_that_is_forced(
    host: Host, app: Settings
) -> None:
    host.begin()
    with pytest.raises(NotDone, match=rf"deploy {ID} by ann@desk holds this host since .*--data force=true"):
        run(host, app, "migrate")
    assert run(host, app, "migrate", force=True).ok


def test_without_a_live_version_there_is_nothing_to_run(
    host: Host, app: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_manage, "linked_version", lambda *_: None)
    with pytest.raises(NotDone, match=NO_VERSION):
        run(host, app, "check")


@pytest.mark.parametrize(
    ("words", "talks"),
    [
        (["shell"], True),
        (["shell", "-c", "print(1)"], False),
        (["dbshell"], True),
        (["createsuperuser"], True),
        (["createsuperuser", "--noinput", "--username", "ann"], False),
        (["changepassword", "ann"], True),
        (["migrate"], False),
    ],
)
def test_a_command_that_has_a_conversation_is_for_a_terminal(words: list[str], talks: bool) -> None:
    assert _talks(words) is talks


def test_what_a_person_types_for_that_is_named_with_how_the_host_is_reached() -> None:
    host: Any = SimpleNamespace(name="web1", data={"ssh_hostname": "10.0.0.7", "ssh_port": 2222, "ssh_key": "/k ey"})
    says = _by_hand(host, settings(), ["shell"])
    assert says == "ssh -t -p 2222 -i '/k ey' admin@10.0.0.7 'sudo -u app ~app/bin/manage shell'"
    host.data = {}
    assert _by_hand(host, settings(), ["changepassword", "o'neil"]) == (
        "ssh -t admin@web1 'sudo -u app ~app/bin/manage changepassword '\"'\"'o'\"'\"'\"'\"'\"'\"'\"'\"'neil'\"'\"''"
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"command": "manage.py check"}, 'command must begin with the command itself, not "manage.py check"'),
        ({"command": "--version"}, "which is no command"),
        ({"command": "a 'b"}, "can't be told apart into words"),
        ({"command": ""}, "command"),
        ({"process": "../etc"}, ""),
        ({"process": "$(id)"}, "process must be the name of a log or a program"),
        ({"lines": "0"}, "lines must be"),
        ({"timeout": "x"}, "timeout must be"),
    ],
)
def test_what_can_t_be_meant_is_refused_before_any_host_is_asked(data: dict[str, str], says: str) -> None:
    if not says:
        # Only a name to compare with, whatever it looks like.
        assert Options.of(data).process == "../etc"
        return
    with pytest.raises(Refused) as problem:
        Options.of(data)
    assert says in str(problem.value)


# --- A host that is left to itself


@pytest.fixture
def laid_out(host: Host, told: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A host with what is ours of two sites; systemd is told, and does nothing."""
    units, library, asked = tmp_path / "units", tmp_path / "library", list[str]()
    for folder in (
        units,
        library / "abc",
        library / "def",
        host.home / ".switchback" / "code.git",
        host.home / "backups",
    ):
        folder.mkdir(parents=True)
    for unit in ("switchback@django.service", "switchback@django.path", "switchback@other.service", "django.service"):
        (units / unit).write_text("")
    (units / "switchback-schedule-clean@django.timer").write_text("")
    other = State("other", host.state.base)
    for state, agent in ((host.state, "abc"), (other, "def")):
        state.create()
        state.agent.symlink_to(library / agent)
    monkeypatch.setattr(removing, "UNITS", units)
    monkeypatch.setattr(removing, "LIBRARY", library)
    monkeypatch.setattr("agent.runs.install.LIBRARY", library)
    monkeypatch.setattr("agent.sites.earlier.UNITS", units)
    monkeypatch.setattr(State, "socket", property(lambda its: tmp_path / "run" / its.site / "socket"))

    def ask(argv: Sequence[str], *_: object) -> str:
        asked.append(" ".join(argv))
        return ""

    monkeypatch.setattr(removing, "ours", ask)
    return SimpleNamespace(units=units, library=library, asked=asked, other=other)


def test_what_goes_and_what_stays_is_shown_and_nothing_is_changed(host: Host, told: Settings, laid_out: Any) -> None:
    found = look(host.state, Remove(told))
    goes = [str(Path(path).relative_to(host.home.parent)) for path in found.goes]
    assert goes == [
        "units/switchback@django.path",
        "units/switchback@django.service",
        "state/django",
        "library/abc",
        "home/.switchback",
    ]
    stays = {Path(path).name for path in found.stays}
    assert {"django-current", "django.service", "switchback-schedule-clean@django.timer", "backups"} <= stays
    assert found.problem == ""
    assert laid_out.asked == []
    assert host.state.root.is_dir()


def test_all_of_it_goes_and_the_site_and_other_sites_stay_and_a_second_time_changes_nothing(
    host: Host, told: Settings, laid_out: Any
) -> None:
    assert remove(host.state, Remove(told, look=False)).ok
    assert sorted(path.name for path in laid_out.units.iterdir()) == [
        "django.service",
        "switchback-schedule-clean@django.timer",
        "switchback@other.service",
    ]
    assert [path.name for path in laid_out.library.iterdir()] == ["def"]
    assert [path.name for path in host.state.base.iterdir()] == ["other"]
    assert not (host.home / ".switchback").exists()
    assert (host.home / LIVE / "config").is_dir()
    assert (host.home / OLD).is_dir()
    assert host.links()["django-current"] == LIVE
    assert laid_out.asked[0] == "systemctl disable --quiet --now switchback@django.path switchback@django.service"
    assert look(host.state, Remove(told)).goes == {}
    assert remove(host.state, Remove(told, look=False)).ok


def test_while_a_run_is_open_nothing_goes(host: Host, told: Settings, laid_out: Any) -> None:
    host.begin()
    assert f"deploy {ID} by ann@desk holds this host since" in look(host.state, Remove(told)).problem
    with pytest.raises(NotDone, match="nothing was removed: "):
        remove(host.state, Remove(told, look=False))
    assert laid_out.asked == []
    assert host.state.lock.exists()


def test_of_the_last_site_the_folders_for_all_sites_go_too(host: Host, told: Settings, laid_out: Any) -> None:
    remove(laid_out.other, Remove(replace(told, systemd_service="other"), look=False))
    remove(host.state, Remove(told, look=False))
    assert not host.state.base.exists()
    assert not laid_out.library.exists()
    assert json.loads(json.dumps(laid_out.asked))
