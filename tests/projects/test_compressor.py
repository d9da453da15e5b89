"""A project whose styles are made by django-compressor once its static files are collected, by a hook."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bed.hosts import Host
from tests.projects.notes import FRONT, Notes
from tests.projects.project import Project
from tests.projects.story import Story
from tests.projects.visitor import styles, visit
from tests.runs import Result

STORY = Story(
    "with django-compressor, by a hook",
    {
        "health_url": "http://127.0.0.1:8000/health/",
        "hooks": {"after_static": "manage.py compress --force"},
    },
    styled="/",
)
SETTINGS = """

INSTALLED_APPS += ["compressor"]
STATICFILES_DIRS = [BASE_DIR / "assets"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "compressor.finders.CompressorFinder",
]
COMPRESS_ENABLED = True
COMPRESS_OFFLINE = True
"""
PAGE = """\
{% load static compress %}{% compress css %}
<link rel="stylesheet" href="{% static 'one.css' %}">
<link rel="stylesheet" href="{% static 'two.css' %}">
{% endcompress %}<p>a front page</p>
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, whose front page has what was compressed of two files."""
    made = Notes(tmp_path_factory.mktemp("compressor"), "django-compressor")
    made.append("mysite/settings.py", SETTINGS)
    made.change("mysite/settings.py", "'DIRS': []", "'DIRS': [BASE_DIR / 'templates']")
    made.write("templates/front.html", PAGE)
    made.write("assets/one.css", "p { color: green }\n")
    made.write("assets/two.css", "p { margin: 1em }\n")
    made.change("mysite/urls.py", FRONT, 'path("", TemplateView.as_view(template_name="front.html"))')
    made.change("mysite/urls.py", "from notes", "from django.views.generic import TemplateView\n\nfrom notes")
    made.require()
    made.commit_three()
    return made


def test_its_front_page_has_what_each_version_has_compressed_for_itself(
    site: Host, plays: Callable[[], dict[str, Result]]
) -> None:
    plays()
    (style,) = styles(site, "/")
    assert "/static/CACHE/css/" in style
    assert "green" in visit(site, style).text
    assert "margin" in visit(site, style).text
