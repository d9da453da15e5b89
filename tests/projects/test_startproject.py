"""What `django-admin startproject` makes, on SQLite, with an app whose visitors upload files."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.projects.notes import ADDS, FAILS, Notes
from tests.projects.project import Project
from tests.projects.visitor import styles, upload, visit
from tests.runs import Runs

OUTSIDE = """\
DATABASES["default"]["NAME"] = "/home/app/data/db.sqlite3"
"""
UPLOADS_INSIDE = (
    OUTSIDE
    + """\
MEDIA_ROOT = BASE_DIR / "media"
"""
)
UPLOADS_OUTSIDE = (
    OUTSIDE
    + """\
MEDIA_ROOT = "/home/app/data/media"
"""
)
# What somebody has at hand, and of no use here.
BACKUP = """\
#!/bin/sh
pg_dump --format=custom --file="$HOME/backups/app.dump" app
echo "$HOME/backups/app.dump"
"""
TABLES = "import sqlite3; print([row[1] for row in sqlite3.connect('{}').execute('pragma table_info(notes_note)')])"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, with a commit for each thing that its developer tries."""
    made = Notes(tmp_path_factory.mktemp("startproject"))
    code, config = made.code, made.config
    made.require()
    code.commit("as-generated")
    made.require("gunicorn", "supervisor")
    code.commit("served")
    made.migrate("0002_title", ADDS.format("title", 'TextField(default="", db_default="")'), FAILS, atomic=False)
    code.commit("half-way")
    made.configure()
    config.commit("database-inside")
    for tag, settings in {"media-inside": UPLOADS_INSIDE, "outside": UPLOADS_OUTSIDE}.items():
        config.write("settings.py", (config.folder / "settings.py").read_text().replace(OUTSIDE, "") + settings)
        config.commit(tag)
    return made


@pytest.fixture(scope="module")
def site(site: Host) -> Host:
    """The host, with a folder for what outlives versions."""
    site.run(["runuser", "-u", "app", "--", "mkdir", "-p", "/home/app/data/media"])
    return site


@pytest.mark.parametrize(
    ("code", "config", "words"),
    [
        ("as-generated", "outside", "supervisord"),
        ("served", "database-inside", "db.sqlite3"),
        ("served", "media-inside", "MEDIA_ROOT"),
    ],
)
def test_what_can_not_work_is_refused_in_the_build(site: Host, run: Runs, code: str, config: str, words: str) -> None:
    result = run("deploy", site, data={"code": code, "config": config})
    assert result.code == 1
    assert words in result.told
    assert "refused at" in result.told
    assert "the live site was never touched" in result.told


def test_a_backup_of_another_database_than_the_apps_is_a_failure(site: Host, run: Runs) -> None:
    script = "/home/app/scripts/backup_database.sh"
    ours = site.read(["cat", script])
    site.write(script, BACKUP, mode=0o755, owner="app")
    result = run("deploy", site, data={"code": "served", "config": "outside"})
    site.write(script, ours, mode=0o755, owner="app")
    assert result.code == 1
    assert "the backup is of PostgreSQL (app), and the app uses SQLite (/home/app/data/db.sqlite3)" in result.told


def test_with_the_scripts_of_provision_s_it_is_live(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "served", "config": "outside"}).worked()
    assert "backup: of SQLite" in result.output
    assert "0 notes" in visit(site).text
    assert set(styles(site).values()) == {200}
    assert upload(site, "/", "hello").status == 200
    assert "1 notes" in visit(site).text


def test_a_migration_that_stops_in_its_middle_is_taken_back_by_the_backup(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "half-way", "config": "outside"})
    assert result.code == 1
    assert "no size for what is there" in result.told
    assert "fell back at migrate" in result.told
    columns = site.read(["python3", "-c", TABLES.format("/home/app/data/db.sqlite3")])
    assert columns.strip() == "['id', 'text', 'colour', 'file']"
    assert "1 notes" in visit(site).text
    assert upload(site, "/", "again").status == 200
