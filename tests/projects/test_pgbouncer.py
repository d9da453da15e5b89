"""A project whose visitors reach PostgreSQL by pgbouncer, which pools transactions: all of them share one connection,
and nothing that a deploy, a preview or a backup sets may be left on it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.bed.hosts import Host, start
from tests.bed.more import image_with
from tests.projects.project import Project
from tests.projects.test_sqlite import MIGRATION, MODELS, NO_PAGE, REMOVES, URLS
from tests.projects.tools import DJANGO, manage, startapp, startproject
from tests.projects.visitor import post, visit
from tests.runs import Runs

POOLER = """\
[databases]
app = host=127.0.0.1 port=5432 dbname=app

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = 6432
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/userlist.txt
pool_mode = transaction
default_pool_size = 1
"""
SETTINGS = """\
SECRET_KEY = "of the test"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": "app", "USER": "app", "PASSWORD": "of the test",
        "HOST": "127.0.0.1", "PORT": "6432", "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {"target_session_attrs": "read-write"},
    }
}
"""
ADDS = 'migrations.AddField("note", "size", models.IntegerField(null=True))'
DIRECT = {"config": "right", "database_direct_url": "postgresql://127.0.0.1:5432"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project: one that is good; one that discards a column and then answers nothing; one that adds one."""
    made = Project(tmp_path_factory.mktemp("pgbouncer"), DJANGO, "psycopg[binary]")
    code, config = made.code, made.config
    startproject(code.folder)
    startapp(code.folder, "notes")
    code.write("notes/models.py", MODELS)
    code.write("mysite/urls.py", URLS)
    code.change("mysite/settings.py", "INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "notes",')
    manage(code.folder, "makemigrations", "notes")
    made.require("gunicorn", "supervisor")
    code.commit("good")
    column = '    colour = models.CharField(max_length=20, default="red")\n'
    code.write("notes/migrations/0002_next.py", MIGRATION.format(operations=REMOVES))
    code.write("notes/models.py", MODELS.replace(column, ""))
    code.append("mysite/urls.py", NO_PAGE)
    code.commit("no-page")
    code.write("notes/migrations/0002_next.py", MIGRATION.format(operations=ADDS))
    code.write("notes/models.py", MODELS + "    size = models.IntegerField(null=True)\n")
    code.write("mysite/urls.py", URLS)
    code.commit("size")
    made.configure(SETTINGS)
    config.commit("right")
    return made


@pytest.fixture(scope="module")
def site(project: Project, run: Runs, engine: None) -> Iterator[Host]:
    """A bare host with pgbouncer in front of its PostgreSQL, provisioned, with the project's repositories."""
    host = start(f"test-pgbouncer-{int(time.time())}", image=image_with("pgbouncer"))
    try:
        host.run(["runuser", "-u", "postgres", "--", "psql", "-qc", "ALTER ROLE app PASSWORD 'of the test'"])
        host.write("/etc/pgbouncer/pgbouncer.ini", POOLER, mode=0o644)
        host.write("/etc/pgbouncer/userlist.txt", '"app" "of the test"\n', mode=0o644)
        host.run(["systemctl", "restart", "pgbouncer"])
        project.place(host, ["gunicorn", "supervisor"])
        run("provision", host).worked()
        yield host
    finally:
        host.remove()


def asked(host: Host, query: str, port: int = 6432) -> str:
    """What a visitor's connection finds."""
    told = ["env", "PGPASSWORD=of the test", "psql", "-AtX", "-h", "127.0.0.1", "-p", str(port), "-U", "app", "app"]
    return host.run(["runuser", "-u", "app", "--", *told, "-c", query]).stdout.strip()


def left_behind(host: Host) -> str:
    """What differs from how the server was set up, on the connection that visitors get."""
    # What the pooler itself sees to stands there as well.
    return asked(
        host,
        "SELECT name, setting FROM pg_settings WHERE source = 'session' AND setting <> reset_val AND name NOT IN "
        "('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings')",
    )


def columns(host: Host) -> str:
    return asked(
        host,
        "SELECT string_agg(column_name, ',' ORDER BY column_name) FROM information_schema.columns "
        "WHERE table_name = 'notes_note'",
    )


def test_a_backup_by_the_pooler_is_refused_with_what_to_write(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "good", "config": "right"})
    assert result.code == 1
    assert 'DATABASES["default"] is reached by a pooler' in result.screen
    assert "database_direct_url: postgresql://HOST:PORT" in result.screen


def test_with_the_database_s_own_address_it_is_live(site: Host, run: Runs) -> None:
    run("deploy", site, data={"code": "good", **DIRECT}).worked()
    assert "1 notes: first" in post(site, "/", "text", "first").text
    assert left_behind(site) == ""


def test_a_look_leaves_nothing_on_the_connection_that_visitors_get(site: Host, run: Runs) -> None:
    preview = run("deploy", site, data={"code": "size", **DIRECT}, args=["--dry"]).worked()
    assert "notes.0002_next" in preview.output
    run("check", site, data=DIRECT)
    assert left_behind(site) == ""
    assert "2 notes: first, second" in post(site, "/", "text", "second").text


def test_rows_come_back_and_visitors_find_their_tables(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "no-page", **DIRECT})
    assert result.code == 1
    assert re.search("fell back at (restart|health)", result.screen), result.screen
    assert columns(site) == "colour,id,text"
    assert left_behind(site) == ""
    assert "3 notes: first, second, third" in post(site, "/", "text", "third").text


def test_a_migration_that_the_old_code_can_live_with_is_applied_while_visitors_are_in(site: Host, run: Runs) -> None:
    data = {"code": "size", "maintenance": "auto", "restart": "rolling", **DIRECT}
    result = run("deploy", site, data=data).worked()
    assert "no window is needed: the old code can live with every migration" in result.output, result.output
    assert columns(site) == "colour,id,size,text"
    assert left_behind(site) == ""
    assert visit(site).status == 200
