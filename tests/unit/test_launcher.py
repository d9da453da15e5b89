"""A version's launcher, as it runs: by its shebang, in a version that stands in for one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.environment.launcher import GIVEN, OURS, read_pairs, with_pairs
from agent.environment.written import launcher_text
from agent.service.supervisor_config import Program
from agent.state import State
from agent.versions.layout import Layout
from tests.unit.examples import settings

ODD = {
    "PERCENT": "50%(here)s %% %s",
    "DOLLAR": "$HOME ${HOME} $(id) `id`",
    "HASH": "a # b ; c",
    "QUOTES": "'single' \"double\" \\ back",
    "SPACES": "  two at each end  ",
    "LINES": "-----BEGIN KEY-----\nabc\n\n-----END KEY-----\n",
    "ABROAD": "Grüße, 你好 🚀",
    "EMPTY": "",
    "JSON": '{"a": [1, "b"]}',
}
# Prints its environment as it is, by a Python that decodes nothing.
SHOW = (
    "import json, os, sys; json.dump({n.decode(): v.decode() for n, v in os.environb.items()}, sys.stdout);"
    "sys.stdout.write('\\n' + json.dumps([sys.executable, os.getcwd(), sys.argv[1:]]))"
)


class Made:
    """A version with its launcher."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder.parent / "secrets.json"
        (folder / "venv/bin").mkdir(parents=True)
        (folder / "venv/bin/python").symlink_to("/usr/bin/python3")
        layout = Layout(settings().for_host(), folder.parent)
        text = launcher_text(layout, State("django")).replace("/etc/switchback/django/secrets.json", str(self.secrets))
        (folder / "run").write_text(text)
        (folder / "run").chmod(0o555)

    def run(self, *words: str, by: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        argv = [str(by or self.folder / "run"), *words]
        known = {"PATH": "/usr/bin:/bin", **env}
        return subprocess.run(argv, check=False, capture_output=True, text=True, env=known, cwd="/tmp", timeout=20)

    def seen(self, by: Path | None = None, **env: str) -> dict[str, str]:
        done = self.run("python", "-c", SHOW, by=by, **env)
        found: dict[str, str] = json.loads(done.stdout.splitlines()[0])
        return found


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "django-1")


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "de_DE.ISO-8859-1"])
def test_values_arrive_as_they_were_written_whatever_the_locale(made: Made, locale: str) -> None:
    (made.folder / "env.json").write_text(json.dumps(ODD), encoding="utf-8")
    made.secrets.write_text(json.dumps({"OF_THE_SITE": "s%e$c#r\net"}), encoding="utf-8")
    found = made.seen(LC_ALL=locale)
    assert {name: found[name] for name in ODD} == ODD
    assert found["OF_THE_SITE"] == "s%e$c#r\net"


def test_a_program_is_the_versions_own_though_it_is_started_by_a_link_that_leads_elsewhere_later(made: Made) -> None:
    link = made.folder.parent / "django-current"
    link.symlink_to(made.folder)
    done = made.run("python", "-c", SHOW, "a b", "*", by=link / "run")
    found, told = map(json.loads, done.stdout.splitlines())
    assert told == [f"{made.folder}/venv/bin/python", "/tmp", ["a b", "*"]]
    assert found["VIRTUAL_ENV"] == f"{made.folder}/venv"
    assert found["PATH"] == f"{made.folder}/venv/bin:/usr/bin:/bin"


def test_a_program_of_the_virtual_environment_is_found_first(made: Made) -> None:
    (made.folder / "venv/bin/true").write_text("#!/bin/sh\necho the own one\n")
    (made.folder / "venv/bin/true").chmod(0o755)
    assert made.run("true").stdout == "the own one\n"


def test_what_another_version_has_set_is_gone_where_this_one_does_not(made: Made, tmp_path: Path) -> None:
    (made.folder / "env.json").write_text('{"NEW": "1"}')
    assert OURS == "SWITCHBACK_ENV"
    found = made.seen(SWITCHBACK_ENV="OLD", OLD="1", KEPT="2", VIRTUAL_ENV="/v/old", PATH="/v/old/bin:/bin")
    assert (found.get("OLD"), found["KEPT"], found["NEW"], found[OURS]) == (None, "2", "1", "NEW")
    assert found["PATH"] == f"{made.folder}/venv/bin:/bin"


