"""supervisord's config: what it says, what keeps it from rolling, and what a new one asks of the one that runs."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from agent.restart.trial_start import as_supervisord_would
from agent.service.obstacles import by_a_link, is_users, obstacles, port_of, web_program
from agent.service.supervisor_config import (
    Change,
    Program,
    Sections,
    Unreadable,
    compare,
    config_in,
    config_of,
    environment,
    package_of,
    parse,
    programs,
    read_config,
    resolved,
)
from agent.transaction.step import StepFailed
from agent.versions.layout import Layout
from tests.bed.places import ROOT
from tests.unit.examples import NEW, settings
from tests.unit.golden import assert_as_meant

ME = pwd.getpwuid(os.getuid()).pw_name

SAMPLE = (ROOT / "tests/sample/config/main/supervisord.conf").read_text()
URL = "http://127.0.0.1:8000/"
CONFIG, VENV = "/home/app/django-current/config", "/home/app/django-current/venv"


def found_in(text: str, url: str = URL) -> list[str]:
    return obstacles(parse(text), url, "/home/app", CONFIG, VENV)


def test_the_sample_allows_its_processes_to_be_replaced_one_by_one() -> None:
    assert found_in(SAMPLE) == []


# What is changed in the sample's config, and what has to be said about it.
OBSTACLES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "a unix socket": (
        "socket=tcp://127.0.0.1:8000",
        "socket=unix:///home/app/web.sock",
        ("a file that gunicorn removes", "socket=tcp://127.0.0.1:8000"),
    ),
    "one process": ("numprocs=2", "numprocs=1", ("has one process", "numprocs=2")),
    "no number of processes": ("numprocs=2", "", ("has one process",)),
    "no socket of supervisord's": (
        "[fcgi-program:web]\nsocket=tcp://127.0.0.1:8000",
        "[program:web]",
        ("no program of supervisord's holds the socket of health_url", "[fcgi-program:web]", "numprocs=2"),
    ),
    "gunicorn's own script": (
        f"{resolved(VENV, '-m gunicorn')}",
        f"{VENV}/bin/gunicorn",
        ("names the interpreter", f"command={resolved(VENV, '-m gunicorn --bind fd://0')}"),
    ),
    "another server": (
        "-m gunicorn",
        "-m waitress",
        ("only gunicorn, uvicorn, hypercorn, daphne and uwsgi are known", "-m gunicorn --bind fd://0 wsgi:application"),
    ),
    "another server of an app that is served asynchronously, with no socket of supervisord's": (
        "[fcgi-program:web]\nsocket=tcp://127.0.0.1:8000",
        "[program:daphne]\ndirectory=/x\ncommand=/home/app/venv/bin/daphne site.asgi:application\n[program:web]",
        (
            "[fcgi-program:web]",
            "--graceful-timeout 5 --worker-class uvicorn_worker.UvicornWorker site.asgi:application",
        ),
    ),
    "another server that serves asynchronously": (
        "-m gunicorn --bind fd://0 --workers 1 --graceful-timeout 5 --no-control-socket wsgi:application",
        "-m server site.asgi:application",
        (
            "only gunicorn, uvicorn, hypercorn, daphne and uwsgi are known",
            "--worker-class uvicorn_worker.UvicornWorker site.asgi:application",
        ),
    ),
    "a server whose command names no app": (
        "-m gunicorn --bind fd://0 --workers 1 --graceful-timeout 5 --no-control-socket wsgi:application",
        "serve.py",
        ("only gunicorn, uvicorn, hypercorn, daphne and uwsgi are known", "-m gunicorn --bind fd://0 wsgi:application"),
    ),
    "no command": ("command=/bin/sh", "; /bin/sh", ("web runs nothing, and only gunicorn, uvicorn",)),
    "a socket of its own": ("--bind fd://0", "--bind 127.0.0.1:8000", ("--bind fd://0",)),
    "killed too soon": (
        "stopwaitsecs=10",
        "stopwaitsecs=5",
        ("killed after stopwaitsecs=5", "gives its requests 5 s", "stopwaitsecs=10"),
    ),
    "gunicorn's own time to end": ("--graceful-timeout 5", "", ("gives its requests 30 s", "stopwaitsecs=35")),
    "supervisord that can't be asked": (
        "[unix_http_server]\nfile=/home/app/supervisor.sock\nchmod=0700",
        "",
        ("can't be asked", "[unix_http_server]", "file=/home/app/supervisor.sock"),
    ),
    "no directory": (f"directory={CONFIG}", "", (f"add directory={CONFIG}",)),
}


@pytest.mark.parametrize(("old", "new", "says"), OBSTACLES.values(), ids=OBSTACLES)
def test_what_keeps_a_config_from_rolling_is_said_with_the_lines_to_write(
    old: str, new: str, says: tuple[str, ...]
) -> None:
    assert old in SAMPLE
    (problem,) = found_in(SAMPLE.replace(old, new))
    assert [words for words in says if words not in problem] == []


def test_what_keeps_a_config_from_rolling_is_said_in_these_words() -> None:
    assert_as_meant(
        "obstacles", {name: found_in(SAMPLE.replace(old, new)) for name, (old, new, _) in OBSTACLES.items()}
    )


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://127.0.0.1:8000/up", 8000), ("http://localhost/", 80), ("https://localhost/", 443)],
)
def test_a_url_without_a_port_is_asked_at_its_schemes(url: str, port: int) -> None:
    assert port_of(url) == port


@pytest.mark.parametrize("command", ["--bind=fd://0", "-b fd://0", "-b=fd://0"])
def test_gunicorns_socket_is_read_in_every_way_of_writing_it(command: str) -> None:
    assert found_in(SAMPLE.replace("--bind fd://0", command)) == []


@pytest.mark.parametrize("app", ["", " wsgi:application"])
def test_an_option_is_read_also_where_it_is_the_last(app: str) -> None:
    text = SAMPLE.replace("--bind fd://0 ", "").replace(" wsgi:application", "{}")
    assert found_in(text.format(f"{app} --bind fd://0")) == []
    assert "does not serve on the socket" in found_in(text.format(f"{app} --bind"))[0]


@pytest.mark.parametrize("command", ["-m flask", "gunicorn_of_ours", "-c -m gunicorn"])
def test_what_is_no_gunicorn_is_not_taken_for_one(command: str) -> None:
    (problem,) = found_in(SAMPLE.replace("-m gunicorn", command))
    assert "only gunicorn, uvicorn, hypercorn, daphne and uwsgi are known" in problem


def test_what_is_no_python_does_not_run_gunicorn_by_its_name() -> None:
    (problem,) = found_in(SAMPLE.replace(resolved(VENV, "-m gunicorn"), "/usr/bin/env -m gunicorn"))
    assert "only gunicorn, uvicorn, hypercorn, daphne and uwsgi are known" in problem


def test_of_several_sockets_that_are_files_none_is_taken_for_the_one_that_is_asked() -> None:
    one = SAMPLE.replace("socket=tcp://127.0.0.1:8000", "socket=unix:///home/app/web.sock")
    two = one + one[one.index("[fcgi-program") :].replace("program:web", "program:api")
    assert [web_program(parse(text), URL) and "web" for text in (one, two)] == ["web", None]


@pytest.mark.parametrize(
    ("named", "theirs"), [("app", True), ("", True), ("root", False), ("0", False), ("no-such", False)]
)
def test_a_program_is_a_users_that_names_nobody_or_that_one(named: str, theirs: bool) -> None:
    line = f"numprocs=2\nuser={named}" if named else "numprocs=2"
    assert is_users(programs(parse(SAMPLE.replace("numprocs=2", line)))["web"], "app") is theirs


def test_a_program_may_name_its_user_by_the_number() -> None:
    web = programs(parse(SAMPLE.replace("numprocs=2", "numprocs=2\nuser=0")))["web"]
    assert is_users(web, "root")


def test_all_that_keeps_it_from_rolling_is_said_at_once() -> None:
    text = SAMPLE.replace("numprocs=2", "").replace("stopwaitsecs=10", "").replace("--graceful-timeout 5", "")
    assert len(found_in(text)) == 2


def test_the_program_that_serves_is_the_one_at_the_port_that_is_asked() -> None:
    text = SAMPLE + SAMPLE[SAMPLE.index("[fcgi-program") :].replace("web", "api").replace("8000", "9000")
    serving = [web_program(parse(text), f"http://127.0.0.1:{port}/") for port in (8000, 9000, 9001)]
    assert [one and one.name for one in serving] == ["web", "api", None]


# --- What a new config asks for


def changed(old: str, new: str) -> Change:
    assert old in SAMPLE
    return compare(parse(SAMPLE), parse(SAMPLE.replace(old, new)))


def test_the_same_config_asks_for_nothing_also_when_it_is_written_another_way() -> None:
    assert compare(parse(SAMPLE), parse("; a word\n" + SAMPLE.replace("startsecs=1", "startsecs = 1"))) == Change()


def test_a_changed_program_has_its_group_restarted() -> None:
    assert changed("numprocs=2", "numprocs=3") == Change(groups=("web",))
    assert compare(parse(SAMPLE), parse(SAMPLE + "[program:mail]\ncommand=mail\n")) == Change(groups=("mail",))


def test_a_program_that_is_in_a_group_has_all_of_that_group_restarted() -> None:
    grouped = SAMPLE + "[program:mail]\ncommand=mail\n[group:site]\nprograms=web, mail\n"
    assert compare(parse(grouped), parse(grouped.replace("=mail\n[", "=post\n["))) == Change(groups=("site",))


def test_what_only_a_start_of_supervisord_reads_is_named() -> None:
    assert changed("chmod=0700", "chmod=0770") == Change(whole=("unix_http_server",))
    assert changed("logfile=/home/app/supervisord.log", "logfile=/tmp/x") == Change(whole=("supervisord",))


def test_what_only_supervisorctl_reads_asks_for_nothing() -> None:
    assert changed("[supervisorctl]", "[supervisorctl]\nprompt=site") == Change()


# --- Reading


def test_included_files_are_part_of_a_config(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "mail.conf").write_text("[program:mail]\ncommand=mail\n")
    (tmp_path / "supervisord.conf").write_text("[include]\nfiles = more/*.conf\n[program:web]\ncommand=web\n")
    assert set(programs(read_config(tmp_path / "supervisord.conf", ME))) == {"web", "mail"}


def test_a_config_that_cant_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No such file"):
        read_config(tmp_path / "supervisord.conf", ME)
    with pytest.raises(Unreadable, match="no section headers"):
        parse("command=web")


def test_a_program_has_supervisords_own_defaults() -> None:
    sections: Sections = {"program:web": {"command": "web 'of words"}}
    web = programs(sections)["web"]
    assert (web.count, web.stop_seconds, web.argv, web.address) == (1, 10, [], "")


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["/v/bin/python", "/home/app/venv/bin/supervisord", "--configuration", "/d/s.conf"], "/d/s.conf"),
        (["/usr/bin/supervisord", "-n", "-c", "/etc/s.conf"], "/etc/s.conf"),
        (["supervisord", "--configuration=/etc/s.conf"], "/etc/s.conf"),
        (["supervisord"], ""),
        (["/v/bin/python", "-m", "gunicorn"], None),
        ([], None),
    ],
)
def test_the_config_is_the_one_that_supervisord_was_started_with(command: list[str], named: str | None) -> None:
    assert config_of(command) == named


def test_a_versions_config_is_the_file_of_that_name_in_it() -> None:
    layout = Layout(settings().for_host(), Path("/home/app"))
    config = Path(f"/home/app/{NEW}/config")
    brought = config / "supervisord.conf"
    assert config_in(layout, "/home/app/deployment/supervisord.conf", config) == brought
    assert config_in(layout, "/home/app/django-current/config/supervisord.conf", config) == brought
    assert config_in(layout, "/etc/supervisord.conf", config) == Path("/etc/supervisord.conf")


def test_the_release_of_supervisor_is_read_from_a_venv(tmp_path: Path) -> None:
    assert package_of(tmp_path) is None
    (tmp_path / "lib/python3.11/site-packages/supervisor-4.3.0.dist-info").mkdir(parents=True)
    assert package_of(tmp_path) == "supervisor-4.3.0"


def test_an_environment_is_read_as_supervisord_reads_it() -> None:
    assert environment("A=\"b,c\",D=e, F='g h'") == {"A": "b,c", "D": "e", "F": "g h"}
    assert environment("") == {}


@pytest.mark.parametrize("named", ["root", "0", "www-data", "no-such-user"])
def test_a_program_that_is_to_run_as_another_is_never_started_by_us(named: str) -> None:
    sections = parse(SAMPLE.replace("numprocs=2", f"numprocs=2\nuser={named}"))
    layout = Layout(settings().for_host(), Path("/home/app"))
    web = programs(sections)["web"]
    with pytest.raises(StepFailed, match=f"web has user={named}, and .*take that line out, or write user=app"):
        as_supervisord_would(layout, sections, web, Path("/home/app/supervisord.conf"), os.getpid())


def test_a_program_that_names_the_apps_own_user_is_started_as_that_one() -> None:
    sections = parse(SAMPLE.replace("numprocs=2", "numprocs=2\nuser=app"))
    layout = Layout(settings().for_host(), Path("/home/app"))
    web = programs(sections)["web"]
    assert as_supervisord_would(layout, sections, web, Path("/home/app/supervisord.conf"), os.getpid()).user == "app"


BY_LINK = f"{VENV}/bin/python -m gunicorn"


def test_a_python_that_keeps_to_a_link_is_named_with_the_line_to_write() -> None:
    told = by_a_link(parse(SAMPLE.replace(resolved(VENV, "-m gunicorn"), BY_LINK)), [VENV, "/home/app/venv"])
    assert len(told) == 1
    assert told[0].startswith(f"web is started as {VENV}/bin/python, and what it imports late")
    written = parse(SAMPLE)["fcgi-program:web"]["command"]
    assert told[0].endswith(f"write command={written}")


@pytest.mark.parametrize("given", ["manage.py work --name 'a b'", "'a b.py'", "work.py %(ENV_OPTIONS)s"])
def test_the_line_to_write_gives_python_what_it_was_given_before(given: str) -> None:
    sections = {"program:unreadable": {"command": "'"}, "program:work": {"command": f'"{VENV}/bin/python" {given}'}}
    (told,) = by_a_link(sections, [VENV])
    assert told.endswith(f"write command={resolved(VENV, given)}")


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("/home/app/bin/site/bin/python work.py", True),
        ("/home/app/venv/bin/python manage.py work --name 'a b'", True),
        (resolved("/home/app/venv", "manage.py work"), False),
        ("/home/app/django-current/run python manage.py work", False),
        ("/home/app/venv/bin/celery -A site worker", False),
        ("/usr/bin/python3 work.py", False),
        ("work 'of words", False),
        ("", False),
    ],
)
def test_only_a_python_by_a_link_is_named(command: str, named: bool) -> None:
    told = by_a_link({"program:work": {"command": command}}, [VENV, "/home/app/venv", "/home/app/bin/site"])
    assert bool(told) is named


def test_a_command_that_follows_the_links_is_read_as_what_it_starts() -> None:
    web = programs(parse(SAMPLE))["web"]
    assert web.argv[:5] == [f"{VENV}/bin/python", "-m", "gunicorn", "--bind", "fd://0"]


def test_what_is_started_so_keeps_to_its_version_when_the_link_leads_elsewhere(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin/python").write_text('#!/bin/sh\necho "$0" "$@"\n')
        (tmp_path / name / "bin/python").chmod(0o755)
    (tmp_path / "link").symlink_to("old")
    argv = Program("web", "program", {"command": resolved(str(tmp_path / "link"), "-m 'a b'")}).words
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert said == f"{tmp_path}/old/bin/python -m a b\n"
