"""A project as the usual guides have it: pyproject.toml and manage.py in backend/, whitenoise with a manifest in
BASE_DIR/staticfiles, and an icon's address in the URLs."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.projects.project import Project
from tests.projects.tools import DJANGO, startproject
from tests.projects.visitor import styles, visit
from tests.runs import Runs

PYPROJECT = """\
[project]
name = "mysite"
version = "1.0"
dependencies = ["{}"]

[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
"""
WHITENOISE = """\

MIDDLEWARE.insert(1, "whitenoise.middleware.WhiteNoiseMiddleware")
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "assets"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
"""
URLS = """\
from django.contrib import admin
from django.contrib.staticfiles.storage import staticfiles_storage
from django.urls import path
from django.views.generic import RedirectView, TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="front.html")),
    path("favicon.ico", RedirectView.as_view(url=staticfiles_storage.url("favicon.ico"))),
    path("admin/", admin.site.urls),
]
"""
FRONT = """{% load static %}<link rel="stylesheet" href="{% static 'site.css' %}"><p>a front page</p>"""
SETTINGS = """\
SECRET_KEY = "of the test"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "app", "USER": "app"}}
STATIC_ROOT = BASE_DIR / "staticfiles"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project; `whitenoise` is not imported here, so its settings are written after it is generated."""
    asked = (DJANGO, "gunicorn", "supervisor", "whitenoise", "psycopg[binary]", "setuptools")
    made = Project(tmp_path_factory.mktemp("whitenoise"), *asked)
    code, config = made.code, made.config
    startproject(code.folder / "backend")
    code.append("backend/mysite/settings.py", WHITENOISE)
    code.change("backend/mysite/settings.py", "'DIRS': []", "'DIRS': ['templates']")
    code.write("backend/mysite/urls.py", URLS)
    code.write("backend/templates/front.html", FRONT)
    code.write("backend/assets/site.css", "p { color: green }\n")
    code.write("backend/assets/favicon.ico", "an icon\n")
    code.write("pyproject.toml", PYPROJECT.format('", "'.join(asked)))
    code.commit("good")
    code.write("backend/assets/site.css", "p { color: blue }\n")
    code.commit("blue")
    made.configure(SETTINGS, code="../code/backend")
    config.commit("right")
    return made


@pytest.fixture(scope="module")
def site(project: Project, bare_host: Host, run: Runs) -> Host:
    """A bare host that was provisioned, with the project's repositories."""
    project.place(bare_host)
    run("provision", bare_host).worked()
    return bare_host


def test_requirements_that_are_not_there_are_refused(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"requirements": "requirements.txt"})
    assert result.code == 1
    assert "requirements.txt is not in the code, and a missing file is no empty one" in result.screen


def test_what_the_project_has_instead_is_found(site: Host, run: Runs) -> None:
    assert "found: pyproject.toml" in run("deploy", site, args=["--dry"]).screen


@pytest.mark.parametrize(("tag", "colour"), [("good", "green"), ("blue", "blue")])
def test_its_pages_have_their_styles(site: Host, run: Runs, tag: str, colour: str) -> None:
    run("deploy", site, data={"code": tag}).worked()
    assert "a front page" in visit(site).text
    assert set(styles(site).values()) == {200}
    (named,) = styles(site, "/")
    assert colour in visit(site, named).text
    assert visit(site, "/favicon.ico").status == 302
