"""A project with two DATABASES and a router, whose front page leads to its login."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.projects.project import Project
from tests.projects.tools import DJANGO, manage, startapp, startproject
from tests.projects.visitor import post, styles, visit
from tests.runs import Runs

MODELS = """\
from django.db import models


class Event(models.Model):
    name = models.CharField(max_length=50)
"""
ROUTER = """\
class Router:
    def db_for_read(self, model, **hints):
        return "logs" if model._meta.app_label == "events" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return (db == "logs") == (app_label == "events")
"""
URLS = """\
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from events.models import Event


@csrf_exempt
def events(request):
    if request.method == "POST":
        Event.objects.create(name=request.POST["name"])
    return HttpResponse(f"{Event.objects.count()} events")


urlpatterns = [
    path("", RedirectView.as_view(url="/admin/login/")),
    path("events/", events),
    path("admin/", admin.site.urls),
]
"""
SECOND = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [migrations.AddField("event", "place", models.CharField(max_length=50, default=""))]
"""
SETTINGS = """\
SECRET_KEY = "of the test"
POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "USER": "app"}
DATABASES = {"default": {**POSTGRESQL, "NAME": "app"}, "logs": {**POSTGRESQL, "NAME": "logs"}}
DATABASE_ROUTERS = ["mysite.router.Router"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project; its second commit changes the second database, and then answers nothing."""
    made = Project(tmp_path_factory.mktemp("two-databases"), DJANGO, "psycopg[binary]")
    code, config = made.code, made.config
    startproject(code.folder)
    startapp(code.folder, "events")
    code.write("events/models.py", MODELS)
    code.write("mysite/router.py", ROUTER)
    code.write("mysite/urls.py", URLS)
    code.change("mysite/settings.py", "INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "events",')
    manage(code.folder, "makemigrations", "events")
    made.require("gunicorn", "supervisor")
    code.commit("good")
    code.write("events/migrations/0002_event_place.py", SECOND)
    code.append("events/models.py", "    place = models.CharField(max_length=50, default='')\n")
    code.append("mysite/urls.py", "\nimport sys\n\nif 'gunicorn' in sys.modules:\n    raise RuntimeError('no page')\n")
    code.commit("no-page")
    made.configure(SETTINGS)
    config.commit("right")
    return made


@pytest.fixture(scope="module")
def site(project: Project, bare_host: Host, run: Runs) -> Host:
    """A bare host that was provisioned, with the project's repositories and both databases."""
    project.place(bare_host, ["gunicorn", "supervisor"])
    bare_host.run(["runuser", "-u", "postgres", "--", "createdb", "--owner", "app", "logs"])
    run("provision", bare_host).worked()
    return bare_host


def test_both_databases_are_migrated_and_a_front_page_that_leads_elsewhere_is_well(site: Host, run: Runs) -> None:
    run("deploy", site, data={"code": "good", "config": "right"}).worked()
    assert columns(site, "logs") == "id,name"
    assert columns(site, "app") == ""
    assert visit(site).status == 302
    assert "1 events" in post(site, "/events/", "name", "first").text
    assert set(styles(site).values()) == {200}


def test_a_preview_says_which_database_a_migration_is_for(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "no-page", "config": "right"}, args=["--dry"]).worked()
    assert "events.0002_event_place" in result.output
    assert "logs" in result.output


def test_the_second_database_goes_back_with_a_deploy_that_fails(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "no-page", "config": "right"})
    assert result.code == 1
    assert "answers 500" in result.screen
    assert "RuntimeError: no page" in result.output
    assert "fell back at restart" in result.screen
    assert "logs" in result.output
    assert columns(site, "logs") == "id,name"
    assert "2 events" in post(site, "/events/", "name", "second").text


def columns(host: Host, database: str) -> str:
    """The columns of the table of events."""
    query = "select string_agg(column_name, ',' order by 1) from information_schema.columns where table_name = '{}'"
    psql = ["runuser", "-u", "app", "--", "psql", "-AtXd", database, "-c", query.format("events_event")]
    return host.run(psql).stdout.strip()
