"""The scripts that provision writes, run on real SQLite files, and on stand-ins of the other kinds' own tools."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from switchback.checks.own_texts import FILES
from tests.unit.django_project import Project

NAMES = ("backup_database.sh", "restore_database.sh", "databases.py", "database_engines.py")
ROWS = "SELECT name FROM things ORDER BY name"


class Site:
    """A project with the scripts, as its app's user has them."""

    def __init__(self, folder: Path, **project: Any) -> None:
        self.home = folder
        self.scripts, self.backups = folder / "scripts", folder / "backups"
        self.scripts.mkdir()
        for name in NAMES:
            shutil.copy(FILES / name, self.scripts)
        self.project = Project(folder / "config", **project)
        self.project.folder.mkdir()
        self.project.write()
        self.environment = {
            "HOME": str(folder),
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "SWITCHBACK_VERSION": str(folder),
            "SWITCHBACK_PYTHON": sys.executable,
            "SWITCHBACK_MANAGE": str(folder / "config" / "manage.py"),
        }

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        argv = ["sh", str(self.scripts / script), *arguments]
        env = {**self.environment, **environment}
        return subprocess.run(argv, env=env, cwd=self.home, capture_output=True, text=True, check=False)

    def backup(self, **environment: str) -> Path:
        done = self.run("backup_database.sh", **environment)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.splitlines()[-1])

    def restore(self, path: Path) -> None:
        done = self.run("restore_database.sh", str(path))
        assert done.returncode == 0, done.stderr

    def file(self, alias: str = "default") -> Path:
        return self.project.folder / f"{alias}.db"

    def opened(self, alias: str = "default") -> sqlite3.Connection:
        return sqlite3.connect(self.file(alias), isolation_level=None, timeout=5, check_same_thread=False)

    def rows(self, alias: str = "default") -> list[str]:
        with closing(self.opened(alias)) as live:
            return [name for (name,) in live.execute(ROWS)]

    def tool(self, name: str, text: str) -> None:
        path = self.home / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}")
        path.chmod(0o755)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def live(site: Site, journal_mode: str) -> Iterator[sqlite3.Connection]:
    """What a process of the app's has open, with a row."""
    with closing(site.opened()) as live:
        live.execute(f"PRAGMA journal_mode = {journal_mode}")
        live.execute("CREATE TABLE things (name TEXT)")
        live.execute("INSERT INTO things VALUES ('first')")
        yield live


@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
def test_a_sqlite_file_goes_back_while_processes_have_it_open(site: Site, live: sqlite3.Connection) -> None:
    backup, inode = site.backup(), site.file().stat().st_ino
    assert backup.suffix == ".sqlite3"
    live.execute("ALTER TABLE things ADD COLUMN colour TEXT")
    live.execute("INSERT INTO things VALUES ('second', 'red')")
    live.execute("CREATE TABLE others (name TEXT)")
    site.restore(backup)
    # Whoever had it open sees what was restored, and what it writes from now on is in the file that others open.
    assert [name for (name,) in live.execute(ROWS)] == ["first"]
    assert len(live.execute("SELECT * FROM things").description) == 1
    live.execute("INSERT INTO things VALUES ('third')")
    assert site.rows() == ["first", "third"]
    assert site.file().stat().st_ino == inode
    assert live.execute("PRAGMA journal_mode").fetchone()[0].upper() == ("WAL" if _has_log(site) else "DELETE")


def _has_log(site: Site) -> bool:
    return site.file().with_name("default.db-wal").exists()


@pytest.mark.parametrize("journal_mode", ["WAL"])
def test_what_is_still_in_the_write_ahead_log_is_in_the_backup(site: Site, live: sqlite3.Connection) -> None:
    live.execute("PRAGMA wal_autocheckpoint = 0")
    live.execute("INSERT INTO things VALUES ('in the log')")
    backup = site.backup()
    assert [path.name for path in site.backups.iterdir()] == [backup.name]
    with closing(sqlite3.connect(f"file:{backup}?mode=ro&immutable=1", uri=True)) as copy:
        assert [name for (name,) in copy.execute(ROWS)] == ["first", "in the log"]


