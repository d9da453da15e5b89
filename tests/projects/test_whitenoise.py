"""A project as the usual guides have it: pyproject.toml and manage.py in backend/, whitenoise with a manifest in
BASE_DIR/staticfiles, and an icon's address in the URLs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.bed.hosts import Host
from tests.projects.locks import installed
from tests.projects.project import Project
from tests.projects.tools import DJANGO, startproject, wheels
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


def lock_of(folder: Path) -> str:
    """A Pipfile.lock of all wheels in a folder."""
    default = {
        wheel.name.split("-")[0].replace("_", "-").lower(): {
            "version": f"=={wheel.name.split('-')[1]}",
            "hashes": [f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"],
        }
        for wheel in sorted(folder.glob("*.whl"))
    }
    about = {"pipfile-spec": 6, "requires": {}, "sources": [{"url": "https://pypi.org/simple"}]}
    return json.dumps({"_meta": about, "default": default, "develop": {}})


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
    code.write("backend/Pipfile.lock", lock_of(wheels(asked)))
    code.commit("locked")
    made.configure(SETTINGS, code="../code/backend")
    config.commit("right")
    return made


def test_requirements_that_are_not_there_are_refused(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"requirements": "requirements.txt"})
    assert result.code == 1
    assert "requirements.txt is not in the code, and a missing file is no empty one" in result.told


def test_what_the_project_has_instead_is_found(site: Host, run: Runs) -> None:
    assert "found: pyproject.toml" in run("deploy", site, data={"code": "blue"}, args=["--dry"]).output


@pytest.mark.parametrize(("tag", "colour"), [("good", "green"), ("blue", "blue")])
def test_its_pages_have_their_styles(site: Host, run: Runs, tag: str, colour: str) -> None:
    run("deploy", site, data={"code": tag}).worked()
    assert "a front page" in visit(site).text
    assert set(styles(site).values()) == {200}
    (named,) = styles(site, "/")
    assert colour in visit(site, named).text
    assert visit(site, "/favicon.ico").status == 302


def test_what_is_locked_is_installed_as_locked_by_uv_and_by_pip_alike(site: Host, run: Runs) -> None:
    run("build", site, data={"code": "locked"}).worked()
    by_uv = newest(site)
    site.hide_uv()
    # Nothing of what uv has installed is taken over.
    again = {"code": "locked", "reuse_venv": "false", "force": "true", "build_timeout": "600"}
    run("build", site, data=again, timeout=600).worked()
    by_pip = newest(site)
    assert "gunicorn" in by_uv
    assert by_uv.pop("") != by_pip.pop("")
    assert by_uv.items() <= by_pip.items()


def test_a_python_that_the_host_can_not_have_is_refused_before_anything_is_built(site: Host, run: Runs) -> None:
    result = run("build", site, data={"code": "good", "python": "3.99"})
    assert result.code == 1
    assert "python: 3.99 is not on this host (it has python3." in result.output
    assert "uv, which brings others, is not installed" in result.output


def newest(site: Host) -> dict[str, str]:
    """The packages of the newest version, with their releases."""
    version = site.run(["sh", "-c", "ls -d /home/app/django-2* | tail -1"]).stdout.strip()
    return {**installed(site, version), "": version}
