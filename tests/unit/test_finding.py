"""Which file of a project says what it needs, what that says, and what is installed besides."""

from __future__ import annotations

import os
import pwd
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.host.command import Runner
from agent.locks import documents
from agent.locks.documents import Unusable
from agent.packages import toml
from agent.packages.finding import find
from agent.packages.interpreter import Interpreter
from agent.packages.pythons import Python
from agent.packages.wanted import Wanted, wanted
from agent.project.needs import asked_of
from tests.unit.healthy import host_settings

MANAGE = """# django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")
"""
ME = pwd.getpwuid(os.getuid()).pw_name
PROJECT = '[project]\nname = "site"\ndependencies = ["Django>=5.2"]\n'
TOOLS = "[tool.ruff]\nline-length = 120\n"


def runner() -> Runner:
    """What runs commands as this user."""
    return Runner(user=ME, log=None, until=time.time() + 60)


def needs(files: dict[str, str], configured: bool = False, uv: bool = False, **settings: Any) -> Wanted:
    """What a project with these files needs."""
    told = host_settings(**{"extra_requirements": (), **settings})
    asked = asked_of(told, configured, uv, files, files.get)
    return wanted(asked, files, files.get, Interpreter(runner(), Python("python3", sys.executable)))


COUNTS = {
    "the requirements": ({"requirements.txt": "", "pyproject.toml": PROJECT}, "requirements.txt"),
    "those for a server": (
        {"requirements/base.txt": "", "requirements/production.txt": ""},
        "requirements/production.txt",
    ),
    "with a dash": ({"requirements-prod.txt": "", "pyproject.toml": TOOLS}, "requirements-prod.txt"),
    "a pyproject.toml": ({"pyproject.toml": TOOLS + PROJECT}, "pyproject.toml"),
    "the project's folder": (
        {"backend/manage.py": MANAGE, "backend/pyproject.toml": PROJECT, "requirements.txt": ""},
        "backend/pyproject.toml",
    ),
    "the top, where the folder has one for tools": (
        {"backend/manage.py": MANAGE, "backend/pyproject.toml": TOOLS, "requirements.txt": ""},
        "requirements.txt",
    ),
}


@pytest.mark.parametrize("case", COUNTS)
def test_of_several_files_the_one_counts_that_the_project_means(case: str) -> None:
    files, path = COUNTS[case]
    assert needs(files).found.path == path


def test_what_else_is_there_is_said() -> None:
    found = needs({"requirements.txt": "", "pyproject.toml": PROJECT}).found
    assert found.says == "requirements.txt (not pyproject.toml, which is there too)"
    assert not found.as_ever


def test_with_a_config_repository_the_requirements_at_the_top_count_as_ever() -> None:
    files = {"backend/manage.py": MANAGE, "backend/pyproject.toml": PROJECT, "requirements.txt": ""}
    found = needs(files, configured=True).found
    assert (found.path, found.as_ever) == ("requirements.txt", True)


def test_what_the_settings_name_overrules_what_is_found() -> None:
    files = {"requirements.txt": "", "deploy/all.txt": "django\n"}
    assert needs(files, requirements="deploy/all.txt").handed == ("deploy/all.txt",)