@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
def test_a_backup_is_never_of_half_a_transaction(site: Site, live: sqlite3.Connection) -> None:
    with closing(site.opened()) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO things VALUES ('half')")
        backup = site.backup()
        writer.execute("COMMIT")
    with closing(sqlite3.connect(backup)) as copy:
        assert [name for (name,) in copy.execute(ROWS)] == ["first"]


@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
def test_a_restore_waits_for_whoever_is_at_it(site: Site, live: sqlite3.Connection) -> None:
    backup = site.backup()
    live.execute("BEGIN IMMEDIATE")
    live.execute("INSERT INTO things VALUES ('second')")
    ends = threading.Timer(1.5, live.execute, ["COMMIT"])
    ends.start()
    site.restore(backup)
    ends.join()
    assert site.rows() == ["first"]


def test_an_empty_database_has_a_backup_that_empties_it_again(site: Site) -> None:
    site.file().touch()
    backup = site.backup()
    assert backup.stat().st_size
    with closing(site.opened()) as live:
        live.execute("CREATE TABLE things (name TEXT)")
    site.restore(backup)
    with closing(site.opened()) as live:
        assert live.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_backup_is_for_its_owner_alone_and_named_after_the_database_and_its_time(site: Site) -> None:
    site.file().touch()
    paths = {site.backup() for _ in range(3)}
    assert len(paths) == 3
    assert {path.name.startswith("default-2") and path.stat().st_mode & 0o777 == 0o600 for path in paths} == {True}


def test_what_a_killed_backup_has_left_is_gone_after_the_next_one(site: Site) -> None:
    site.file().touch()
    site.backups.mkdir()
    left = site.backups / ".unfinished-999999999-abc"
    left.mkdir()
    (left / "default.sqlite3").write_text("half")
    (site.backups / ".unfinished-999999999-XXXX").touch()
    goes_on = site.backups / f".unfinished-{os.getpid()}-abc"
    goes_on.touch()
    backup = site.backup()
    assert {*site.backups.iterdir()} == {backup, goes_on}


def test_without_a_database_there_is_no_backup_and_no_file_is_made(site: Site) -> None:
    done = site.run("backup_database.sh")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "unable to open database file" in done.stderr
    assert [*site.backups.iterdir()] == []
    assert not site.file().exists()


ROUTER = """
class Router:
    def db_for_write(self, model, **hints):
        return "logs" if model._meta.app_label == "events" else "default"

    def allow_migrate(self, db, app_label, **hints):
        return (db == "logs") == (app_label == "events")
"""
MODEL = """
from django.db import models


class Thing(models.Model):
    pass
"""


def test_several_databases_are_in_one_backup_and_go_back_from_it(tmp_path: Path) -> None:
    models = {"items": MODEL, "events": MODEL}
    site = Site(
        tmp_path, databases=("default", "logs", "warehouse"), apps=("items", "events"), models=models, router=ROUTER
    )
    for alias in site.project.databases:
        with closing(site.opened(alias)) as live:
            live.execute("CREATE TABLE things (name TEXT)")
            live.execute("INSERT INTO things VALUES (?)", [alias])
    # By hand the project's routers are asked, and what they write nothing to is left alone; a deploy tells which.
    for backup in (site.backup(), site.backup(SWITCHBACK_DATABASES="default logs")):
        assert backup.name.startswith("databases-")
        with tarfile.open(backup) as tar:
            assert tar.getnames() == ["databases.json", "default.sqlite3", "logs.sqlite3"]
            listed = tar.extractfile("databases.json")
            assert listed
            assert json.load(listed)["logs"] == {
                "vendor": "sqlite",
                "name": str(site.file("logs")),
                "file": "logs.sqlite3",
            }
    for alias in site.project.databases:
        with closing(site.opened(alias)) as live:
            live.execute("INSERT INTO things VALUES ('later')")
    site.restore(backup)
    assert [site.rows(alias) for alias in site.project.databases] == [["default"], ["logs"], ["later", "warehouse"]]
    assert {*site.backups.glob(".*")} == set()


