"""The project that most stories are about: visitors leave notes, each with a file if they like. `startproject` has made
it, and its developer goes on as each story needs it."""

from __future__ import annotations

from pathlib import Path

from tests.projects.project import Project
from tests.projects.tools import DJANGO, manage, startapp, startproject

COLUMN = '    colour = models.CharField(max_length=20, default="red")\n'
MODELS = f"""\
from django.db import models


class Note(models.Model):
    text = models.CharField(max_length=50)
{COLUMN}    file = models.FileField(upload_to="notes", blank=True)
"""
VIEWS = """\
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

from notes.models import Note


@csrf_exempt
def index(request):
    if request.method == "POST":
        Note.objects.create(text=request.POST["text"], file=request.FILES.get("file", ""))
    notes = Note.objects.order_by("pk")
    return HttpResponse(f"{len(notes)} notes: " + ", ".join(note.text for note in notes))


def files(request):
    return HttpResponse(",".join(note.file.read().decode() for note in Note.objects.order_by("pk") if note.file))


def health(request):
    return HttpResponse("well")
"""
FRONT = 'path("", views.index)'
URLS = f"""\
from django.contrib import admin
from django.urls import path

from notes import views

urlpatterns = [
    {FRONT},
    path("notes/", views.index),
    path("files/", views.files),
    path("health/", views.health),
    path("admin/", admin.site.urls),
]
"""
MIGRATION = """\
from django.db import migrations, models


def fail(apps, schema_editor):
    raise RuntimeError("no size for what is there")


class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("notes", "{after}")]
    operations = [{operations}]
"""
ADDS = 'migrations.AddField("note", "{}", models.{})'
REMOVES_COLOUR = 'migrations.RemoveField("note", "colour")'
FAILS = "migrations.RunPython(fail, migrations.RunPython.noop)"
SIZE = "IntegerField(null=True)"
# Its processes start, and answer everybody with an error.
NO_PAGE = "\nimport sys\n\nif 'gunicorn' in sys.modules:\n    raise RuntimeError('no page')\n"
# Fails where a visitor comes first, and nowhere before: health asks for another page.
LATE = """\


def nobody_has_been_here(request):
    raise RuntimeError("nobody has tried this page")


urlpatterns = [path("", nobody_has_been_here), *urlpatterns[1:]]
"""


class Notes(Project):
    """The project, whose code is written and not committed yet.

    + inside: the folder of its manage.py, from the code's top
    """

    def __init__(self, folder: Path, *requirements: str, inside: str = "") -> None:
        super().__init__(folder, DJANGO, *requirements)
        self._inside = f"{inside}/" if inside else ""
        at = self.at
        startproject(at)
        startapp(at, "notes")
        self.write("notes/models.py", MODELS)
        self.write("notes/views.py", VIEWS)
        self.write("mysite/urls.py", URLS)
        self.change("mysite/settings.py", "INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "notes",')
        manage(at, "makemigrations", "notes")
        (at / "db.sqlite3").unlink(missing_ok=True)

    @property
    def at(self) -> Path:
        """The folder of manage.py."""
        return self.code.folder / self._inside

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        self.code.write(self._inside + path, text)

    def change(self, path: str, old: str, new: str) -> None:
        """Change what stands in a file of the project once."""
        self.code.change(self._inside + path, old, new)

    def append(self, path: str, text: str) -> None:
        """Add to the end of a file of the project."""
        self.code.append(self._inside + path, text)

    def migrate(self, name: str, *operations: str, after: str = "0001_initial", atomic: bool = True) -> None:
        """Write a migration.

        + operations: as a migration has them (`ADDS`, `REMOVES_COLOUR`, `FAILS`)
        + after: the one before it
        """
        text = MIGRATION.format(after=after, operations=", ".join(operations), atomic=atomic)
        self.write(f"notes/migrations/{name}.py", text)

    def add(self, column: str, kind: str, name: str, after: str = "0001_initial") -> None:
        """Add a column to the notes, with its migration."""
        self.migrate(name, ADDS.format(column, kind), after=after)
        self.append("notes/models.py", f"    {column} = models.{kind}\n")

    def commit_no_page(self) -> None:
        """Commit `no-page`, which discards a column of `second` and then answers nothing."""
        self.code.go_to("second")
        self.migrate("0003_next", REMOVES_COLOUR, after="0002_size")
        self.change("notes/models.py", COLUMN, "")
        self.append("mysite/urls.py", NO_PAGE)
        self.code.commit("no-page")

    def commit_three(self) -> None:
        """Commit `first`; `second`, with another column; and `late`, with one more, whose front page fails."""
        self.code.commit("first")
        self.add("size", SIZE, "0002_size")
        self.code.commit("second")
        self.add("place", "CharField(max_length=20, null=True)", "0003_place", after="0002_size")
        self.append("mysite/urls.py", LATE)
        self.code.commit("late")
