"""A project's Procfile: which programs its lines are, how its server is started, and what it does with each release."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.project.found import NotFound, Project, find
from agent.project.processes import Program
from agent.project.procfile import lines_of, plain_words, program_of, release_of
from agent.project.release import RELEASE, started
from agent.project.servers import command, named
from agent.project.texts import recipe, texts
from agent.service.obstacles import cuts, obstacles
from agent.service.supervisor_config import parse, programs
from agent.versions.layout import Layout
from agent.words.settings import Process
from tests.unit import healthy
from tests.unit.test_found_project import STARTPROJECT, below

HOME = "/home/app"
URL = "http://127.0.0.1:8000/"


def found(procfile: str, files: dict[str, str] | None = None, **processes: Process) -> Project:
    """What is found in a project with such a Procfile at the top of its code."""
    there = {**(STARTPROJECT if files is None else files), "Procfile": procfile}
    return find(there, there.get, replace(healthy.host_settings(), processes=processes))


def conf(project: Project, **asked: Any) -> str:
    """The text of supervisord's config."""
    return texts(Layout(healthy.host_settings(**asked), Path(HOME)), project)["supervisord.conf"]


def argv_of_web(line: str) -> list[str]:
    """What the web process becomes of a line."""
    return programs(parse(conf(found(f"web: {line}\n"))))["web"].argv


# --- Its lines


def test_each_line_is_a_process_and_what_is_none_is_passed_over() -> None:
    text = "# a comment\nweb: gunicorn x\n\n  worker : celery -A x worker  \nno process\nurgent-1: y\r\n"
    assert lines_of(text) == {"web": "gunicorn x", "worker": "celery -A x worker", "urgent-1": "y"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("celery -A mysite worker", ["celery", "-A", "mysite", "worker"]),
        ("exec-it 'a b' \"c $D\"", ["exec-it", "a b", "c $D"]),
        ("run -b :$PORT ${A} ${B:-1} ${C-x}", ["run", "-b", ":$PORT", "${A}", "${B:-1}", "${C-x}"]),
    ],
)
def test_a_command_with_its_arguments_is_taken_apart(line: str, words: list[str]) -> None:
    assert plain_words(line) == words


@pytest.mark.parametrize(
    "line",
    [
        "a && b",
        "a | tee log",
        "a > log",
        "a; b",
        "a &",
        "echo $(date)",
        "echo `date`",
        "ls *.py",
        "~/bin/work",
        "echo '$HOME'",
        "echo ${A##*/}",
        "echo $?",
        "a 'b",
        "a # b",
        '"a\\"b"',
        "${A:-$B}",
    ],
)
def test_what_only_a_shell_understands_is_left_to_a_shell(line: str) -> None:
    assert plain_words(line) is None
    assert program_of("x", line, None).run == ("sh", "-c", line)


def test_variables_are_filled_in_where_there_are_any() -> None:
    assert not program_of("x", "celery worker", None).expands
    assert program_of("x", "celery -l $LEVEL", None).expands
    assert program_of("x", "LEVEL=1 celery", None).expands
    assert program_of("x", "exec celery worker", None).run == ("celery", "worker")


def test_a_folder_that_it_changes_to_first_is_where_it_runs() -> None:
    one = program_of("x", "cd backend && celery worker", "")
    assert (one.folder, one.run) == ("backend", ("celery", "worker"))
    assert program_of("x", "cd ../other && celery worker", "").run[0] == "sh"


# --- Which count


def test_its_processes_run_and_it_is_said() -> None:
    project = found("web: gunicorn mysite.wsgi\nworker: celery -A mysite worker\n")
    assert "Procfile: web, worker" in project.found
    assert project.programs["worker"].stop == 60


def test_what_the_settings_say_of_one_overrules_it_and_only_that() -> None:
    text = "worker: celery -A mysite worker\nold: work\nother: work\n"
    project = found(text, worker=Process(stop=120, count=2), old=Process(off=True), other=Process(("mine",)))
    assert project.programs["worker"] == Program("worker", ("celery", "-A", "mysite", "worker"), 2, 120)
    assert "old" not in project.programs
    assert project.programs["other"].run == ("mine",)
    assert "Procfile: worker" in project.found


def test_beat_of_a_procfile_runs_on_one_host_alone() -> None:
    assert found("beat: celery -A mysite beat\n").programs["beat"].once


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("all: x\n", "the Procfile's all is a name of supervisord's own"),
        ("worker: celery -A x worker -B\n", "the Procfile's worker runs beat inside of a worker"),
    ],
)
def test_what_can_not_be_run_is_told(text: str, says: str) -> None:
    with pytest.raises(NotFound, match=says):
        found(text)