@pytest.mark.parametrize("head", [b"PGDMP and more", b"-- MariaDB dump 10", b"nothing that is known"])
def test_a_backup_of_another_kind_of_database_changes_nothing(site: Site, head: bytes, tmp_path: Path) -> None:
    with closing(site.opened()) as live:
        live.execute("CREATE TABLE things (name TEXT)")
    other = tmp_path / "other"
    other.write_bytes(head)
    before = site.file().read_bytes()
    done = site.run("restore_database.sh", str(other))
    assert done.returncode != 0
    assert f"which database {other} is of can't be told from its file; the project has default (sqlite)" in done.stderr
    assert site.file().read_bytes() == before


# --- The other kinds, by their own tools

POSTGRESQL = """
DATABASES["default"] = {
    "ENGINE": "postgresql", "NAME": "shop", "USER": "me", "PASSWORD": "it's a %secret$", "HOST": "db", "PORT": 6432,
    "OPTIONS": {"sslmode": "require", "target_session_attrs": "read-write", "pool": True},
}
"""
MYSQL = """
DATABASES["default"] = {
    "ENGINE": "mysql", "NAME": "shop", "USER": "me", "PASSWORD": "it's a %secret$", "HOST": "db", "PORT": "3307",
    "OPTIONS": {"charset": "utf8mb4", "ssl": {"ca": "/etc/ca.pem"}},
}
"""
# Only what says of which kind it is: no driver is installed here.
BACKEND = """
import os
from contextlib import closing
from types import SimpleNamespace

from django.db.backends.dummy.base import DatabaseWrapper as Dummy


class Cursor:
    def execute(self, asked):
        assert asked == "SELECT pg_backend_pid()"

    def fetchone(self):
        return [int(os.environ.get("ANSWERS", "7"))]

    def close(self):
        pass


class DatabaseWrapper(Dummy):
    vendor = "{}"

    def cursor(self):
        self.connection = SimpleNamespace(info=SimpleNamespace(backend_pid=7))
        return closing(Cursor())

    def close(self):
        pass
"""


def site_on(vendor: str, folder: Path, settings: str) -> Site:
    site = Site(folder, more=settings)
    package = site.project.folder / vendor
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "base.py").write_text(BACKEND.format(vendor))
    return site


SAYS_WHAT_IT_IS_GIVEN = 'echo "$0 $@" >>"$HOME/argv"; env | grep -E "^(PG|MYSQL)" | sort >"$HOME/env"\n'


def test_postgresql_is_backed_up_by_its_own_tool_and_no_password_is_on_its_command_line(tmp_path: Path) -> None:
    site = site_on("postgresql", tmp_path, POSTGRESQL)
    says = 'for word; do case $word in --file=*) echo PGDMP >"${word#--file=}";; esac; done\n'
    site.tool("pg_dump", SAYS_WHAT_IT_IS_GIVEN + says)
    backup = site.backup()
    assert backup.read_text() == "PGDMP\n"
    assert backup.name.startswith("shop-2")
    assert "secret" not in (tmp_path / "argv").read_text()
    assert (tmp_path / "env").read_text().splitlines() == [
        "PGDATABASE=shop",
        "PGHOST=db",
        "PGPASSWORD=it's a %secret$",
        "PGPORT=6432",
        "PGSSLMODE=require",
        "PGTARGETSESSIONATTRS=read-write",
        "PGUSER=me",
    ]


