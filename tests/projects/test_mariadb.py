"""A project on MariaDB: what can't be rolled back there comes from the backup, and no visitor waits long for a lock."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.bed.hosts import Host
from tests.bed.more import image_with
from tests.conftest import Hosts
from tests.hosts.visitors import visitors
from tests.projects.notes import ADDS, FAILS, Notes
from tests.projects.project import Project
from tests.projects.story import RATE, Story
from tests.projects.visitor import post, visit
from tests.runs import Result, Runs

# Of the test's own server, and hard to quote.
PASSWORD = 'it\'s 100% "mine" $HOME'  # noqa: S105 - no secret of anybody's
# Django asks for mysqlclient, which has to be compiled; this one is Python alone.
DRIVER = "import pymysql\n\npymysql.install_as_MySQLdb()\n"
PLACE = "CharField(max_length=20, null=True)"
SECRETS = {"DATABASE_PASSWORD": PASSWORD}
STORY = Story(
    "on MariaDB",
    {"secrets": ["DATABASE_PASSWORD"], "health_url": "http://127.0.0.1:8000/health/"},
)
SETTINGS = """

import os

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.mysql", "NAME": "app", "USER": "app",
        "PASSWORD": os.environ.get("DATABASE_PASSWORD"), "HOST": "127.0.0.1", "PORT": "3306",
    }
}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project; with one commit more whose migration stops in its middle, and one whose migration is good."""
    made = Notes(tmp_path_factory.mktemp("mariadb"), "PyMySQL>=1.1")
    made.append("mysite/settings.py", SETTINGS)
    made.write("mysite/__init__.py", DRIVER)
    made.require()
    made.commit_three()
    made.code.go_to("second")
    made.migrate("0003_place", ADDS.format("place", PLACE), FAILS, after="0002_size")
    made.code.commit("half-way")
    made.code.go_to("second")
    made.add("place", PLACE, "0003_place", after="0002_size")
    made.code.commit("place")
    return made


@pytest.fixture(scope="module")
def bare_host(hosts: Hosts) -> Host:
    """A host with MariaDB and an empty database."""
    (host,) = hosts(bare=True, image=image_with("mariadb-server"))
    quoted = PASSWORD.replace("'", "''")
    user = f"CREATE USER app@localhost IDENTIFIED BY '{quoted}'; GRANT ALL ON app.* TO app@localhost"
    host.run(["mariadb", "-e", f"CREATE DATABASE app CHARACTER SET utf8mb4; {user}"])
    return host


def columns(host: Host) -> str:
    """The columns of the table of notes."""
    query = (
        "SELECT GROUP_CONCAT(column_name ORDER BY 1) FROM information_schema.columns WHERE table_name = 'notes_note'"
    )
    return host.run(["mariadb", "-N", "-B", "-e", query]).stdout.strip()


def test_it_is_live_and_its_database_is_backed_up(site: Host, plays: Callable[[], dict[str, Result]]) -> None:
    told = plays()
    assert "backup: of MySQL (app)" in told["first"].output
    assert columns(site) == "colour,file,id,size,text"
    assert all(PASSWORD not in one.output for one in told.values())


def test_the_password_is_on_no_command_line_and_in_no_file_beside_the_secrets(site: Host) -> None:
    told = site.run(
        ["grep", "-rlF", PASSWORD, "/var/lib/switchback", "/home/app/backups", "/home/app/scripts"], check=False
    )
    assert told.stdout == ""


def test_a_migration_that_stops_in_its_middle_is_brought_back_by_the_backup(site: Host, run: Runs) -> None:
    before = visit(site, "/notes/").text
    result = run("deploy", site, data={"code": "half-way"})
    assert result.code == 1
    assert "no size for what is there" in result.told
    assert "may be half applied" in result.output
    assert "fell back at migrate" in result.told
    assert columns(site) == "colour,file,id,size,text"
    assert visit(site, "/notes/").text == before
    assert "one more" in post(site, "/", "text", "one more").text


# Reads, and stays in the transaction for longer than a migration may wait once.
READS = """\
import time
from django.db import connection
from django.db.transaction import atomic
waits = (
    "SELECT COUNT(*) FROM information_schema.processlist"
    " WHERE id <> CONNECTION_ID() AND info LIKE '%%ALTER TABLE `notes_note`%%'"
)
with atomic(), connection.cursor() as cursor:
    cursor.execute("SELECT * FROM notes_note")
    for _ in range(3000):
        cursor.execute(waits)
        if cursor.fetchone()[0]:
            break
        time.sleep(0.1)
    time.sleep(5)
"""


def test_a_migration_waits_for_a_reader_no_longer_than_it_may_and_visitors_wait_for_nobody(
    site: Host, run: Runs
) -> None:
    argv = ["runuser", "-u", "app", "--", "/home/app/bin/manage", "shell", "-v", "0", "-c", READS]
    reader = threading.Thread(target=site.run, args=[argv])
    reader.start()
    with visitors(site, RATE, site.website_url) as got:
        result = run("deploy", site, data={"code": "place"})
    reader.join()
    result.worked()
    assert "no lock within 2 s" in result.output
    assert "user app" in result.output
    assert columns(site) == "colour,file,id,place,size,text"
    assert "one more" in visit(site).text
    # A visitor waits behind a statement that waits, and no longer than it does.
    (seen,) = got
    assert (seen["failed"], seen["wrong"]) == (0, []), result.output
    assert seen["slowest"] < 6


def test_a_revert_takes_the_column_back(site: Host, run: Runs) -> None:
    run("revert", site, data={"database": "restore"}).worked()
    assert columns(site) == "colour,file,id,size,text"