def test_a_celery_that_overrules_the_settings_of_its_version_is_told() -> None:
    files = {**STARTPROJECT, "mysite/celery.py": 'os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"\n'}
    with pytest.raises(NotFound, match=r"mysite/celery\.py sets DJANGO_SETTINGS_MODULE whatever it was"):
        found("worker: celery -A mysite worker\nbeat: celery -A mysite beat\n", files)
    assert found("worker: work\n", files).programs


def test_one_at_the_top_of_the_code_is_run_there_and_one_beside_manage_py_there() -> None:
    files = below("backend", STARTPROJECT)
    assert programs(parse(conf(found("worker: work\n", files))))["worker"].options["directory"] == (
        f"{HOME}/django-current/code"
    )
    files["backend/Procfile"] = "worker: other\n"
    nearer = programs(parse(conf(found("worker: work\n", files))))["worker"]
    assert nearer.options["directory"] == f"{HOME}/django-current/config/django"
    assert nearer.words[-1] == "other"


# --- Its server


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        (
            "gunicorn mysite.wsgi --log-file - -w 3 -b 0.0.0.0:$PORT --daemon -p gunicorn.pid",
            "-m gunicorn --bind fd://0 --graceful-timeout 5 --log-file - -w 3 wsgi_switchback:application",
        ),
        (
            "gunicorn -b:$PORT mysite.wsgi:application --graceful-timeout=20",
            "-m gunicorn --bind fd://0 --graceful-timeout=20 wsgi_switchback:application",
        ),
        (
            "gunicorn mysite.asgi:application -k uvicorn_worker.UvicornWorker",
            "-m gunicorn --bind fd://0 --graceful-timeout 5 -k uvicorn_worker.UvicornWorker "
            "asgi_switchback:application",
        ),
        (
            "gunicorn mysite.asgi:application",
            "-m gunicorn --bind fd://0 --graceful-timeout 5 --worker-class uvicorn_worker.UvicornWorker "
            "asgi_switchback:application",
        ),
        (
            "uvicorn mysite.asgi:application --host 0.0.0.0 --port $PORT --workers 2 --reload",
            "-m uvicorn --fd 0 --timeout-graceful-shutdown 5 --workers 2 asgi_switchback:application",
        ),
        (
            "daphne -b 0.0.0.0 -p $PORT mysite.asgi:application -v2",
            "-m daphne --fd 0 -v2 asgi_switchback:application",
        ),
        (
            "python -m hypercorn -b :$PORT mysite.asgi:application",
            "-m hypercorn --bind fd://0 --graceful-timeout 5 asgi_switchback:application",
        ),
    ],
)
def test_its_server_is_handed_the_socket_of_supervisord_s_and_keeps_its_other_options(line: str, becomes: str) -> None:
    argv = argv_of_web(line)
    assert argv[0] == f"{HOME}/django-current/venv/bin/python"
    assert argv[1:] == becomes.split()


def test_uwsgi_is_a_program_of_its_own_that_ends_when_it_is_told_to() -> None:
    argv = argv_of_web("uwsgi --http :$PORT --module mysite.wsgi --processes 4")
    options = "--http-socket fd://0 --processes 4 --master --need-app --die-on-term --module"
    assert argv == ["uwsgi", *options.split(), "wsgi_switchback:application"]


@pytest.mark.parametrize(
    "line",
    [
        "gunicorn mysite.wsgi -w ${WEB_CONCURRENCY:-2}",
        "uvicorn mysite.asgi:application",
        "daphne mysite.asgi:application",
        "hypercorn mysite.asgi:application",
        "uwsgi --module mysite.wsgi",
    ],
)
def test_each_server_is_replaced_process_by_process_and_what_one_drops_is_said(line: str) -> None:
    text = conf(found(f"web: {line}\n"))
    config, venv = f"{HOME}/django-current/config", f"{HOME}/django-current/venv"
    assert obstacles(parse(text), URL, HOME, config, venv) == []
    server = line.partition(" ")[0]
    says = cuts(parse(text), URL)
    assert says.startswith(f"{server} ") if server not in ("gunicorn", "uvicorn") else says == ""


def test_it_is_killed_no_sooner_than_its_requests_may_end() -> None:
    web = programs(parse(conf(found("web: gunicorn mysite.wsgi --graceful-timeout 90\n"))))["web"]
    assert web.stop_seconds == 95


@pytest.mark.parametrize(
    "line",
    [
        "waitress-serve --port=$PORT mysite.wsgi:application",
        "uvicorn --factory mysite.asgi:make",
        "a | b",
        "./serve.sh",
    ],
)
def test_a_server_of_another_kind_has_an_address_of_its_own_and_one_process(line: str) -> None:
    web = programs(parse(conf(found(f"web: {line}\n"))))["web"]
    assert (web.kind, web.count) == ("program", 1)
    assert web.options["environment"] == 'PORT="8000"'


