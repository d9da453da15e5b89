"""What the settings may say of variables and secrets, and how secrets are read on the controller."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent.words.settings import ENDINGS
from switchback.settings import environment
from switchback.settings.environment import Source, read_address, read_secrets
from switchback.settings.errors import Refused
from switchback.settings.given import Given, checked
from switchback.settings.model import Settings
from tests.unit import healthy

MARK = "planted-value"


def made(**more: object) -> Settings:
    said = healthy.settings().model_dump(exclude_defaults=True)
    given = {key: Given(value, "prod.yml:1") for key, value in {**said, **more}.items()}
    return checked(Settings, given, "prod.yml")


def refused(**more: object) -> str:
    with pytest.raises(Refused) as problem:
        made(**more)
    return "\n".join(problem.value.problems)


@pytest.fixture(autouse=True)
def anew() -> None:
    environment._read.cache_clear()


def test_variables_are_taken_as_they_are() -> None:
    odd = {"A": "50% $HOME # 'x' \"y\"", "B": "two\nlines", "C": "", "_d9": "Grüße"}
    assert made(env=odd).env == odd
    assert made(env="DEBUG: 0\nNAME: a b").env == {"DEBUG": "0", "NAME": "a b"}


@pytest.mark.parametrize("name", ["1A", "A-B", "A B", "", "A=B", "Ä", "A\n"])
def test_a_name_that_no_variable_can_have_is_refused(name: str) -> None:
    for key in ("env", "secrets"):
        found = refused(**{key: {name: MARK if key == "env" else {"env": "X"}}})
        assert f"prod.yml:1: {key} must have names of variables (letters, digits and _, no digit first), not" in found
        assert MARK not in found


@pytest.mark.parametrize("name", ["VIRTUAL_ENV", "PYTHONHOME", "SWITCHBACK_VERSION"])
def test_what_the_launcher_sets_itself_is_refused(name: str) -> None:
    assert f"env must not have {name}, which Switchback sets itself" in refused(env={name: "x"})


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "PYTHONPATH", "DJANGO_SETTINGS_MODULE", "HOME"])
def test_what_a_project_may_have_a_reason_for_is_let_through(name: str) -> None:
    assert made(env={name: "x"}).env == {name: "x"}


@pytest.mark.parametrize(("value", "why"), [("a\0" + MARK, "NUL"), (MARK * 20_000, "longer than"), ([MARK], "else")])
def test_a_value_that_no_variable_can_have_is_refused_and_not_shown(value: object, why: str) -> None:
    found = refused(env={"A": value})
    assert why in found
    assert MARK not in found


def test_a_secret_that_stands_in_the_settings_is_refused_and_not_shown() -> None:
    for wrong in ({"A": MARK}, {"A": {"value": MARK}}, {"A": {"env": "X", "file": MARK}}, {"A": {"env": ""}}):
        found = refused(secrets=wrong)
        assert "must say where A is read" in found
        assert MARK not in found


def test_a_name_is_either_a_variable_or_a_secret() -> None:
    assert "prod.yml:1: secrets must not have what is in env as well: A" in refused(env={"A": "1"}, secrets=["A"])


def test_secrets_are_read_where_the_settings_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("two\nlines\n\n")
    monkeypatch.setenv("PLAIN", "  verbatim\n")
    monkeypatch.setenv("OTHER", "renamed")
    told = made(
        secrets={
            "PLAIN": {"env": "PLAIN"},
            "NAMED": {"env": "OTHER"},
            "KEY": {"file": str(file)},
            "TOLD": {"command": [sys.executable, "-c", "print('a b')"]},
        }
    )
    found = {"PLAIN": "  verbatim\n", "NAMED": "renamed", "KEY": "two\nlines\n", "TOLD": "a b"}
    assert read_secrets(told.secrets) == found
    assert made(secrets=["PLAIN"]).secrets == {"PLAIN": Source(env="PLAIN")}
    assert made(secrets="PLAIN").secrets == made(secrets="[PLAIN]").secrets == made(secrets=["PLAIN"]).secrets


def test_a_secret_is_asked_for_once_in_a_run(tmp_path: Path) -> None:
    count = tmp_path / "count"
    argv = [sys.executable, "-c", f"open({str(count)!r}, 'a').write('x'); print('value')"]
    for _ in range(2):
        assert read_secrets(made(secrets={"A": {"command": argv}}).secrets) == {"A": "value"}
    assert count.read_text() == "x"


def test_all_that_are_missing_are_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    monkeypatch.setenv("EMPTY", "")
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    fails = [sys.executable, "-c", "import sys; sys.exit('gpg: decryption failed: No secret key')"]
    told = made(
        secrets={
            "NOWHERE": {"env": "NOWHERE"},
            "EMPTY": {"env": "EMPTY"},
            "FILE": {"file": str(tmp_path / "none")},
            "HOLLOW": {"file": str(tmp_path / "empty")},
            "BINARY": {"file": str(tmp_path / "binary")},
            "COMMAND": {"command": fails},
            "GONE": {"command": ["/no/such/program"]},
            "SILENT": {"command": ["true"]},
        }
    )
    with pytest.raises(Refused) as problem:
        read_secrets(told.secrets)
    assert list(problem.value.problems) == [
        "secrets: NOWHERE: NOWHERE is not set here: export it before the run",
        "secrets: EMPTY: EMPTY is not set here: export it before the run",
        f"secrets: FILE: {tmp_path}/none can't be read: No such file or directory",
        f"secrets: HOLLOW: {tmp_path}/empty has nothing",
        f"secrets: BINARY: {tmp_path}/binary has something else than text (UTF-8)",
        f"secrets: COMMAND: {sys.executable} ended with exit code 1: gpg: decryption failed: No secret key",
        "secrets: GONE: /no/such/program can't be started: No such file or directory",
        "secrets: SILENT: true has nothing",
    ]


# --- Who is told how a run has ended


def test_who_is_told_is_an_address_that_is_read_elsewhere_or_a_command() -> None:
    slack = made(notify={"url": {"env": "A"}, "shape": "slack"}).for_host().notify
    assert slack
    assert (slack.run, slack.shape, slack.at) == ((), "slack", ENDINGS)
    command = made(notify="run: ~/bin/tell 'a b'\nat: fell_back, late_end").for_host().notify
    assert command
    assert (command.run, command.shape, command.at) == (("~/bin/tell", "a b"), "json", ("fell_back", "late_end"))
    assert made(notify="none").notify is None


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (f"https://hooks.example.com/{MARK}", "must say who is told"),
        ({"url": f"https://hooks.example.com/{MARK}"}, "must say where url is read, and never what it is"),
        ({"url": {"env": "A"}, "run": "x"}, "must have either `url` or `run`"),
        ({"shape": "json"}, "must have either `url` or `run`"),
        ({"run": "x", "shape": "slack"}, 'has the shape "slack": with `url` there are json and slack, with `run` only'),
        (
            {"run": "x", "at": ["fell back"]},
            'is told at "fell back", and there are committed, fell_back, needs_a_person',
        ),
        ({"run": "x", "at": []}, "is told at nothing"),
        ({"run": "x", "to": "me"}, 'has "to", and may have url, run, shape, at'),
        ({"run": "../x"}, "leads out of the code"),
    ],
)
def test_what_can_t_be_told_is_refused_and_no_address_is_shown(told: object, says: str) -> None:
    found = refused(notify=told)
    assert f"prod.yml:1: notify {says}" in found or says in found
    assert MARK not in found


def test_an_address_that_is_missing_or_none_refuses_a_deploy_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    monkeypatch.setenv("ODD", f"ftp://hooks.example.com/{MARK}")
    monkeypatch.setenv("WITH_LOGIN", f"https://me:{MARK}@hooks.example.com/")
    for name, says in (
        ("NOWHERE", "NOWHERE is not set here: export it before the run"),
        ("ODD", "what is read there must be an http:// or https:// address"),
        ("WITH_LOGIN", "what is read there must be an http:// or https:// address without a user and password"),
    ):
        with pytest.raises(Refused) as problem:
            read_address(Source(env=name))
        assert list(problem.value.problems) == [f"notify: url: {says}"]
