"""A project with two DATABASES and a router, whose front page leads to its login."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bed.hosts import Host
from tests.projects.notes import FRONT, NO_PAGE, Notes
from tests.projects.project import Project
from tests.projects.story import Story
from tests.projects.visitor import post
from tests.runs import Result, Runs

ROUTER = """\
class Router:
    def db_for_read(self, model, **hints):
        return "logs" if model._meta.app_label == "notes" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return (db == "logs") == (app_label == "notes")
"""
STORY = Story(
    "two databases and a router, on PostgreSQL",
    {"provision_database": "postgresql", "health_url": "http://127.0.0.1:8000/health/"},
    pages=("/notes/", "/health/"),
    front=302,
)
SETTINGS = """

POSTGRESQL = {"ENGINE": "django.db.backends.postgresql"}
DATABASES = {"default": {**POSTGRESQL, "NAME": "app"}, "logs": {**POSTGRESQL, "NAME": "logs"}}
DATABASE_ROUTERS = ["mysite.router.Router"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project; one more commit changes the second database, and then answers nothing."""
    made = Notes(tmp_path_factory.mktemp("two-databases"), "psycopg[binary]")
    made.write("mysite/router.py", ROUTER)
    made.append("mysite/settings.py", SETTINGS)
    made.change("mysite/urls.py", FRONT, 'path("", RedirectView.as_view(url="/admin/login/"))')
    made.change("mysite/urls.py", "from notes", "from django.views.generic import RedirectView\n\nfrom notes")
    made.require()
    made.commit_three()
    made.code.go_to("second")
    made.add("place", "CharField(max_length=50, default='')", "0003_place", after="0002_size")
    made.append("mysite/urls.py", NO_PAGE)
    made.code.commit("no-page")
    return made


@pytest.fixture(scope="module")
def bare_host(bare_host: Host) -> Host:
    """The host, with the second database."""
    bare_host.run(["runuser", "-u", "postgres", "--", "createdb", "--owner", "app", "logs"])
    return bare_host


def test_both_databases_are_migrated_and_a_front_page_that_leads_elsewhere_is_well(
    site: Host, plays: Callable[[], dict[str, Result]]
) -> None:
    plays()
    assert columns(site, "logs") == "colour,file,id,size,text"
    assert columns(site, "app") == ""


def test_a_preview_says_which_database_a_migration_is_for(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "no-page"}, args=["--dry"]).worked()
    assert "notes.0003_place" in result.output
    assert "logs" in result.output


def test_the_second_database_goes_back_with_a_deploy_whose_processes_answer_nothing(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "no-page"})
    assert result.code == 1
    assert "answers 500" in result.told
    assert "RuntimeError: no page" in result.output
    assert "fell back at restart" in result.told
    assert "logs" in result.output
    assert columns(site, "logs") == "colour,file,id,size,text"
    assert "another" in post(site, "/notes/", "text", "another").text


def columns(host: Host, database: str) -> str:
    """The columns of the table of notes."""
    query = (
        "select string_agg(column_name, ',' order by column_name) from information_schema.columns "
        "where table_name = 'notes_note'"
    )
    psql = ["runuser", "-u", "app", "--", "psql", "-AtXd", database, "-c", query]
    return host.run(psql).stdout.strip()