def test_behind_a_pooler_the_database_itself_is_backed_up_or_nothing(tmp_path: Path) -> None:
    site = site_on("postgresql", tmp_path, POSTGRESQL)
    says = 'for word; do case $word in --file=*) echo PGDMP >"${word#--file=}";; esac; done\n'
    site.tool("pg_dump", SAYS_WHAT_IT_IS_GIVEN + says)
    done = site.run("backup_database.sh", ANSWERS="8")
    assert done.returncode == 1
    assert 'backup: DATABASES["default"] is reached by a pooler' in done.stderr
    assert "database_direct_url: postgresql://HOST:PORT" in done.stderr
    assert not (tmp_path / "argv").exists()
    assert site.backup(ANSWERS="8", SWITCHBACK_DIRECT_URL="postgresql://10.0.0.7:5432/shop_itself")
    told = (tmp_path / "env").read_text().splitlines()
    assert {"PGHOST=10.0.0.7", "PGPORT=5432", "PGDATABASE=shop_itself", "PGUSER=me"} <= {*told}


def test_of_what_its_run_has_just_looked_at_a_backup_loads_no_driver(tmp_path: Path) -> None:
    # None is installed here.
    site = Site(
        tmp_path, more=POSTGRESQL.replace('"ENGINE": "postgresql"', '"ENGINE": "django.db.backends.postgresql"')
    )
    says = 'for word; do case $word in --file=*) echo PGDMP >"${word#--file=}";; esac; done\n'
    site.tool("pg_dump", SAYS_WHAT_IT_IS_GIVEN + says)
    done = site.run("backup_database.sh", SWITCHBACK_DATABASES="default", SWITCHBACK_DIRECT="other")
    assert "psycopg" in done.stderr
    assert site.backup(SWITCHBACK_DATABASES="default", SWITCHBACK_DIRECT="default").read_text() == "PGDMP\n"


def test_mysql_is_backed_up_by_its_own_tool_and_no_password_is_on_its_command_line(tmp_path: Path) -> None:
    site = site_on("mysql", tmp_path, MYSQL)
    site.tool("mariadb-dump", SAYS_WHAT_IT_IS_GIVEN + 'echo "-- MariaDB dump 10.19"\n')
    backup = site.backup()
    assert backup.read_text() == "-- MariaDB dump 10.19\n"
    assert backup.suffix == ".sql"
    assert (
        "--user=me --port=3307 --host=db --ssl-ca=/etc/ca.pem --single-transaction" in (tmp_path / "argv").read_text()
    )
    assert "secret" not in (tmp_path / "argv").read_text()
    assert (tmp_path / "env").read_text() == "MYSQL_PWD=it's a %secret$\n"


@pytest.mark.parametrize(
    ("vendor", "settings", "tool"), [("postgresql", POSTGRESQL, "pg_dump"), ("mysql", MYSQL, "mariadb-dump")]
)
def test_a_tool_that_fails_or_is_not_there_is_no_backup(vendor: str, settings: str, tool: str, tmp_path: Path) -> None:
    site = site_on(vendor, tmp_path, settings)
    done = site.run("backup_database.sh", PATH="/nowhere:/bin:/usr/bin/.")
    if not shutil.which(tool, path="/bin"):
        assert f"{tool} is not installed here, and the app's database needs it" in done.stderr
    site.tool(tool, "echo half; echo no room left >&2; exit 3\n")
    done = site.run("backup_database.sh")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no room left" in done.stderr
    assert f"backup: {tool} ended with exit code 3" in done.stderr
    assert [*site.backups.iterdir()] == []


def test_a_kind_that_nobody_has_told_of_is_said(tmp_path: Path) -> None:
    site = site_on("oracle", tmp_path, 'DATABASES["default"] = {"ENGINE": "oracle", "NAME": "x"}')
    done = site.run("backup_database.sh")
    assert done.returncode != 0
    assert 'DATABASES["default"] is of a kind that database_engines.py does not know: oracle' in done.stderr
