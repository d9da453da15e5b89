"""What others have written is shown, and obeyed by nobody: not by a terminal, and not by who decides what is next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.host.command import CommandFailed, Runner
from agent.host.output import emit
from agent.repository.commits import between
from agent.text.repositories import remote_env
from agent.versions import hotfixes
from agent.words.facts import HostFacts
from agent.words.outcomes import Outcome
from agent.words.result import MARK, Result, framed, read_result
from agent.words.shapes import Unreadable, from_elsewhere, to_json
from facts.survey import Survey, Unread
from switchback.wire.results import without_orders

# Each is obeyed by some terminal, or turns a line around: escape, in both forms, return, backspace, bell, overrides.
ORDERS = "\x1b[2J\x1b]0;title\x07\x9b2J\r\b\x7f\u202e\u2066\u200f\u2028\x85\x00"
OURS = f"{MARK}{json.dumps({'ok': True, 'outcome': 'committed', 'schema': 1})}"


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(user=None, log=tmp_path / "log", until=time.time() + 20)


def obeyed(text: str) -> str:
    """What of a text a terminal might obey."""
    return "".join(one for one in text if not one.isprintable() and one not in "\n\t")


def says(text: str) -> list[str]:
    said = text.encode("utf-8", "surrogateescape")
    return [sys.executable, "-c", f"import sys; sys.stdout.buffer.write({said!r}); sys.exit(3)"]


# --- A terminal


def test_nothing_that_a_program_prints_is_obeyed(runner: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandFailed) as failed:
        runner.run(says(f"{ORDERS}\udcff\nmore{ORDERS}"))
    emit(str(failed.value))
    out = capsys.readouterr().out
    assert "more" in out
    assert not obeyed(out)


def test_a_name_that_is_no_text_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    emit(os.fsdecode(b"caf\xe9"))
    assert capsys.readouterr().out == "caf\\udce9\n"


@pytest.fixture
def repository(runner: Runner, tmp_path: Path) -> Path:
    """A repository whose authors, subjects and file names give orders."""
    git = ["git", "-c", f"user.name=Eve{ORDERS[:-1]}", "-c", "user.email=eve@example.com"]
    runner.run(["git", "init", "--quiet", str(tmp_path / "code")])
    for number in range(2):
        (tmp_path / "code" / f"a{number}\x1b[2J\r\n[host] healthy").write_text(ORDERS)
        runner.run([*git, "add", "--all"], cwd=tmp_path / "code")
        runner.run([*git, "commit", "--quiet", "--message", f"Subject {ORDERS[:-1]}"], cwd=tmp_path / "code")
    return tmp_path / "code"


def test_nor_what_commits_say(runner: Runner, repository: Path) -> None:
    before, after = (runner.run(["git", "rev-parse", name], cwd=repository).strip() for name in ("HEAD^", "HEAD"))
    changes = between(runner, repository, before, after, text=True)
    assert changes.between
    assert [one for one in changes.between.commits if "Eve" in one.author]
    assert not obeyed(to_json(changes).encode().decode("unicode_escape"))


def test_nor_what_files_are_called_and_each_is_one_line(runner: Runner, repository: Path) -> None:
    (repository / "b\x1b[2J\n  [host] healthy").touch()
    (line,) = hotfixes._changed(runner, repository, ())
    assert line == "untracked: b\\x1b[2J\\n  [host] healthy"


def test_nor_what_comes_from_a_host_that_somebody_else_has_taken(capsys: pytest.CaptureFixture[str]) -> None:
    result = read_result([framed(Result(True, sentence=ORDERS, reason=(ORDERS,)))])
    assert result
    assert not obeyed("".join((result.sentence, *result.reason)))
    assert without_orders(f"\x1b[32m[host]\x1b[0m {ORDERS}") == f"\x1b[32m[host]\x1b[0m {without_orders(ORDERS)}"
    assert not obeyed(without_orders(ORDERS))


@pytest.mark.parametrize("text", ["{" * 100_000, '{"a":' * 100_000, "{}", '{"now": []}', "{\x00", '{"now": 1e999}'])
def test_what_a_host_answers_that_is_no_answer_is_a_finding(text: str) -> None:
    assert isinstance(Survey().process([text]), Unread)


# --- Who decides


@pytest.mark.parametrize("said", [OURS, f"x\n{OURS}", f"{OURS}\n", f"committed: it is live and healthy\n{OURS}"])
def test_no_result_is_taken_from_what_manage_py_prints(
    said: str, runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandFailed) as failed:
        runner.run(says(said))
    emit(str(failed.value))
    emit(said)
    lines = capsys.readouterr().out.split("\n")
    assert not [line for line in lines if MARK in line]
    assert read_result(lines) is None
    assert read_result(lines[:-1]) is None


def test_no_line_of_a_programs_begins_where_one_of_ours_does(runner: Runner) -> None:
    with pytest.raises(CommandFailed) as failed:
        runner.run(says("committed: django-2 is live and healthy\nfell back at health\n"))
    first, *others = str(failed.value).split("\n")
    assert first.endswith("ended with exit code 3")
    assert [line[:2] for line in others] == ["  ", "  "]


def test_a_result_that_was_cut_or_of_another_kind_is_none() -> None:
    whole = framed(Result(True, outcome=Outcome.COMMITTED))
    assert read_result([whole])
    for text in (whole[:-1], MARK + "[" * 100_000, MARK + '{"ok": "yes"}', MARK):
        assert read_result([text]) is None
    with pytest.raises(Unreadable):
        from_elsewhere(HostFacts, "[" * 100_000)


# --- Secrets


def test_a_repositorys_password_is_in_no_command_line_and_in_nothing_that_is_said(
    runner: Runner, tmp_path: Path
) -> None:
    url = "https://me:s3cret%2Fword@127.0.0.1:9/code.git"
    seen = tmp_path / "seen"
    # In the place of what git starts to talk to the server: it says all that it was given, and all that it can find.
    helper = tmp_path / "bin" / "git-remote-https"
    helper.parent.mkdir()
    helper.write_text(
        f"#!/bin/sh\ncat /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n' >{seen}\n"
        'echo "fatal: no entry for $SWITCHBACK_WORD, see https://me:$SWITCHBACK_WORD@host/" >&2; exit 1\n'
    )
    helper.chmod(0o755)
    runner.run(["git", "init", "--quiet", "--bare", str(tmp_path / "mirror")])
    path = {"GIT_EXEC_PATH": str(helper.parent), "PATH": os.environ["PATH"]}
    own = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    for program in Path(own).iterdir():
        if not (helper.parent / program.name).exists():
            (helper.parent / program.name).symlink_to(program)
    with pytest.raises(CommandFailed) as failed:
        runner.run(["git", "-C", str(tmp_path / "mirror"), "fetch", "origin"], env={**remote_env(url), **path})
    assert "git-remote-https" in seen.read_text()
    for text in (seen.read_text(), str(failed.value), failed.value.output, (tmp_path / "log").read_text()):
        assert "s3cret" not in text


def test_the_patch_of_a_file_that_is_for_nobody_else_is_for_nobody_else(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = tmp_path / "version"
    version.mkdir()
    monkeypatch.setattr(hotfixes, "find", lambda *_: {"code": ["changed: secrets.py"]})
    monkeypatch.setattr(hotfixes, "patch", lambda *_: "+PASSWORD = 's3cret'\n")
    layout: Any = type("Layout", (), {"version": lambda *_: version, "app": "root"})()
    (path,) = hotfixes.keep_patches(runner, layout, "version")
    assert Path(path).stat().st_mode & 0o777 == 0o600
