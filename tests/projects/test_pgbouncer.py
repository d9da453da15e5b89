"""A project whose visitors reach PostgreSQL by pgbouncer, which pools transactions: all of them share one connection,
and nothing that a deploy, a preview or a backup sets may be left on it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.bed.hosts import Host
from tests.bed.more import image_with
from tests.conftest import Hosts
from tests.projects.notes import Notes
from tests.projects.project import Project
from tests.projects.story import Story
from tests.projects.visitor import post, visit
from tests.runs import Result, Runs

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
SECRETS = {"DATABASE_PASSWORD": "of the test"}
STORY = Story(
    "behind pgbouncer, with target_session_attrs",
    {
        "database_direct_url": "postgresql://127.0.0.1:5432",
        "secrets": ["DATABASE_PASSWORD"],
        "health_url": "http://127.0.0.1:8000/health/",
    },
)
SETTINGS = """

import os

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": "app", "USER": "app",
        "PASSWORD": os.environ.get("DATABASE_PASSWORD"),
        "HOST": "127.0.0.1", "PORT": "6432", "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {"target_session_attrs": "read-write"},
    }
}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project; one more commit discards a column, and then answers nothing."""
    made = Notes(tmp_path_factory.mktemp("pgbouncer"), "psycopg[binary]")
    made.append("mysite/settings.py", SETTINGS)
    made.require()
    made.commit_three()
    made.commit_no_page()
    return made


@pytest.fixture(scope="module")
def bare_host(hosts: Hosts) -> Host:
    """A host with pgbouncer in front of its PostgreSQL."""
    (host,) = hosts(bare=True, image=image_with("pgbouncer"))
    host.run(["runuser", "-u", "postgres", "--", "psql", "-qc", "ALTER ROLE app PASSWORD 'of the test'"])
    host.write("/etc/pgbouncer/pgbouncer.ini", POOLER, mode=0o644)
    host.write("/etc/pgbouncer/userlist.txt", '"app" "of the test"\n', mode=0o644)
    host.run(["systemctl", "restart", "pgbouncer"])
    return host


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
    result = run("deploy", site, data={"code": "first", "database_direct_url": "none"})
    assert result.code == 1
    assert 'DATABASES["default"] is reached by a pooler' in result.told
    assert "database_direct_url: postgresql://HOST:PORT" in result.told


def test_with_the_database_s_own_address_it_is_live_and_nothing_is_left_on_the_connection_that_visitors_get(
    site: Host, plays: Callable[[], dict[str, Result]]
) -> None:
    told = plays()
    # A migration that the old code can live with is applied while visitors are in.
    assert "no window is needed: the old code can live with every migration" in told["second"].output
    assert columns(site) == "colour,file,id,size,text"
    assert left_behind(site) == ""


def test_a_look_leaves_nothing_on_the_connection_that_visitors_get(site: Host, run: Runs) -> None:
    preview = run("deploy", site, data={"code": "no-page"}, args=["--dry"]).worked()
    assert "notes.0003_next" in preview.output
    run("check", site)
    assert left_behind(site) == ""
    assert "after a look" in post(site, "/notes/", "text", "after a look").text


def test_rows_come_back_and_visitors_find_their_tables(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "no-page"})
    assert result.code == 1
    assert re.search("fell back at (restart|health)", result.told), result.told
    assert columns(site) == "colour,file,id,size,text"
    assert left_behind(site) == ""
    assert "after a look, and back" in post(site, "/notes/", "text", "and back").text
    assert visit(site).status == 200
