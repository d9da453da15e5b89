"""What `django-admin startproject` makes, on SQLite with uploads, from its one repository: nothing else is written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.projects.project import Project
from tests.projects.test_startproject import MODELS, URLS
from tests.projects.tools import DJANGO, manage, startapp, startproject
from tests.projects.visitor import styles, upload, visit
from tests.runs import SETTINGS, Runs

OWN = ("gunicorn", "supervisor>=4.3")
# Fails where a visitor comes, and nowhere before: health asks for another page.
LATE = """\

def index(request):
    raise RuntimeError("nobody has tried this page")


urlpatterns = [path("", index), path("health/", lambda request: HttpResponse("well")), path("admin/", admin.site.urls)]
"""
BACKUP = """\
#!/bin/sh
set -eu
mkdir -p "$HOME/backups"
backup=$HOME/backups/$(date -u +%Y%m%d-%H%M%S).sqlite3
python3 - "$HOME/shared/db.sqlite3" "$backup" <<'PYTHON'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as live, sqlite3.connect(sys.argv[2]) as copy:
    live.backup(copy)
PYTHON
echo "$backup"
"""


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """Three settings are the project's; the others are the test's, so that what fails fails quickly."""
    config = ("config_repo_url", "config_branch", "code_branch")
    return {
        **{key: value for key, value in SETTINGS.items() if key not in config},
        "health_url": "http://127.0.0.1:8000/health/",
        "health_timeout": 20,
        "migrate_timeout": 120,
        "restart": "rolling",
        "maintenance": "auto",
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, with two commits that are well, and one whose front page fails."""
    made = Project(tmp_path_factory.mktemp("one-repository"), DJANGO)
    code = made.code
    startproject(code.folder)
    startapp(code.folder, "documents")
    code.write("documents/models.py", MODELS)
    code.change("mysite/settings.py", "INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "documents",')
    health = 'urlpatterns = [path("health/", lambda request: HttpResponse("well")), path("", index)'
    code.write("mysite/urls.py", URLS.replace('urlpatterns = [path("", index)', health))
    manage(code.folder, "makemigrations", "documents")
    made.require()
    code.commit("first")
    code.append("mysite/urls.py", "# another commit\n")
    code.commit("second")
    code.append("mysite/urls.py", LATE)
    code.commit("late")
    return made


@pytest.fixture(scope="module")
def site(project: Project, bare_host: Host, run: Runs) -> Host:
    """A bare host that was provisioned, with the project's repository."""
    project.place(bare_host, OWN)
    run("provision", bare_host).worked()
    bare_host.write("/home/app/scripts/backup_database.sh", BACKUP, mode=0o755, owner="app")
    return bare_host


def test_three_settings_bring_it_to_a_bare_host_and_its_data_outlives_every_version(site: Host, run: Runs) -> None:
    first = run("deploy", site, data={"code": "first"}).worked()
    print(first.output)
    print(run("check", site).output)
    assert "0 documents" in visit(site).text
    assert set(styles(site).values()) == {200}
    assert upload(site, "/", "file", "hello").status == 302

    second = run("deploy", site, data={"code": "second"}).worked()
    print(second.output)
    assert "1 documents" in visit(site).text

    failed = run("deploy", site, data={"code": "late"})
    print(failed.output)
    assert failed.code == 1
    assert "fell back at site" in failed.screen
    assert "nobody has tried this page" in failed.screen

    print(run("revert", site).worked().output)
    assert "1 documents" in visit(site).text
    assert site.read(["sh", "-c", "cat /home/app/shared/media/documents/note*.txt"]) == "hello"
