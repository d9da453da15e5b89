"""From a key's line to the owner's side, and the lines that make that way: as data."""

from __future__ import annotations

import ast
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchback.gateway import ask
from switchback.gateway.handed import LARGEST, Handed, from_environment, read_frame
from switchback.gateway.rules import Rule
from switchback.gateway.setup.steps import steps
from switchback.gateway.setup.texts import Places, ask_text, key_line, keys_text, run_text, sudoers_line
from switchback.gateway.words import NotAsked
from tests.unit.test_gateway_rules import KEY

PLACES = Places("deploy", "ann", Path("/home/ann"), Path("/home/ann/site's tool"), Path("/home/ann/v/bin/python"))


def test_what_was_asked_is_handed_over_as_it_is() -> None:
    environ = {"SSH_ORIGINAL_COMMAND": "deploy main", "SSH_CONNECTION": "10.0.0.7 4711 10.0.0.1 22", "GIT_DIR": "/x"}
    assert read_frame(ask.frame("ci", environ)) == Handed("ci", "deploy main", "10.0.0.7")
    assert read_frame(ask.frame("ci", {})) == Handed("ci", "", "")


@given(st.text())
def test_whatever_it_is_it_is_one_line_of_ascii_and_no_more_than_a_pipe_holds(text: str) -> None:
    framed = ask.frame("ci", {"SSH_ORIGINAL_COMMAND": text, "SSH_CONNECTION": text})
    assert framed.isascii()
    assert framed.count(b"\n") == 1
    assert len(framed) <= LARGEST
    assert read_frame(framed).asked == text[: ask.MOST]


def test_the_longest_that_can_be_asked_for_fits() -> None:
    framed = ask.frame("ci", {"SSH_ORIGINAL_COMMAND": "\U0001f600" * 100_000, "SSH_CONNECTION": "\U0001f600" * 1000})
    assert len(framed) <= LARGEST
    assert len(read_frame(framed).asked) == ask.MOST


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"deploy main",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b'{"name": "ci", "asked": "deploy"}',
        b'{"name": "ci", "asked": 1, "from": ""}',
        b'{"name": ["ci"], "asked": "", "from": ""}',
        b'{"name": "install", "asked": "", "from": ""}',
        b'{"name": "a b", "asked": "", "from": ""}',
        b'{"name": "ci\\n", "asked": "", "from": ""}',
        b'{"name": "ci", "asked": "", "from": ""} {}',
        b"[" * 100_000,
        b'{"name": "ci", "from": "", "asked": "' + b"a" * LARGEST + b'"}',
    ],
    ids=lambda data: str(data[:40]),
)
def test_anything_else_on_the_owners_side_is_refused(data: bytes) -> None:
    with pytest.raises(NotAsked):
        read_frame(data)


@given(
    st.binary()
    | st.dictionaries(st.sampled_from(["name", "asked", "from"]), st.text()).map(lambda d: json.dumps(d).encode())
)
def test_it_is_something_that_was_asked_for_or_refused(data: bytes) -> None:
    try:
        handed = read_frame(data)
    except NotAsked:
        return
    assert handed.name.isascii()


def test_a_key_of_the_owners_own_is_read_from_the_environment_alone() -> None:
    environ = {"SSH_ORIGINAL_COMMAND": "status", "SSH_CONNECTION": "10.0.0.7 1 2 3"}
    assert from_environment("ci", environ) == Handed("ci", "status", "10.0.0.7")
    assert from_environment("ci", {}) == Handed("ci", "", "here")
    for name in ("", "a b", "--handed-over", "install", "x\n"):
        with pytest.raises(NotAsked):
            from_environment(name, environ)


def test_the_line_of_a_key_starts_one_program_whatever_is_asked() -> None:
    assert key_line(PLACES, "ci", KEY) == (
        f'restrict,command="/usr/local/lib/switchback-gateway/deploy/ask ci ann" {KEY} ci\n'
    )
    rules = {"ci": Rule(key=KEY), "by-hand": Rule()}
    assert keys_text(PLACES, rules) == key_line(PLACES, "ci", KEY)


def test_sudo_lets_it_start_one_program_with_no_argument() -> None:
    assert sudoers_line(PLACES) == 'deploy ALL=(ann) NOPASSWD: /usr/local/lib/switchback-gateway/deploy/run ""\n'


def test_the_program_that_the_owner_runs_has_an_environment_of_its_own() -> None:
    line = run_text(PLACES).splitlines()[-1]
    goes, _, run = line.partition(" && exec ")
    assert shlex.split(goes) == ["cd", "/home/ann/site's tool"]
    words = shlex.split(run)
    assert words[:2] == ["/usr/bin/env", "-i"]
    assert words[2:5] == ["HOME=/home/ann", "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"]
    assert words[5:] == ["/home/ann/v/bin/python", "-m", "switchback.gateway", "--handed-over"]


def test_what_the_key_starts_needs_nothing_but_the_systems_python(tmp_path: Path) -> None:
    text = ask_text()
    assert text.startswith("#!/usr/bin/python3 -I\n")
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.partition(".")[0] for name in imported} <= set(sys.stdlib_module_names)


def test_no_variable_of_the_connections_reaches_what_is_started_then(tmp_path: Path) -> None:
    """The program itself, with another one in the place of sudo: what that gets is told."""
    sudo = tmp_path / "sudo"
    sudo.write_text(
        f"#!{sys.executable} -I\nimport json, os, sys\n"
        "print(json.dumps([sys.argv[1:], dict(os.environ), sys.stdin.read()]))\n"
    )
    sudo.chmod(0o755)
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    program = tmp_path / "ask"
    program.write_text(ask_text().replace("/usr/bin/python3", sys.executable).replace(ask.SUDO, str(sudo)))
    program.chmod(0o755)
    hostile = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": "x", "GIT_DIR": "/x", "LC_ALL": "C", "PATH": str(tmp_path)}
    done = subprocess.run(
        [str(program), "ci", "ann"],
        env={**hostile, "SSH_ORIGINAL_COMMAND": "deploy $(id)", "SSH_CONNECTION": "10.0.0.7 1 2 3"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    argv, environ, given = json.loads(done.stdout)
    assert argv == ["-n", "-u", "ann", "--", str(tmp_path / "run")]
    assert {key: value for key, value in environ.items() if key != "LC_CTYPE"} == {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
    }
    assert read_frame(given.encode()) == Handed("ci", "deploy $(id)", "10.0.0.7")


def test_setting_up_is_a_list_of_commands_in_which_all_that_lets_a_key_in_is_roots() -> None:
    rules = {"ci": Rule(key=KEY)}
    found = list(steps(PLACES, rules, has_user=False))
    assert found[0].argv[:2] == ("sudo", "useradd")
    assert "*" in found[0].argv
    written = {step.argv[-1]: step for step in found if "/dev/stdin" in step.argv}
    assert set(written) == {
        str(PLACES.programs / "ask"),
        str(PLACES.programs / "run"),
        str(PLACES.keys),
        str(PLACES.sudoers),
    }
    assert all(step.argv[4:8] == ("-o", "root", "-g", "root") for step in written.values())
    assert written[str(PLACES.keys)].given == keys_text(PLACES, rules)
    # A line that sudo does not understand would lock everybody out of it.
    checked = next(number for number, step in enumerate(found) if "visudo" in step.argv)
    assert found[checked].given == written[str(PLACES.sudoers)].given
    assert checked < found.index(written[str(PLACES.sudoers)])
    assert found[-1].argv == ("chmod", "o-rwx", str(PLACES.checkout))
    again = list(steps(PLACES, rules, has_user=True))
    assert again == found[1:]
