"""The config that a version has without a config repository: its files, and what they make of a real project."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agent.project.filling import LOGGING, fill
from agent.project.found import Project
from agent.project.texts import links, recipe, texts
from agent.service.obstacles import obstacles
from agent.service.supervisor_config import parse, programs
from agent.steps.build.checks import Checks, each_its_own
from agent.versions.layout import Layout
from agent.words.notes import Checked
from agent.words.settings import Process
from tests.unit import healthy
from tests.unit.made_config import django

PROJECT = Project("", "mysite.settings", "wsgi", "mysite.wsgi", "application")
HOME = "/home/app"
WHERE = {
    "version": "/v",
    "project": "/v/code",
    "static": "/v/static",
    "shared": "/shared",
    "hosts": ["www.example.com"],
}
WORKER = {"worker": Process(("celery", "-A", "mysite", "worker"))}
KEYS = ("made here", "given")
HTTP, HTTPS = "http://www.example.com/", "https://www.example.com/"


def layout(**changes: object) -> Layout:
    """The places of a host with such settings."""
    return Layout(replace(healthy.host_settings(), **changes), Path(HOME))  # type: ignore[arg-type]


def filled(settings: dict[str, object], url: str = HTTP) -> tuple[dict[str, object], tuple[str, ...]]:
    """The settings once they are filled in, and what is said of it."""
    given = {"SECRET_KEY": "of the project", "LOGGING": {"version": 1}, **settings}
    said = fill(given, website_url=url, **WHERE)  # type: ignore[arg-type]
    return given, said


def test_what_a_project_says_itself_is_never_overruled() -> None:
    own: dict[str, object] = {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["*"],
        "STATIC_ROOT": "/srv/static",
        "MEDIA_ROOT": "/srv/media",
        "CSRF_TRUSTED_ORIGINS": ["https://other.example.com"],
        "DATABASES": {
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/srv/db.sqlite3"},
            "memory": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
            "other": {"ENGINE": "django.db.backends.postgresql", "NAME": "app"},
        },
        "SECRET_KEY": "of the project",
        "LOGGING": {"version": 1},
    }
    given, said = filled(own, HTTPS)
    assert given == own
    assert said == ()


def test_what_it_leaves_open_is_filled_in_and_said() -> None:
    given, said = filled({"DEBUG": True}, HTTPS)
    assert given["DEBUG"] is False
    assert said == (
        "DEBUG = False",
        "ALLOWED_HOSTS = ['www.example.com']",
        "CSRF_TRUSTED_ORIGINS = ['https://www.example.com']",
        "STATIC_ROOT = the version's own static",
        "MEDIA_URL = '/media/'",
        "MEDIA_ROOT = '/shared/media'",
    )
    assert "CSRF_TRUSTED_ORIGINS" not in filled({})[0]


@pytest.mark.parametrize("path", ["/v/code/files", "files", Path("/v/code/files")])
def test_what_would_be_written_inside_the_version_is_led_to_what_outlives_it(path: object) -> None:
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": path, "OPTIONS": {"timeout": 5}}
    given, said = filled({"MEDIA_ROOT": path, "STATIC_ROOT": path, "DATABASES": {"default": sqlite}})
    assert (given["MEDIA_ROOT"], given["STATIC_ROOT"]) == ("/shared/media", "/v/static")
    assert given["DATABASES"] == {"default": {**sqlite, "NAME": "/shared/files"}}
    assert 'DATABASES["default"]["NAME"] = \'/shared/files\'' in said
    assert sqlite["NAME"] == path


def test_a_project_without_a_log_has_its_errors_in_that_of_its_process() -> None:
    given, said = filled({"LOGGING": {}})
    assert given["LOGGING"] == LOGGING
    assert any(line.startswith("LOGGING") for line in said)


@pytest.mark.parametrize("key", [None, "", "django-insecure-of-startproject"])
def test_a_key_that_is_in_the_repository_is_replaced_and_never_said(
    key: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    (tmp_path / "secret_key").write_text("made here")
    given: dict[str, object] = {"SECRET_KEY": key}
    said = fill(given, website_url=HTTP, **{**WHERE, "shared": str(tmp_path)})  # type: ignore[arg-type]
    assert given["SECRET_KEY"] in KEYS
    assert f"SECRET_KEY, made on this host and kept in {tmp_path}/secret_key" in said
    assert "made here" not in "\n".join(said)


def test_a_key_of_the_environment_comes_before_the_host_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "given")
    given, said = filled({"SECRET_KEY": ""})
    assert given["SECRET_KEY"] in KEYS
    assert "given" not in "\n".join(said)


def test_its_supervisord_lets_processes_be_replaced_one_by_one() -> None:
    text = texts(layout(), PROJECT)["supervisord.conf"]
    config, venv = f"{HOME}/django-current/config", f"{HOME}/django-current/venv"
    assert obstacles(parse(text), healthy.settings().health_url, HOME, config, venv) == []
    assert "wsgi_switchback:application" in programs(parse(text))["web"].argv


def test_an_asgi_project_is_served_so() -> None:
    made = texts(layout(), Project("", "mysite.settings", "asgi", "mysite.asgi", "application"))
    assert "asgi_switchback.py" in made
    argv = programs(parse(made["supervisord.conf"]))["web"].argv
    assert argv[-3:] == ["--worker-class", "uvicorn_worker.UvicornWorker", "asgi_switchback:application"]


def test_the_app_is_asked_by_the_names_that_the_proof_of_health_uses() -> None:
    made = texts(layout(health_headers={"Host": "inside.example.com:8000"}), PROJECT)
    assert 'hosts=["www.example.com", "inside.example.com"]' in made["settings_switchback.py"]


@pytest.mark.parametrize(("folder", "leads"), [("", "../code"), ("src/site", "../code/src/site")])
def test_the_link_to_the_code_leads_to_the_project_s_folder(folder: str, leads: str) -> None:
    assert links(healthy.host_settings(), replace(PROJECT, folder=folder))["django"] == leads


def test_the_same_settings_make_the_same_text_and_others_another() -> None:
    assert texts(layout(), PROJECT) == texts(layout(), PROJECT)
    same, other = healthy.host_settings(health_timeout=3), healthy.host_settings(website_url="https://other.example/")
    assert recipe(healthy.host_settings(), single=True) == recipe(same, single=True)
    changed = (other, healthy.host_settings(project_dir="src"), healthy.host_settings(processes=WORKER))
    assert len({recipe(one, single=True) for one in (same, *changed)}) == 4
    assert recipe(same, single=True) != recipe(same, single=False)


def test_the_checks_of_a_build_say_what_was_set() -> None:
    said = Checks().says(Checked(filled=("DEBUG = False",)), 1.5)
    assert said == ["checks: done in 1.5 s", "checks: set: DEBUG = False"]


def test_a_key_of_each_host_s_own_is_none_for_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    (tmp_path / "secret_key").write_text("made here")
    said = fill({}, website_url=HTTP, **{**WHERE, "shared": str(tmp_path)})  # type: ignore[arg-type]
    assert each_its_own(("web1", "web2"), said)
    assert not each_its_own(("web1",), said)
    monkeypatch.setenv("SECRET_KEY", "given")
    assert not each_its_own(("web1", "web2"), filled({"SECRET_KEY": ""})[1])


SHOWN = "from django.conf import settings as s; import json, os; print(json.dumps([{}]))"


def test_manage_py_runs_the_project_s_own_with_what_was_filled_in(version: Path) -> None:
    asked = "s.SETTINGS_MODULE, s.DEBUG, s.SECRET_KEY, s.STATIC_ROOT, str(s.DATABASES['default']['NAME']), os.getcwd()"
    argv = ("manage.py", "shell", "--no-imports", "-c", SHOWN.format(asked))
    told = json.loads(django(version / "config", *argv, DJANGO_SETTINGS_MODULE="mysite.settings"))
    assert told == [
        "settings_switchback",
        False,
        "made here",
        f"{version}/static",
        f"{version}/shared/db.sqlite3",
        f"{version}/code/src",
    ]


def test_elsewhere_a_person_s_own_folder_stays_where_it_is(version: Path) -> None:
    argv = (str(version / "config" / "manage.py"), "shell", "--no-imports", "-c", SHOWN.format("os.getcwd()"))
    assert json.loads(django(version, *argv)) == [str(version)]


def serve(version: Path) -> str:
    """What the application that a server loads is, by where its module is found."""
    code = "import wsgi_switchback as w, mysite; print(type(w.application).__name__, mysite.__file__)"
    return django(version, "-c", code, PYTHONPATH=str(version / "config")).strip()


def test_a_server_loads_the_project_s_own_application(version: Path) -> None:
    assert serve(version) == f"WSGIHandler {version}/code/src/mysite/__init__.py"
    wsgi = version / "code" / "src" / "mysite" / "wsgi.py"
    wsgi.write_text(wsgi.read_text() + "\nclass Wrapped: ...\napplication = Wrapped()\n")
    assert serve(version).startswith("Wrapped ")


def test_settings_that_the_project_s_own_wsgi_forces_are_told(version: Path) -> None:
    wsgi = version / "code" / "src" / "mysite" / "wsgi.py"
    own, forced = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', ", "os.environ.update(DJANGO_SETTINGS_MODULE="
    wsgi.write_text(wsgi.read_text().replace(own, forced))
    with pytest.raises(AssertionError, match="has set DJANGO_SETTINGS_MODULE to mysite"):
        serve(version)
