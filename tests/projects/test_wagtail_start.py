"""What `wagtail start` makes, from its one repository, with the releases that it asks for: these need the Python of
Debian 13."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.bed.hosts import Host
from tests.projects.project import Project
from tests.projects.story import Story
from tests.projects.tools import wagtail_start
from tests.projects.visitor import visit
from tests.runs import Result

# What an editor does: a page below the first one, and a document.
LEAVE = """\
from django.core.files.base import ContentFile
from wagtail.documents.models import Document
from home.models import HomePage

home = HomePage.objects.get(slug="home")
home.add_child(instance=HomePage(title="WORD", slug="WORD")).save_revision().publish()
Document.objects.create(title="WORD", file=ContentFile("WORD", name="WORD.txt"))
"""
MIGRATION = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("home", "{after}")]
    operations = [migrations.AddField("homepage", "{name}", models.TextField(null=True, blank=True))]
"""
PAGE = "class HomePage(Page):\n"
FIELD = "    {} = models.TextField(null=True, blank=True)\n"
LATE = """
    def serve(self, request):
        raise RuntimeError("nobody has tried this page")
"""


def leave(host: Host, word: str) -> None:
    """Have an editor make a page and a document."""
    host.run(["/home/app/bin/manage", "shell", "-v", "0", "-c", LEAVE.replace("WORD", word)])


def there(host: Host, words: Sequence[str]) -> None:
    """Assert that all pages and documents are there."""
    for word in words:
        page = visit(host, f"/{word}/")
        assert page.status == 200
        assert f"<title>{word}" in "".join(page.text.split())
        document = visit(host, f"/media/documents/{word}.txt")
        assert (document.status, document.text) == (200, word)


STORY = Story(
    "wagtail start, on Debian 13",
    {"health_url": "http://127.0.0.1:8000/admin/login/"},
    pages=("/", "/admin/login/"),
    leave=leave,
    there=there,
    styled="/",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, as it is generated."""
    made = Project(tmp_path_factory.mktemp("wagtail-start"))
    code = made.code
    wagtail_start(code.folder)
    made.requirements = tuple((code.folder / "requirements.txt").read_text().split())
    code.commit("first")
    code.change("home/models.py", f"{PAGE}    pass", PAGE + FIELD.format("intro"))
    code.write("home/migrations/0003_intro.py", MIGRATION.format(name="intro", after="0002_create_homepage"))
    code.commit("second")
    code.change("home/models.py", PAGE, PAGE + FIELD.format("place"))
    code.append("home/models.py", LATE)
    code.write("home/migrations/0004_place.py", MIGRATION.format(name="place", after="0003_intro"))
    code.commit("late")
    return made


def test_three_settings_bring_it_to_a_bare_host_with_the_settings_that_it_has_for_production(
    plays: Callable[[], dict[str, Result]],
) -> None:
    told = plays()
    assert "found: settings mysite.settings.production" in told["first"].output
    assert "nobody has tried this page" in told["late"].told
