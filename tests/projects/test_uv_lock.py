"""A project as Heroku's guide has it, in backend/: whitenoise, dj-database-url, settings from the environment,
and packages by uv: pyproject.toml and uv.lock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bed.hosts import Host
from tests.projects.locks import installed, pins, uv_lock
from tests.projects.notes import FRONT, Notes
from tests.projects.project import Project
from tests.projects.story import Story
from tests.projects.tools import DJANGO
from tests.projects.visitor import styles, visit
from tests.runs import Result, Runs

SECRETS = {"DJANGO_SECRET_KEY": "of the test, and 50% off for $5"}
STORY = Story(
    "as Heroku's guide has it, in backend/, with uv.lock and whitenoise",
    {
        "provision_database": "postgresql",
        "health_url": "http://127.0.0.1:8000/health/",
        "env": {"DATABASE_URL": "postgres:///app"},
        "secrets": ["DJANGO_SECRET_KEY"],
    },
    styled="/",
)
PACKAGES = (DJANGO, "dj-database-url", "gunicorn", "psycopg[binary]", "whitenoise[brotli]")
# Without the key in the environment each process would have one of its own.
SETTINGS = """

import os
import secrets

import dj_database_url

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", default=secrets.token_urlsafe(nbytes=64))
INSTALLED_APPS.insert(0, "whitenoise.runserver_nostatic")
MIDDLEWARE.insert(1, "whitenoise.middleware.WhiteNoiseMiddleware")
DATABASES = {
    "default": dj_database_url.config(
        default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}", conn_max_age=600, conn_health_checks=True
    )
}
STATIC_ROOT = BASE_DIR / "staticfiles"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "assets"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
"""
PAGE = """{% load static %}<link rel="stylesheet" href="{% static 'site.css' %}"><p>a front page</p>"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, whose lock is uv's own."""
    made = Notes(tmp_path_factory.mktemp("uv"), inside="backend")
    made.append("mysite/settings.py", SETTINGS)
    made.change("mysite/settings.py", "'DIRS': []", "'DIRS': [BASE_DIR / 'templates']")
    made.write("templates/front.html", PAGE)
    made.write("assets/site.css", "p { color: green }\n")
    made.change("mysite/urls.py", FRONT, 'path("", TemplateView.as_view(template_name="front.html"))')
    made.change("mysite/urls.py", "from notes", "from django.views.generic import TemplateView\n\nfrom notes")
    made.requirements = pins(uv_lock(made.at, PACKAGES))
    made.commit_three()
    return made


def test_it_is_installed_as_locked_and_its_pages_have_their_styles(
    project: Project, site: Host, run: Runs, plays: Callable[[], dict[str, Result]]
) -> None:
    looked = run("deploy", site, data={"code": "first"}, args=["--dry"]).worked()
    assert "found: backend/uv.lock" in looked.output
    plays()
    assert "a front page" in visit(site).text
    (style,) = styles(site, "/")
    assert "green" in visit(site, style).text
    assert set(project.requirements) <= set(pins(installed(site)))