def test_what_a_run_of_switchbacks_has_given_for_this_version_holds_and_is_not_handed_on(made: Made) -> None:
    made.secrets.write_text('{"KEY": "of the site", "OTHER": "1"}')
    given = with_pairs({"PATH": "/bin"}, str(made.folder), "venv", {"KEY": "of the run"})
    found = made.seen(None, **given, SWITCHBACK_GIVEN=str(made.folder))
    assert (found["KEY"], found.get("OTHER"), found[OURS]) == ("of the run", None, "KEY")
    assert found["PATH"] == f"{made.folder}/venv/bin:/bin"
    assert GIVEN not in found
    of_another = made.seen(None, **given, SWITCHBACK_GIVEN="/v/old")
    assert (of_another["KEY"], of_another["OTHER"], of_another.get(GIVEN)) == ("of the site", "1", None)


def test_without_variables_it_sets_nothing_but_the_path(made: Made) -> None:
    assert OURS not in made.seen()


def test_a_secret_of_today_holds_where_an_older_version_has_a_variable_of_that_name(made: Made) -> None:
    (made.folder / "env.json").write_text('{"KEY": "of the version"}')
    made.secrets.write_text('{"KEY": "of today"}')
    assert made.seen()["KEY"] == "of today"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no json", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "it is no JSON object"),
        ('{"A B": "hidden"}', "it has a name that no variable can have"),
        ('{"A": 5}', "A has a value that no variable can have"),
        ('{"A": "hid\\u0000den"}', "A has a value that no variable can have"),
        ('{"A": "hid\\ud800den"}', "A has a value that no variable can have"),
    ],
)
def test_what_it_cannot_read_it_says_and_starts_nothing(made: Made, text: str, why: str) -> None:
    made.secrets.write_text(text)
    done = made.run("python", "-c", "print('started')")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"run: {made.secrets} can't be read: {why}\n"


def test_a_program_that_is_not_there_is_named(made: Made) -> None:
    assert made.run("no-such-program").stderr == "run: no-such-program can't be started: No such file or directory\n"
    assert made.run().stderr.startswith(f"usage: {made.folder}/run PROGRAM")


def test_a_broken_pipe_ends_its_program_as_it_would_without_it(made: Made) -> None:
    (made.folder / "venv/bin/python").unlink()
    assert made.run("sh", "-c", "yes | head -n 1; kill -s PIPE $$").returncode == -13


def test_a_module_that_lies_beside_it_or_on_its_path_is_not_imported(made: Made) -> None:
    for name in ("json.py", "re.py", "sitecustomize.py"):
        (made.folder / name).write_text("raise SystemExit('planted')")
    done = made.run("true", PYTHONPATH=str(made.folder), PYTHONSTARTUP=str(made.folder / "json.py"))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_agent_reads_with_the_very_function() -> None:
    assert read_pairs(json.dumps(ODD)) == ODD


def test_an_environment_is_made_of_nothing_but_what_is_given() -> None:
    known: Mapping[str, str] = {"HOME": "/home/app"}
    found = with_pairs(dict(known), "/v/2", "venv", {"A": "1", "PATH": "/opt/node/bin:/bin"})
    assert found == {
        "HOME": "/home/app",
        "A": "1",
        "PATH": "/v/2/venv/bin:/opt/node/bin:/bin",
        "VIRTUAL_ENV": "/v/2/venv",
        OURS: "A:PATH",
    }


def test_a_program_that_it_starts_is_read_as_what_that_is() -> None:
    def argv(command: str, venv: str = "venv") -> list[str]:
        return Program("web", "program", {"command": command}).argv_in(venv)

    assert argv("/home/app/django-current/run python -m gunicorn a:b", "env/of its own".replace(" ", "-")) == [
        "/home/app/django-current/env/of-its-own/bin/python",
        "-m",
        "gunicorn",
        "a:b",
    ]
    assert argv("/home/app/django-current/run celery -A site") == ["celery", "-A", "site"]
    assert argv("run python") == ["run", "python"]
    assert argv("/home/app/django-current/run") == ["/home/app/django-current/run"]


def test_its_name_says_whose_it_is(made: Made) -> None:
    assert os.access(made.folder / "run", os.X_OK)
    assert (made.folder / "run").read_text().startswith("#!/usr/bin/python3 -IS\n")
