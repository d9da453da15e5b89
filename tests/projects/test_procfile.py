"""A project that says in a Procfile what runs of it: its server, a worker of its own, and what a release does first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.bed.hosts import Host
from tests.faults.watch import wait_until
from tests.projects.notes import Notes
from tests.projects.project import Project
from tests.projects.story import Story, leave_note, notes_are_there
from tests.runs import Result

PROCFILE = """\
release: python manage.py createcachetable
web: gunicorn mysite.wsgi --workers 2 --log-file -
worker: python manage.py paints
"""
SETTINGS = """

CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cached"}}
"""
WORKER = """\
import time

from django.core.cache import cache
from django.core.management.base import BaseCommand

from notes.models import Note


class Command(BaseCommand):
    def handle(self, **options):
        while True:
            for note in Note.objects.exclude(colour="blue"):
                note.colour = "blue"
                note.save(update_fields=["colour"])
                cache.set("painted", note.text)
            time.sleep(0.2)
"""
VIEWS = """

def blue(request):
    notes = Note.objects.filter(colour="blue").order_by("pk")
    return HttpResponse(f"{cache.get('painted')} of " + ",".join(note.text for note in notes))
"""


def there(host: Host, words: Sequence[str]) -> None:
    """Assert that the notes are there, and that the worker has painted each."""
    notes_are_there(host, words)
    if words:
        wait_until(host, f"curl -s {host.website_url}blue/ | grep -q '^{words[-1]} of {','.join(words)}$'", 30)


STORY = Story(
    "with a Procfile: web, worker, release",
    {"health_url": "http://127.0.0.1:8000/health/"},
    leave=leave_note,
    there=there,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project."""
    made = Notes(tmp_path_factory.mktemp("procfile"), "gunicorn")
    made.write("Procfile", PROCFILE)
    made.append("mysite/settings.py", SETTINGS)
    made.write("notes/management/commands/paints.py", WORKER)
    made.change("notes/views.py", "from django.http", "from django.core.cache import cache\nfrom django.http")
    made.append("notes/views.py", VIEWS)
    health = '    path("health/", views.health),\n'
    made.change("mysite/urls.py", health, health + '    path("blue/", views.blue),\n')
    made.require()
    made.commit_three()
    return made


def test_what_its_procfile_says_is_run_and_what_it_says_of_a_release_is_done(
    plays: Callable[[], dict[str, Result]],
) -> None:
    told = plays()
    assert "found: Procfile: release, web, worker" in told["first"].output
