"""How messages call a run where its settings are a project's own."""

from __future__ import annotations

import shlex

import click
import pytest

from switchback.settings.options import CommandLine
from switchback.typed import as_typed, call_runs_as_typed, command, own_environment, show


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("look: deploys/status.py", "look: switchback status"),
        ("(deploys/status.py lists them)", "(switchback status lists them)"),
        ("run deploys/clean.py, or make room", "run switchback clean, or make room"),
        ("deploys/deploy.py --data version=V tries it again", "switchback deploy --data version=V tries it again"),
        ("pyinfra /tree/inventories/elsewhere.py deploys/check.py", "switchback check"),
        # What is a path is no run.
        ("Loading: /tree/deploys/check.py", "Loading: /tree/deploys/check.py"),
        ("deploys/check.pyc and mydeploys/check.py", "deploys/check.pyc and mydeploys/check.py"),
        ("", ""),
    ],
)
def test_a_run_is_called_as_it_is_typed(text: str, expected: str) -> None:
    assert as_typed(text, "prod") == expected


def test_another_environment_than_the_usual_one_is_named() -> None:
    assert as_typed("next: deploys/recover.py", "staging") == "next: switchback recover -e staging"


@pytest.mark.parametrize(
    ("group_data", "environment"),
    [
        ((), None),
        (("more",), None),
        (("more/prod.yml",), None),
        (("deploy/prod.yml",), "prod"),
        (("a/deploy/b.yml",), "b"),
    ],
)
def test_only_settings_of_a_project_s_own_have_their_runs_called_so(
    group_data: tuple[str, ...], environment: str | None
) -> None:
    assert own_environment(group_data) == environment


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is done to click is undone."""
    monkeypatch.setattr(click, "echo", click.echo)


@pytest.mark.usefixtures("echo")
def test_what_is_for_people_says_so_and_what_is_for_programs_stays(capsys: pytest.CaptureFixture[str]) -> None:
    with click.Context(click.Command("pyinfra")) as context:
        context.params = {"group_data": ("deploy/prod.yml",)}
        call_runs_as_typed()
    click.echo("look: deploys/status.py", err=True)
    click.echo("look: deploys/status.py")
    told = capsys.readouterr()
    assert told.err == "look: switchback status\n"
    assert told.out == "look: deploys/status.py\n"


@pytest.mark.parametrize("err", [False, True])
@pytest.mark.parametrize(
    ("settings", "said"), [("deploy/staging.yml", "switchback clean -e staging"), ("more", "deploys/clean.py")]
)
def test_a_screen_that_goes_to_a_pipe_says_so_too(
    settings: str, said: str, err: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    show("run deploys/clean.py, or make room", CommandLine(group_data=(settings,)), err)
    told = capsys.readouterr()
    assert (told.err if err else told.out) == f"run {said}, or make room\n"
    assert (told.out if err else told.err) == ""


@pytest.mark.usefixtures("echo")
def test_in_a_clone_a_run_keeps_the_name_of_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    with click.Context(click.Command("pyinfra")) as context:
        context.params = {"group_data": ()}
        call_runs_as_typed()
    click.echo("look: deploys/status.py", err=True)
    assert capsys.readouterr().err == "look: deploys/status.py\n"


def test_the_command_of_another_run_is_for_the_same_hosts() -> None:
    clone = CommandLine(inventory="inventories/prod.py", limit=("web1",))
    line = shlex.join(command(clone, "revert", "-y"))
    assert line == "pyinfra inventories/prod.py --limit web1 deploys/revert.py -y"
    own = CommandLine(inventory="/tree/inventories/elsewhere.py", limit=("web1",), group_data=("deploy/staging.yml",))
    assert shlex.join(command(own, "revert", "-y")) == "switchback revert -e staging --limit web1 -y"
