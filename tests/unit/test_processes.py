"""What runs besides the server: what a person may write for it, and which programs of supervisord's it becomes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.environment.start import command, expanded, in_version
from agent.project.found import NotFound, find
from agent.project.processes import beats_beside, is_beat
from agent.project.texts import texts
from agent.service.supervisor_config import Program, parse, programs
from agent.versions.layout import Layout
from agent.words.settings import Process
from agent.words.shapes import from_json, to_json
from tests.unit import healthy
from tests.unit.test_found_project import STARTPROJECT
from tests.unit.test_settings import problems, settings

ROOT = Path(__file__).parents[2]
HOME = "/home/app"
OURS = {"config_repo_url": None, "config_branch": "HEAD"}
CELERY = "celery -A mysite worker -l INFO"


def read(processes: object) -> dict[str, Process]:
    """The processes of a setting, as a host is told them."""
    return settings(**OURS, processes=processes).for_host().processes


def made(processes: object, single: bool = True, **asked: Any) -> dict[str, Program]:
    """The programs that supervisord is told of, by name."""
    host = replace(healthy.host_settings(**asked), processes=read(processes))
    return programs(parse(conf(host, single)))


def conf(host: Any, single: bool = True) -> str:
    """The text of the config that a project as it is generated has with some settings."""
    return texts(Layout(host, Path(HOME)), find(STARTPROJECT, STARTPROJECT.get, host), single)["supervisord.conf"]


# --- What may be written


@pytest.mark.parametrize(
    ("written", "means"),
    [
        (CELERY, Process(("celery", "-A", "mysite", "worker", "-l", "INFO"))),
        (["celery", "-A", "my site"], Process(("celery", "-A", "my site"))),
        ({"run": "./bin/work 'a b'", "stop": 120}, Process(("./bin/work", "a b"), stop=120)),
        ({"run": "work", "count": "2", "once": "true"}, Process(("work",), count=2, once=True)),
        ({"count": 4}, Process(count=4)),
        (None, Process(off=True)),
        ("null", Process(off=True)),
        (False, Process(off=True)),
        ("false", Process(off=True)),
    ],
)
def test_a_process_is_a_command_or_says_what_is_special_of_it(written: object, means: Process) -> None:
    assert read({"worker": written}) == {"worker": means}


def test_processes_may_be_given_for_one_run_as_text() -> None:
    assert read(f"worker: {CELERY}")["worker"].run == tuple(CELERY.split())


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("celery", "must be a mapping of names to commands"),
        ({"wor ker": "x"}, '"wor ker" is no name for a process'),
        ({"\x1b[2J": "x"}, "is no name for a process"),
        ({"w" * 41: "x"}, "is no name for a process"),
        ({"web_00": "x"}, '"web_00" ends with _ and a number'),
        ({"all": "x"}, '"all" is a name of supervisord\'s own'),
        ({"Supervisord": "x"}, "is a name of supervisord's own"),
        ({"worker": []}, "worker has no command"),
        ({"worker": {"run": ""}}, "worker has no command"),
        ({"worker": "a 'b"}, "worker can't be told apart into words"),
        ({"worker": {"run": "x", "stops": 3}}, 'worker has "stops", and may have run, count, stop, once'),
        ({"worker": {"run": "x", "stop": 0}}, 'worker has the stop "0", which is no number from 1 to 86400'),
        ({"worker": {"run": "x", "stop": "1.5"}}, "which is no number"),
        ({"worker": {"run": "x", "count": "many"}}, 'worker has the count "many", which is no number from 1 to 100'),
        ({"worker": {"run": "x", "once": "now"}}, 'worker has "now" for `once`, which is true or false'),
        ({"worker": ["sh", "-c", "a\nb"]}, "worker has a line break in it"),
        ({"release": "./release.sh"}, "release is done with each release, and is no process: write it as a hook"),
        ({"web": {"once": True}}, "web serves the site on every host"),
        ({"worker": "celery -A mysite worker -B"}, "worker runs beat inside of a worker"),
        ({"beat": {"run": "celery -A mysite beat", "count": 2}}, "beat is celery's beat, of which there is one"),
    ],
)
def test_a_process_that_can_not_be_taken_is_one_sentence_about_what_to_write(written: object, says: str) -> None:
    (problem,) = problems(**OURS, processes=written)
    assert says in problem
    assert problem.isprintable()


def test_all_that_is_wrong_in_processes_is_told_at_once() -> None:
    (problem,) = problems(**OURS, processes={"all": "x", "worker": "", "other": {"run": "x", "count": 0}, "more": []})
    assert problem.count(";") == 2


def test_with_a_config_repository_that_says_which_programs_run() -> None:
    (problem,) = problems(processes={"worker": "x"})
    assert "the config repository's supervisord.conf says which programs run" in problem


def test_they_travel_to_the_host_and_an_older_journal_has_none() -> None:
    host = settings(**OURS, processes={"worker": {"run": "x", "stop": 5}}).for_host()
    assert from_json(type(host), to_json(host)) == host
    told = {key: value for key, value in json.loads(to_json(host)).items() if key != "processes"}
    assert from_json(type(host), json.dumps(told)).processes == {}


def test_a_restart_has_the_time_that_processes_may_take_to_end_besides() -> None:
    told = {"worker": {"run": "x", "stop": 120}, "other": "y", "gone": None}
    assert settings(restart_timeout=50).for_host().restart_limit == 50
    # A minute is for what a Procfile may have.
    assert settings(**OURS, restart_timeout=50).for_host().restart_limit == 50 + 60
    assert settings(**OURS, restart_timeout=50, processes=told).for_host().restart_limit == 50 + 60 + 120 + 60


# --- Celery's beat


@pytest.mark.parametrize(
    "words",
    [
        "celery -A mysite beat -l INFO",
        "celery --app=mysite beat",
        "python -m celery -A mysite beat",
        "python3.11 -m celery -A worker beat",
        "A=1 celery -q -A mysite beat",
        "/opt/bin/celery beat",
        "sh -c celery\\ -A\\ mysite\\ beat\\ |\\ tee\\ log",
    ],
)
def test_beat_is_known_whatever_stands_before_it(words: str) -> None:
    assert is_beat(tuple(shlex.split(words)))


@pytest.mark.parametrize("words", ["celery -A beat worker", "celery -A mysite worker -n beat", "beat", "", "./beat"])
def test_what_is_only_called_so_is_no_beat(words: str) -> None:
    assert not is_beat(tuple(words.split()))


@pytest.mark.parametrize("option", ["-B", "--beat", "-EB"])
def test_a_worker_that_runs_beat_is_known(option: str) -> None:
    assert beats_beside(("celery", "-A", "mysite", "worker", option))
    assert not beats_beside(("celery", "-A", "mysite", "worker", "-l", "INFO"))


# --- Which programs they become


def test_without_any_there_is_the_server_alone() -> None:
    assert list(made({})) == ["web"]


def test_a_worker_is_a_program_of_its_own_that_is_given_its_time_to_end() -> None:
    worker = made({"worker": {"run": CELERY, "stop": 120}})["worker"]
    assert worker.kind == "program"
    assert worker.words[:3] == [
        f"{HOME}/django-current/run",
        "python",
        f"{HOME}/django-current/config/start_switchback.py",
    ]
    assert worker.words[3:] == CELERY.split()
    assert worker.stop_seconds == 120
    assert worker.options["directory"] == f"{HOME}/django-current/config/django"
    assert worker.options["stdout_logfile"] == f"{HOME}/log/worker.log"
    assert worker.options["killasgroup"] == "true"
    assert "stopasgroup" not in worker.options


def test_a_worker_has_a_minute_to_end_unless_it_is_said() -> None:
    assert made({"worker": CELERY})["worker"].stop_seconds == 60


def test_several_of_a_kind_have_a_log_each() -> None:
    worker = made({"worker": {"run": CELERY, "count": 3}})["worker"]
    assert worker.count == 3
    assert worker.options["process_name"] == "worker_%(process_num)02d"
    assert worker.options["stdout_logfile"] == f"{HOME}/log/worker_%(process_num)02d.log"


def test_a_shell_is_told_to_end_together_with_what_it_has_started() -> None:
    assert made({"worker": ["sh", "-c", "a | b"]})["worker"].options["stopasgroup"] == "true"


def test_a_file_of_the_host_s_is_found_in_the_app_s_home() -> None:
    assert made({"worker": "~/bin/work"})["worker"].words[3] == f"{HOME}/bin/work"


def test_words_arrive_as_they_were_written_whatever_supervisord_reads_into_them() -> None:
    words = ["work", "50%", "a b", "it's", '"$HOME"', "%(here)s", "; rm", "a ; b # c"]
    text = conf(replace(healthy.host_settings(), processes={"worker": Process(tuple(words))}))
    line = next(line for line in text.splitlines() if line.startswith("command=") and "work" in line)
    assert Program("x", "program", {"command": line.partition("=")[2] % {}}).words[3:] == words


def test_what_runs_once_is_on_one_of_all_hosts_alone_and_so_is_beat_by_itself() -> None:
    both = {"worker": CELERY, "beat": "celery -A mysite beat", "import": {"run": "manage.py imports", "once": True}}
    assert list(made(both)) == ["web", "beat", "import", "worker"]
    assert list(made(both, single=False)) == ["web", "worker"]
    everywhere = {"beat": {"run": "celery -A mysite beat", "once": False}}
    assert list(made(everywhere, single=False)) == ["web", "beat"]


def test_beat_keeps_its_schedule_where_it_outlives_the_version_unless_it_has_a_place_of_its_own() -> None:
    beat = made({"beat": "celery -A mysite beat -l INFO"})["beat"]
    assert beat.argv[-2:] == ["--schedule", f"{HOME}/shared/celerybeat-schedule-beat"]
    own = [
        "-s ~/beat",
        "--schedule=/srv/beat",
        "-S django",
        "--scheduler django_celery_beat.schedulers:DatabaseScheduler",
    ]
    for words in own:
        assert "celerybeat-schedule" not in " ".join(made({"beat": f"celery -A mysite beat {words}"})["beat"].argv)
    assert "--schedule" not in made({"worker": CELERY})["worker"].argv


def test_the_server_may_have_more_processes_and_more_time_than_it_has_by_itself() -> None:
    web = made({"web": {"count": 4, "stop": 40}})["web"]
    assert (web.kind, web.count, web.stop_seconds) == ("fcgi-program", 4, 40)
    assert "--graceful-timeout 35" in " ".join(web.argv)


@pytest.mark.parametrize(
    ("processes", "says"),
    [
        ({"worker": Process(count=3)}, "processes has worker without a command, and the project has none"),
        ({"web": Process(off=True)}, "processes leaves web out, and nothing would serve the site"),
    ],
)
def test_what_the_project_does_not_have_is_told(processes: dict[str, Process], says: str) -> None:
    host = replace(healthy.host_settings(), processes=processes)
    with pytest.raises(NotFound, match=says):
        find(STARTPROJECT, STARTPROJECT.get, host)


# --- How they are started


def test_a_process_finds_the_project_first_and_what_was_there_last() -> None:
    env = in_version({"PYTHONPATH": "/mine", "A": "1"}, "/v/config")
    assert env == {
        "PYTHONPATH": "/v/config/django:/v/config/modules:/mine",
        "DJANGO_SETTINGS_MODULE": "settings_switchback",
        "A": "1",
    }


@pytest.mark.parametrize(
    ("words", "means"),
    [
        (["celery", "worker"], ["celery", "worker"]),
        (["python", "-m", "celery"], [sys.executable, "-m", "celery"]),
        (["python3", "work.py"], [sys.executable, "work.py"]),
        (["manage.py", "work"], [sys.executable, "/v/config/manage.py", "work"]),
        (["python", "manage.py", "work"], [sys.executable, "/v/config/manage.py", "work"]),
        (["./manage.py", "work"], ["./manage.py", "work"]),
    ],
)
def test_python_is_the_version_s_own_and_so_is_manage_py(words: list[str], means: list[str]) -> None:
    assert command(words, "/v/config") == means


def test_variables_are_filled_in_as_a_shell_does_it_and_nothing_else() -> None:
    known = {"PORT": "8000", "EMPTY": ""}
    words = ["A=$PORT", "B=2", "run", "-b:$PORT", "${WORKERS:-3}", "${EMPTY:-4}", "$NONE", "a;b", "C=$A"]
    assert expanded(words, known) == (["run", "-b:8000", "3", "4", "a;b", "C="], {**known, "A": "8000", "B": "2"})


def test_a_worker_imports_the_project_and_runs_with_what_was_filled_in(version: Path) -> None:
    (version / "code" / "src" / "mysite" / "work.py").write_text(
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')\n"
        "import django, json, mysite\ndjango.setup()\n"
        "from django.conf import settings as s\n"
        "print(json.dumps([s.SETTINGS_MODULE, s.DEBUG, s.SECRET_KEY, django.__version__, mysite.__file__]))\n"
    )
    start = version / "config" / "start_switchback.py"
    argv = [sys.executable, str(start), "python", "-m", "mysite.work"]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    told = json.loads(subprocess.run(argv, check=True, cwd="/", env=env, capture_output=True, text=True).stdout)
    assert told[:3] == ["settings_switchback", False, "made here"]
    assert told[4] == f"{version}/code/src/mysite/__init__.py"