REFUSED: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "nothing": (
        {"manage.py": ""},
        {},
        "what the project needs is not at the top of the code (uv.lock, poetry.lock, Pipfile.lock, requirements.txt, "
        "requirements/production.txt, pyproject.toml): add requirements.txt",
    ),
    "one elsewhere": (
        {"backend/manage.py": MANAGE, "tools/requirements.txt": ""},
        {},
        "what the project needs is neither in backend/ nor at the top of the code (uv.lock, poetry.lock, Pipfile.lock, "
        "requirements.txt, requirements/production.txt, pyproject.toml): write requirements: "
        "tools/requirements.txt in the settings",
    ),
    "Poetry's alone": (
        {"pyproject.toml": '[tool.poetry.dependencies]\ndjango = "^5"'},
        {},
        "pyproject.toml is Poetry's, and poetry.lock is not beside it: commit it (poetry lock)",
    ),
    "one that is named and not there": (
        {"requirements/all.txt": ""},
        {"requirements": "all.txt"},
        "all.txt is not in the code, and a missing file is no empty one: add it, or write requirements: "
        "requirements/all.txt in the settings",
    ),
    "no TOML": (
        {"pyproject.toml": "[project]\ndependencies = ["},
        {},
        "pyproject.toml is no TOML that can be read: ",
    ),
    "groups of lines": (
        {"requirements.txt": ""},
        {"requirements_groups": ("prod",)},
        "requirements.txt knows no extras and no groups: take requirements_extras and requirements_groups out of ",
    ),
    "an extra that is none": (
        {"pyproject.toml": PROJECT},
        {"requirements_extras": ("s3",)},
        "pyproject.toml has no optional-dependencies called s3; it has none: change requirements_extras in the ",
    ),
    "a group that is none": (
        {"pyproject.toml": PROJECT + "[dependency-groups]\nweb = []\nlint = []\n"},
        {"requirements_groups": ("prod",)},
        "pyproject.toml has no dependency-groups called prod; it has lint, web: change requirements_groups in the ",
    ),
    "a backend's": (
        {"pyproject.toml": '[project]\nname = "site"\ndynamic = ["version", "dependencies"]\n'},
        {},
        "pyproject.toml leaves its dependencies to its build backend (dynamic), which is not run for them: ",
    ),
    "uv's own": (
        {"pyproject.toml": PROJECT + "[tool.uv.sources]\nx = { git = 'https://example.com/x' }\n"},
        {},
        "pyproject.toml says in [tool.uv.sources] where packages come from, which uv alone understands",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_used_is_refused_with_what_to_write(case: str) -> None:
    files, settings, says = REFUSED[case]
    with pytest.raises(Unusable) as refused:
        needs(files, **settings)
    assert str(refused.value).startswith(says)


LISTED = """
[project]
name = "My_Site"
requires-python = ">=3.11"
dependencies = [
    "Django>=5.2,<5.3",  # a comment with ] in it
    'psycopg[binary] ; python_version > "3.9"',
]
[project.optional-dependencies]
s3 = ["boto3"]
all = ["my-site[s3,web]", "sentry-sdk"]
web = ["my.site[all]", "whitenoise"]
[dependency-groups]
base = ["django-redis"]
prod = ["Honcho", {include-group = "base"}, {include-group = "prod"}]
"""


def test_what_a_pyproject_lists_is_read_with_its_extras_and_groups() -> None:
    told = needs({"pyproject.toml": LISTED}, requirements_extras=("ALL",), requirements_groups=("prod",))
    assert told.lines == (
        "Django>=5.2,<5.3",
        'psycopg[binary] ; python_version > "3.9"',
        "boto3",
        "whitenoise",
        "sentry-sdk",
        "Honcho",
        "django-redis",
    )
    assert told.handed == ()
    assert told.all_named
    assert told.python == ">=3.11"
    assert told.names >= {"django", "psycopg", "boto3", "honcho"}


def test_uv_reads_a_pyproject_itself_and_is_told_its_groups() -> None:
    told = needs({"pyproject.toml": LISTED}, uv=True, requirements_extras=("s3",), requirements_groups=("base",))
    assert (told.handed, told.options, told.lines) == (("pyproject.toml",), ("--extra", "s3"), ("django-redis",))
    backends = needs({"pyproject.toml": '[project]\ndynamic = ["dependencies"]'}, uv=True)
    assert (backends.handed, backends.all_named) == (("pyproject.toml",), False)


def test_files_that_setuptools_is_to_read_are_read() -> None:
    text = '[project]\nname = "site"\ndynamic = ["dependencies"]\n'
    text += '[tool.setuptools.dynamic]\ndependencies = { file = ["needs.txt"] }\n'
    told = needs({"backend/manage.py": MANAGE, "backend/pyproject.toml": text, "backend/needs.txt": "django==5.2.1\n"})
    assert told.handed == ("backend/needs.txt",)
    assert told.names == {"django"}


def test_what_switchback_starts_is_added_unless_the_project_brings_it() -> None:
    bare = needs({"requirements.txt": "django\n"}, extra_requirements=("auto",))
    assert bare.added == ("gunicorn", "supervisor>=4.3")
    own = needs({"requirements.txt": "-r base.txt\n", "base.txt": "Supervisor==4.2.5\n"}, extra_requirements=("auto",))
    assert own.added == ("gunicorn",)
    assert {"supervisor", "gunicorn"} <= own.names


@pytest.mark.parametrize(("kind", "adds"), [("asgi", ("uvicorn", "uvicorn-worker")), ("wsgi", ())])
def test_what_serves_an_asynchronous_application_is_added(kind: str, adds: tuple[str, ...]) -> None:
    files = {
        "backend/manage.py": MANAGE,
        "backend/site/settings.py": f'{kind.upper()}_APPLICATION = "site.{kind}.application"',
        f"backend/site/{kind}.py": "",
        "backend/requirements.txt": "django",
    }
    told = needs(files, extra_requirements=("auto",))
    assert (told.found.path, told.added) == ("backend/requirements.txt", ("gunicorn", "supervisor>=4.3", *adds))


@pytest.mark.parametrize(
    ("web", "adds"),
    [
        ("gunicorn site.wsgi -w 3", ("gunicorn", "supervisor>=4.3")),
        ("gunicorn site.asgi", ("gunicorn", "supervisor>=4.3", "uvicorn", "uvicorn-worker")),
        ("gunicorn site.asgi -k uvicorn.workers.UvicornWorker", ("gunicorn", "supervisor>=4.3")),
        ("daphne site.asgi:application", ("daphne", "supervisor>=4.3")),
        ("waitress-serve site.wsgi:application", ("supervisor>=4.3",)),
        ("uwsgi --module site.wsgi", ("supervisor>=4.3",)),
    ],
)
def test_the_server_that_a_procfile_names_is_added_and_no_other(web: str, adds: tuple[str, ...]) -> None:
    files = {"manage.py": MANAGE, "site/settings.py": "", "site/wsgi.py": "", "site/asgi.py": ""}
    told = needs({**files, "requirements.txt": "django", "Procfile": f"web: {web}\n"}, extra_requirements=("auto",))
    assert told.added == adds


def test_the_settings_say_which_folder_is_the_projects() -> None:
    files = {"a/manage.py": "", "a/requirements.txt": "", "b/manage.py": "", "b/requirements.txt": ""}
    assert needs(files, configured=True, project_dir="b").found.path == "b/requirements.txt"


def test_with_a_config_repository_nothing_is_added_but_what_the_settings_say() -> None:
    assert needs({"requirements.txt": ""}, configured=True, extra_requirements=("auto",)).added == ()
    assert needs({"requirements.txt": ""}, configured=True, extra_requirements=("rq>=2",)).added == ("rq>=2",)
    both = needs({"requirements.txt": "Uvicorn\n"}, extra_requirements=("auto", "uvicorn>=0.3", "rq"))
    assert both.added == ("gunicorn", "supervisor>=4.3", "rq")


def test_what_is_added_to_requirements_with_hashes_is_installed_on_its_own() -> None:
    assert needs({"requirements.txt": "django==5.2 \\\n    --hash=sha256:ab\n"}).apart
    assert not needs({"requirements.txt": "django==5.2  # no --hash=\n"}).apart


def test_a_python_that_knows_no_toml_asks_the_apps_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toml, "tomllib", None)
    parse = toml.parser(runner(), str(tmp_path / "gone"), sys.executable)
    assert parse("pyproject.toml", 'a = "ü"\n[b]\nc = 2026-01-01') == {"a": "ü", "b": {"c": "2026-01-01"}}
    lacking = tmp_path / "python"
    lacking.write_text("#!/bin/sh\nexit 1\n")
    lacking.chmod(0o755)
    with pytest.raises(Unusable, match=r"can't be read by a Python as old as this host's .*install Python 3\.11 or"):
        toml.parser(runner(), str(lacking))("pyproject.toml", "")


def test_a_document_that_is_not_what_was_expected_says_nothing() -> None:
    assert documents.table({"a": {"b": 1}}, "a", "b") == {}
    assert documents.table([], "a") == {}
    assert documents.texts([1, "a"]) == ("a",)
    assert documents.texts({"a": 1}) == ()


def test_what_is_found_is_read_once_the_code_is_looked_at() -> None:
    with pytest.raises(Unusable):
        find([], lambda path: None, "", as_ever=True)
