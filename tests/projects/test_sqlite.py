"""A project on SQLite with a write-ahead log: rows come back from the backup while its processes have the file open,
and what they write afterwards is kept."""

from __future__ import annotations

import re

import pytest

from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.projects.notes import COLUMN, NO_PAGE, REMOVES_COLOUR, Notes
from tests.projects.project import Project
from tests.projects.visitor import post, visit
from tests.runs import Runs

FILE = "/home/app/data/db.sqlite3"
# The connection stays open, as a worker's does.
SETTINGS = f"""\
SECRET_KEY = "of the test"
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "{FILE}",
        "CONN_MAX_AGE": None,
        "OPTIONS": {{"init_command": "PRAGMA journal_mode=WAL"}},
    }}
}}
"""
# A column that the database fills remakes the whole table.
SIZE = "IntegerField(db_default=0)"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project: one that is good; one that discards a column and then answers nothing; one that adds one."""
    made = Notes(tmp_path_factory.mktemp("sqlite"))
    made.require("gunicorn", "supervisor")
    made.code.commit("good")
    made.migrate("0002_next", REMOVES_COLOUR)
    made.change("notes/models.py", COLUMN, "")
    made.append("mysite/urls.py", NO_PAGE)
    made.code.commit("no-page")
    made.code.go_to("good")
    made.add("size", SIZE, "0002_next")
    made.code.commit("size")
    made.configure(SETTINGS)
    made.config.commit("right")
    return made


@pytest.fixture(scope="module")
def site(site: Host) -> Host:
    """The host, with a folder for the file."""
    site.run(["runuser", "-u", "app", "--", "mkdir", "-p", "/home/app/data"])
    return site


DATA = {"config": "right"}


def asked(host: Host, query: str) -> str:
    """What a process that opens the file anew finds in it."""
    program = "import sqlite3, sys; print([row[0] for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])])"
    return host.read(["runuser", "-u", "app", "--", "python3", "-c", program, FILE, query]).strip()


def columns(host: Host) -> str:
    return asked(host, "SELECT name FROM pragma_table_info('notes_note')")


def inode(host: Host) -> str:
    return host.read(["stat", "-c", "%i", FILE]).strip()


def test_a_first_deploy_makes_the_file_and_backs_it_up(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "good", **DATA}).worked()
    assert "backup: of SQLite" in result.output
    assert "1 notes: first" in post(site, "/", "text", "first").text
    assert site.run(["ls", FILE + "-wal"], check=False).returncode == 0


def test_a_discarded_column_and_its_rows_come_back_while_processes_have_the_file_open(site: Host, run: Runs) -> None:
    before = inode(site)
    result = run("deploy", site, data={"code": "no-page", **DATA})
    assert result.code == 1
    assert re.search("fell back at (restart|health)", result.told), result.told
    assert columns(site) == "['id', 'text', 'colour', 'file']"
    assert asked(site, "SELECT colour FROM notes_note") == "['red']"
    assert inode(site) == before
    assert "1 notes: first" in visit(site).text
    # What is written from now on is in the file that everybody opens.
    for text in ("second", "third"):
        post(site, "/", "text", text)
    assert asked(site, "SELECT text FROM notes_note") == "['first', 'second', 'third']"
    open_files = site.run("ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c 'db.sqlite3.*deleted'", check=False)
    assert open_files.stdout.strip() == "0"


def test_a_table_that_is_made_anew_keeps_visitors_out(site: Host, run: Runs) -> None:
    preview = run("deploy", site, data={"code": "size", "maintenance": "auto", **DATA}, args=["--dry"]).worked()
    assert "! keeps writers out: writes the whole table anew" in preview.flowing
    result = run("deploy", site, data={"code": "size", "maintenance": "auto", **DATA}).worked()
    assert "a window is needed: nobody else can write to the database during notes.0002_next" in result.output
    assert columns(site) == "['id', 'text', 'colour', 'file', 'size']"


def test_a_revert_takes_the_column_back_and_keeps_the_rows(site: Host, run: Runs) -> None:
    post(site, "/", "text", "fourth")
    run("revert", site, data={"database": "reverse"}).worked()
    assert columns(site) == "['id', 'text', 'colour', 'file']"
    assert "4 notes" in visit(site).text


def test_a_person_can_run_both_scripts_by_hand(site: Host) -> None:
    as_app = ["runuser", "-u", "app", "--"]
    backup = site.read([*as_app, "env", "HOME=/home/app", "/home/app/scripts/backup_database.sh"]).split()[-1]
    post(site, "/", "text", "fifth")
    assert "5 notes" in visit(site).text
    site.run([*as_app, "env", "HOME=/home/app", "/home/app/scripts/restore_database.sh", backup])
    assert "4 notes" in visit(site).text
    site.reboot()
    wait_for_site(site)
    assert "5 notes" in post(site, "/", "text", "sixth").text
