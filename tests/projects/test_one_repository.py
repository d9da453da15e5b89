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


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """Three settings are the project's; the others are the test's, so that what fails fails quickly."""
    config = ("config_repo_url", "config_branch", "code_branch")
    return {
        **{key: value for key, value in SETTINGS.items() if key not in config},
        "health_url": "http://127.0.0.1:8000/health/",
        "health_timeout": 20,
        "migrate_timeout": 120,
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
    return bare_host


def test_three_settings_bring_it_to_a_bare_host_and_its_data_outlives_every_version(site: Host, run: Runs) -> None:
    first = run("deploy", site, data={"code": "first"}).worked()
    assert "found: settings mysite.settings, which manage.py names" in first.output
    assert "set: DEBUG = False" in first.output
    assert "0 documents" in visit(site).text
    assert set(styles(site).values()) == {200}
    assert upload(site, "/", "file", "hello").status == 302

    second = run("deploy", site, data={"code": "second"}).worked()
    assert "the site answered all of" in second.screen
    assert "1 documents" in visit(site).text

    failed = run("deploy", site, data={"code": "late"})
    assert failed.code == 1
    assert "fell back at site" in failed.screen
    assert "nobody has tried this page" in failed.screen
    assert "1 documents" in visit(site).text

    run("revert", site).worked()
    assert "1 documents" in visit(site).text
    assert site.read(["sh", "-c", "cat /home/app/shared/media/documents/note*.txt"]) == "hello"
