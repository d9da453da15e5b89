"""What `wagtail start` makes, on PostgreSQL: with the releases that it asks for where the host's Python can take them,
else with older ones."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.bed.suites import chosen
from tests.projects.project import Project
from tests.projects.tools import DJANGO, WAGTAIL, wagtail_start
from tests.projects.visitor import styles, visit
from tests.runs import Runs

SETTINGS = """\
SECRET_KEY = "of the test"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "app", "USER": "app"}}
MEDIA_ROOT = "/home/app/media"
# Its search uses fields of this app, and Django 6.1 refuses them without it.
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.postgres"]
"""
NOBODY = """\
ALLOWED_HOSTS = []
"""
INTRO = """\
class HomePage(Page):
    intro = models.TextField(blank=True)"""
INTRODUCE = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("home", "0002_create_homepage")]
    operations = [migrations.AddField("homepage", "intro", models.TextField(blank=True, default=""))]
"""
FAILING = """\
from django.db import migrations


def fail(apps, schema_editor):
    raise RuntimeError("no intro for " + apps.get_model("home", "HomePage").objects.get().title)


class Migration(migrations.Migration):
    dependencies = [("home", "0003_homepage_intro")]
    operations = [migrations.RunPython(fail, migrations.RunPython.noop)]
"""


# What it asks for needs Python 3.12. Where that is there, what talks to the database is missing, and what starts it.
TAKES_IT = chosen().python >= "312"
REFUSED = ("static", "No module named 'psycopg2'") if TAKES_IT else ("venv", "Django>=6")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project as it is generated, with a config that visitors can't be let in with, and one that is right."""
    made = Project(tmp_path_factory.mktemp("wagtail"))
    code, config = made.code, made.config
    wagtail_start(code.folder)
    code.commit("as-generated")
    asks = (code.folder / "requirements.txt").read_text().splitlines()
    made.requirements = (*(asks if TAKES_IT else (DJANGO, WAGTAIL)), "psycopg[binary]")
    made.require("gunicorn", "supervisor")
    code.commit("good")
    code.change("home/models.py", "class HomePage(Page):\n    pass", INTRO)
    code.write("home/migrations/0003_homepage_intro.py", INTRODUCE)
    code.write("home/migrations/0004_fill_intro.py", FAILING)
    code.commit("bad-migration")
    made.configure(SETTINGS + NOBODY, imports="mysite.settings.production")
    config.commit("nobody-allowed")
    made.configure(SETTINGS, imports="mysite.settings.production")
    config.commit("right")
    return made


def test_what_can_not_be_installed_or_loaded_is_refused_before_the_site_is_touched(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "as-generated", "config": "right"})
    assert result.code == 1
    step, why = REFUSED
    assert f"refused at {step}" in result.told
    assert why in result.output
    assert "the live site was never touched" in result.told


def test_a_first_deploy_that_nobody_is_allowed_to_see_falls_back_by_itself(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "good", "config": "nobody-allowed"})
    assert result.code == 1
    assert "ALLOWED_HOSTS" in result.told
    assert "fell back at health: " in result.told
    assert "now no version is live, as before" in result.told
    assert tables(site) <= 1


def test_it_is_live_with_all_that_it_looks_like(site: Host, run: Runs) -> None:
    run("deploy", site, data={"code": "good", "config": "right"}).worked()
    assert visit(site).status == 200
    assert visit(site, "/admin/login/").status == 200
    assert set(styles(site).values()) == {200}


def test_a_migration_that_fails_leaves_it_as_it_was(site: Host, run: Runs) -> None:
    before = tables(site)
    result = run("deploy", site, data={"code": "bad-migration", "config": "right"})
    assert result.code == 1
    assert "no intro for Home" in result.told
    assert "fell back at migrate" in result.told
    assert tables(site) == before
    assert visit(site).status == 200
    assert set(styles(site).values()) == {200}


def test_a_second_deploy_writes_into_its_own_static_files(site: Host, run: Runs) -> None:
    run("deploy", site, data={"code": "good", "config": "right", "force": "true"}).worked()
    assert set(styles(site).values()) == {200}


def tables(host: Host) -> int:
    """How many tables the app's database has."""
    query = "select count(*) from pg_tables where schemaname = 'public'"
    return int(host.run(["runuser", "-u", "app", "--", "psql", "-AtXd", "app", "-c", query]).stdout)
