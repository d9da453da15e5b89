"""A project on MariaDB: what can't be rolled back there comes from the backup, and no visitor waits long for a lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.bed.hosts import Host, start
from tests.bed.more import image_with
from tests.projects.project import Project
from tests.projects.tools import DJANGO, manage, startapp, startproject
from tests.projects.visitor import post, visit
from tests.runs import Runs

# Of the test's own server, and hard to quote.
PASSWORD = 'it\'s 100% "mine" $HOME'  # noqa: S105 - no secret of anybody's
MODELS = """\
from django.db import models


class Note(models.Model):
    text = models.CharField(max_length=50)
"""
URLS = """\
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from notes.models import Note


@csrf_exempt
def index(request):
    if request.method == "POST":
        Note.objects.create(text=request.POST["text"])
    return HttpResponse(f"{Note.objects.count()} notes: " + ", ".join(Note.objects.values_list("text", flat=True)))


urlpatterns = [path("", index), path("admin/", admin.site.urls)]
"""
# Django asks for mysqlclient, which has to be compiled; this one is Python alone.
DRIVER = "import pymysql\n\npymysql.install_as_MySQLdb()\n"
SETTINGS = f"""\
SECRET_KEY = "of the test"
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.mysql", "NAME": "app", "USER": "app", "PASSWORD": {PASSWORD!r},
        "HOST": "127.0.0.1", "PORT": "3306",
    }}
}}
"""
MIGRATION = """\
from django.db import migrations, models


def fail(apps, schema_editor):
    raise RuntimeError("no colour for what is there")


class Migration(migrations.Migration):
    dependencies = [("notes", "{needs}")]
    operations = [{operations}]
"""
ADDS = 'migrations.AddField("note", "{}", models.CharField(max_length=20, null=True))'
FAILS = "migrations.RunPython(fail, migrations.RunPython.noop)"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project: one that is good, one whose migration stops in its middle, one whose migration is good."""
    made = Project(tmp_path_factory.mktemp("mariadb"), DJANGO, "PyMySQL>=1.1")
    code, config = made.code, made.config
    startproject(code.folder)
    startapp(code.folder, "notes")
    code.write("notes/models.py", MODELS)
    code.write("mysite/urls.py", URLS)
    code.change("mysite/settings.py", "INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "notes",')
    manage(code.folder, "makemigrations", "notes")
    made.require("gunicorn", "supervisor")
    code.write("mysite/__init__.py", DRIVER)
    code.commit("good")
    half = MIGRATION.format(needs="0001_initial", operations=f"{ADDS.format('colour')}, {FAILS}")
    code.write("notes/migrations/0002_note_colour.py", half)
    code.commit("half-way")
    whole = MIGRATION.format(needs="0001_initial", operations=ADDS.format("colour"))
    code.write("notes/migrations/0002_note_colour.py", whole)
    code.append("notes/models.py", "    colour = models.CharField(max_length=20, null=True)\n")
    code.commit("colour")
    made.configure(SETTINGS)
    config.commit("right")
    return made


@pytest.fixture(scope="module")
def site(project: Project, run: Runs, engine: None) -> Iterator[Host]:
    """A bare host with MariaDB, provisioned, with the project's repositories and an empty database."""
    host = start(f"test-mariadb-{int(time.time())}", image=image_with("mariadb-server"))
    try:
        host.run(["mariadb", "-e", "CREATE DATABASE app CHARACTER SET utf8mb4"])
        quoted = PASSWORD.replace("'", "''")
        host.run(
            [
                "mariadb",
                "-e",
                f"CREATE USER app@localhost IDENTIFIED BY '{quoted}'; GRANT ALL ON app.* TO app@localhost",
            ]
        )
        project.place(host, ["gunicorn", "supervisor"])
        run("provision", host).worked()
        yield host
    finally:
        host.remove()


DATA = {"config": "right"}


def columns(host: Host) -> str:
    """The columns of the table of notes."""
    query = (
        "SELECT GROUP_CONCAT(column_name ORDER BY 1) FROM information_schema.columns WHERE table_name = 'notes_note'"
    )
    return host.run(["mariadb", "-N", "-B", "-e", query]).stdout.strip()


def test_a_first_deploy_makes_the_tables_and_backs_the_database_up(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "good", **DATA}).worked()
    assert "backup: of MySQL (app)" in result.output
    assert columns(site) == "id,text"
    assert "1 notes: first" in post(site, "/", "text", "first").text
    assert PASSWORD not in result.output


def test_the_password_is_on_no_command_line_and_in_no_file_beside_the_settings(site: Host, run: Runs) -> None:
    told = site.run(
        ["grep", "-rlF", PASSWORD, "/var/lib/switchback", "/home/app/backups", "/home/app/scripts"], check=False
    )
    assert told.stdout == ""


def test_a_migration_that_stops_in_its_middle_is_brought_back_by_the_backup(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "half-way", **DATA})
    assert result.code == 1
    assert "no colour for what is there" in result.screen
    assert "may be half applied" in result.output
    assert "fell back at migrate" in result.screen
    assert columns(site) == "id,text"
    assert "1 notes: first" in visit(site).text
    assert "2 notes: first, second" in post(site, "/", "text", "second").text


READS = """\
import os, sys, time, django
os.chdir("/home/app/django-current/config")
sys.path.insert(0, ".")
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
sys.path.insert(0, os.path.realpath("django"))
django.setup()
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
    # Longer than the migration may wait once.
    time.sleep(5)
"""


def test_a_migration_waits_for_a_reader_no_longer_than_it_may_and_visitors_wait_for_nobody(
    site: Host, run: Runs
) -> None:
    site.write("/home/app/reads.py", READS, owner="app")
    argv = ["runuser", "-u", "app", "--", "/home/app/venv/bin/python", "/home/app/reads.py"]
    reader = threading.Thread(target=site.run, args=[argv])
    reader.start()
    slowest = Slowest(site)
    result = run("deploy", site, data={"code": "colour", "maintenance": "auto", "restart": "rolling", **DATA})
    slowest.stop()
    reader.join()
    result.worked()
    assert "no lock within 2 s" in result.output
    assert "user app" in result.output
    assert columns(site) == "colour,id,text"
    assert "2 notes: first, second" in visit(site).text
    # A visitor waits behind a statement that waits, and no longer than it does.
    assert slowest.failed == 0
    assert slowest.seconds < 6


class Slowest:
    """A visitor who comes again and again: how often that failed, and how long it took at most."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.seconds, self.failed = 0.0, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._come)
        self.thread.start()

    def _come(self) -> None:
        while not self.over.wait(0.1):
            began = time.monotonic()
            self.failed += visit(self.host).status != 200
            self.seconds = max(self.seconds, time.monotonic() - began)

    def stop(self) -> None:
        self.over.set()
        self.thread.join()


def test_a_revert_takes_the_column_back(site: Host, run: Runs) -> None:
    run("revert", site, data={"database": "restore"}).worked()
    assert columns(site) == "id,text"