def test_which_application_it_serves_is_the_project_s_and_a_missing_one_is_told() -> None:
    project = found("web: daphne mysite.asgi:application\n")
    assert (project.server, project.module, project.name) == ("asgi", "mysite.asgi", "application")
    with pytest.raises(NotFound, match=r"web serves mysite\.nowhere, and the code has no such module"):
        found("web: gunicorn mysite.nowhere:application\n")


def test_a_server_whose_command_names_no_application_serves_the_one_that_is_found() -> None:
    assert argv_of_web("gunicorn -c gunicorn.conf.py")[-1] == "wsgi_switchback:application"
    text = STARTPROJECT["mysite/settings.py"] + 'ASGI_APPLICATION = "mysite.asgi.application"\n'
    both = found("web: gunicorn -c gunicorn.conf.py\n", {**STARTPROJECT, "mysite/settings.py": text})
    argv = programs(parse(conf(both)))["web"].argv
    assert "uvicorn_worker.UvicornWorker" in argv
    assert argv[-1] == "asgi_switchback:application"


def test_a_value_that_looks_like_an_application_is_none() -> None:
    one = named(("uvicorn", "--log-config", "log:config", "mysite.asgi:application"))
    assert one is not None
    assert (one.module, one.options) == ("mysite.asgi", ("--log-config", "log:config"))
    assert command(one, "x:y", 10)[0][-1] == "x:y"


# --- Its release


@pytest.mark.parametrize(
    ("line", "runs", "done"),
    [
        ("python manage.py migrate", [], ["python manage.py migrate"]),
        ("python manage.py migrate --noinput && ./manage.py collectstatic --no-input", [], None),
        ("python manage.py migrate && python manage.py seed", ["python manage.py seed"], ["python manage.py migrate"]),
        ("python manage.py migrate shop 0002", ["python manage.py migrate shop 0002"], []),
        ("./release.sh", ["./release.sh"], []),
        ("python manage.py migrate && a | b", ["sh -c python manage.py migrate && a | b"], []),
        ("python manage.py migrate || true", ["sh -c python manage.py migrate || true"], []),
    ],
)
def test_a_release_is_told_apart_and_what_a_deploy_does_itself_is_left_out(
    line: str, runs: list[str], done: list[str] | None
) -> None:
    commands, own = release_of(line, None)
    assert [" ".join(one.run) for one in commands] == runs
    assert own == (line.split(" && ") if done is None else done)


def test_what_a_deploy_does_itself_is_left_out_before_any_process() -> None:
    line = "python manage.py migrate --noinput && python manage.py collectstatic --noinput && gunicorn mysite.wsgi"
    project = found(f"web: {line}\nworker: python manage.py wait && work\n")
    assert project.programs["web"].run == ("gunicorn", "mysite.wsgi")
    assert "web: python manage.py migrate --noinput is done by each deploy itself" in project.found
    assert "wsgi mysite.wsgi:application, which web names" in project.found
    assert project.programs["worker"].run == ("sh", "-c", "python manage.py wait && work")


def test_a_release_is_kept_in_the_config_and_is_no_process() -> None:
    project = found("release: python manage.py migrate && python manage.py seed\nweb: gunicorn mysite.wsgi\n")
    assert set(project.programs) == {"web"}
    assert "release: python manage.py migrate is done by each deploy itself" in project.found
    made = texts(Layout(healthy.host_settings(), Path(HOME)), project)
    assert json.loads(made[RELEASE])["commands"] == [{"name": "release", "run": ["python", "manage.py", "seed"]}]
    assert RELEASE not in texts(Layout(healthy.host_settings(), Path(HOME)), found("web: gunicorn mysite.wsgi\n"))


def test_a_release_may_be_left_out_by_the_settings() -> None:
    assert found("release: ./release.sh\n", release=Process(off=True)).release == ()


def test_a_release_starts_with_the_settings_of_its_version_where_its_procfile_is() -> None:
    layout = Layout(healthy.host_settings(), Path(HOME))
    argv, folder = started(layout, "django-1", Program("release", ("seed", "$A"), expands=True, folder="backend"))
    assert argv == ["python", f"{HOME}/django-1/config/start_switchback.py", "--expand", "seed", "$A"]
    assert folder == Path(f"{HOME}/django-1/code/backend")
    assert started(layout, "django-1", Program("release", ("seed",)))[1] is None


def test_the_recipe_is_of_the_settings_alone() -> None:
    host = healthy.host_settings()
    assert recipe(host, single=True) == recipe(replace(host, health_timeout=5), single=True)
    assert recipe(host, single=True) != recipe(replace(host, processes={"web": Process(count=3)}), single=True)
