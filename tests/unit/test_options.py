"""What --data may say for one run, and how the command line is read."""

from __future__ import annotations

from typing import Any

import click
import pytest

from switchback.settings.errors import Refused
from switchback.settings.options import CommandLine, Options, read_command_line


def read(**params: Any) -> CommandLine:
    with click.Context(click.Command("pyinfra")) as context:
        context.params = params
        return read_command_line()


@pytest.mark.parametrize("ref", ["0012345", "12e4567", "1234567", "true", "null", "feature/one", "a=b"])
def test_a_ref_on_the_command_line_is_kept_exactly_as_it_is_typed(ref: str) -> None:
    line = read(data=(f"code={ref}",))
    assert Options.of(dict(line.data)).code == ref


def test_without_pyinfra_there_are_no_flags() -> None:
    assert read_command_line() == CommandLine()


def test_pyinfras_flags_are_read() -> None:
    line = read(dry=True, diff=True, yes=False, json_output=True, limit=("web1",), group_data=("more",), data=())
    assert line == CommandLine(dry=True, diff=True, json_output=True, limit=("web1",), group_data=("more",))


@pytest.mark.parametrize("text", ["code", "=main", ""])
def test_data_without_a_key_and_a_value_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="write it as --data KEY=VALUE"):
        read(data=(text,))


def test_nothing_is_said_by_default() -> None:
    said = Options.of({}).model_dump()
    assert said.pop("progress") == "auto"
    assert {key for key, value in said.items() if value is False} == {"force", "follow", "detailed_exitcode"}
    assert {value for value in said.values() if value is not False} == {None}


@pytest.mark.parametrize(
    ("data", "key", "value"),
    [
        ({"config": "release/2"}, "config", "release/2"),
        ({"version": "django-20250131-120000-1a2b3c4-5d6e7f8"}, "version", "django-20250131-120000-1a2b3c4-5d6e7f8"),
        ({"version": "by_hand.2"}, "version", "by_hand.2"),
        ({"pin": "by-hand"}, "pin", "by-hand"),
        ({"keep": "0"}, "keep", 0),
        ({"by": " Ann Müller, PR 123: $(x) "}, "by", "Ann Müller, PR 123: $(x)"),
        ({"deploy": "ab12"}, "deploy", "ab12"),
        ({"runs": "50"}, "runs", 50),
        ({"report": "/tmp/page.html"}, "report", "/tmp/page.html"),
        ({"force": "true"}, "force", True),
        ({"force": "False"}, "force", False),
        ({"database": "restore"}, "database", "restore"),
        ({"hotfixes": "discard"}, "hotfixes", "discard"),
        ({"irreversible": "accept"}, "irreversible", "accept"),
        ({"keep_versions": "3", "ssh_port": "22"}, "keep", None),
    ],
)
def test_an_option_has_its_type(data: dict[str, str], key: str, value: object) -> None:
    assert getattr(Options.of(data), key) == value


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"code": "x$(touch /tmp/x)"}, "--data: code must be a git ref"),
        ({"code": "-x"}, 'does not begin with "-", not "-x"'),
        ({"code": ""}, "code must be a git ref"),
        ({"version": "../etc"}, "must be a version's name"),
        ({"version": "-x"}, "must be a version's name"),
        ({"unpin": ".hidden"}, "must be a version's name"),
        ({"version": "by-hand", "code": "main"}, "leave out code= and config="),
        ({"keep": "-1"}, "keep must be at least 0"),
        ({"by": "Ann\nBob"}, "by must be one line of at most 100 characters that can be printed"),
        ({"by": "\u202eAnn"}, "by must be one line"),
        ({"by": " "}, "by must be one line"),
        ({"by": "a" * 101}, "by must be one line"),
        ({"deploy": "../x"}, "deploy must be a run's id, or a part of one"),
        ({"runs": "0"}, "runs must be at least 1"),
        ({"report": "/tmp"}, "must be the path of a file, and is a directory"),
        ({"report": "/no/such/page.html"}, "report must be in a directory that is there"),
        ({"keep": "all"}, 'keep must be a whole number, not "all"'),
        ({"force": "maybe"}, "force must be true or false"),
        ({"database": "drop"}, "database must be keep, reverse or restore"),
        ({"hotfixes": "ignore"}, "hotfixes must be refuse or discard"),
    ],
)
def test_a_bad_option_is_one_sentence_about_what_to_write(data: dict[str, str], says: str) -> None:
    with pytest.raises(Refused) as refused:
        Options.of(data)
    (problem,) = refused.value.problems
    assert says in problem
