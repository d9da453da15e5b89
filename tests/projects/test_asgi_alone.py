"""A project that is served by its asgi.py alone, from one repository. Its settings are changed on the controller and
nothing is committed: that is another version, which is shown before, and which a revert takes back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.projects.notes import FRONT, LATE, Notes
from tests.projects.project import Project
from tests.projects.story import LIMITS
from tests.projects.visitor import visit
from tests.runs import Result, Runs

GREETS = """\


def index(request):
    return HttpResponse(os.environ.get("GREETING", "no greeting"))
"""
SETDEFAULT = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')"
FORCED = "os.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.settings'"
INSTEAD = 'write os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings") there'
# A value that each program on the way would read in a way of its own.
GREETING = "100% $HOME # 'quoted' \"twice\""


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """What the project's user has written; the tests change it, as that user does."""
    return {**LIMITS, "health_url": "http://127.0.0.1:8000/health/"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project; a commit whose front page fails, and one whose manage.py overrules the settings."""
    made = Notes(tmp_path_factory.mktemp("asgi-alone"))
    (made.at / "mysite" / "wsgi.py").unlink()
    made.change("mysite/settings.py", "WSGI_APPLICATION = 'mysite.wsgi.application'\n", "")
    made.change("notes/views.py", "from django.http", "import os\n\nfrom django.http")
    made.append("notes/views.py", GREETS.replace("index", "greeting"))
    made.change("mysite/urls.py", FRONT, 'path("", views.greeting)')
    made.require()
    made.code.commit("first")
    made.append("mysite/urls.py", LATE)
    made.code.commit("late")
    made.code.go_to("first")
    made.change("manage.py", SETDEFAULT, FORCED)
    made.code.commit("forced")
    made.code.go_to("first")
    # What is installed besides.
    made.requirements = (*made.requirements, "uvicorn", "uvicorn-worker")
    return made


def deploys(site: Host, run: Runs, *, look: bool = False, code: str = "first") -> Result:
    """Deploy a commit, or look at what that would do."""
    return run("deploy", site, data={"code": code}, args=["--dry", "--diff"] if look else [])


def live(site: Host) -> str:
    """The version that is live."""
    return site.read(["readlink", "/home/app/django-current"]).strip()


def test_it_is_served_by_asgi(site: Host, run: Runs) -> None:
    first = deploys(site, run).worked()
    assert "found: asgi mysite.asgi:application" in first.output
    assert visit(site).text == "no greeting"
    assert "uvicorn_worker.UvicornWorker asgi_switchback:application" in site.read(
        ["pgrep", "-u", "app", "-af", "gunicorn"]
    )


def test_a_variable_alone_makes_another_version_which_is_shown_and_taken_back(
    site: Host, run: Runs, settings: dict[str, Any]
) -> None:
    before = live(site)
    settings["env"] = {"GREETING": GREETING}
    shown = deploys(site, run, look=True).worked()
    assert "GREETING" in shown.output
    assert GREETING not in shown.output
    second = deploys(site, run).worked()
    assert "visitors noticed nothing" in second.told
    assert live(site) != before
    assert live(site)[-7:] == before[-7:]
    assert visit(site).text == GREETING
    # The same again is nothing to do.
    assert "nothing to" in deploys(site, run).worked().output
    run("revert", site).worked()
    assert live(site) == before
    assert visit(site).text == "no greeting"


def test_so_does_a_setting_that_the_config_is_made_of_whose_change_is_shown_as_a_diff(
    site: Host, run: Runs, settings: dict[str, Any]
) -> None:
    before = live(site)
    settings.pop("env")
    settings["health_headers"] = {"Host": "inside.example.com"}
    shown = deploys(site, run, look=True).worked()
    assert "config    made of the code and the settings: 1 file changed" in shown.output
    assert "~ settings_switchback.py" in shown.output
    assert '+    hosts=["127.0.0.1", "inside.example.com"],' in shown.output.replace("] +", "]+").replace("  +", "+")
    deploys(site, run).worked()
    assert live(site) != before
    asked = ["curl", "-so", "/dev/null", "-w", "%{http_code}", "-H", "Host: inside.example.com", "127.0.0.1:8000"]
    assert site.read(asked) == "200"
    # Whoever goes back asks as the settings say: they go back, too.
    del settings["health_headers"]
    run("revert", site).worked()
    assert live(site) == before
    assert site.read(asked) == "400"


def test_a_deploy_under_another_name_that_fails_falls_back_to_the_version_that_answers_to_its_own_alone(
    site: Host, run: Runs
) -> None:
    before = live(site)
    named = {site.name: {"website_url": f"http://localhost:{site.http_port}/"}}
    late = run("deploy", site, data={"code": "late"}, own=named)
    assert late.code == 1
    assert "fell back at site" in late.told, late.output
    assert live(site) == before
    assert visit(site).text == "no greeting"


def test_a_manage_py_that_overrules_the_settings_is_refused_with_what_to_write(site: Host, run: Runs) -> None:
    before = live(site)
    shown = deploys(site, run, look=True, code="forced")
    assert INSTEAD in shown.output
    refused = deploys(site, run, code="forced")
    assert refused.code == 1
    assert "refused at config" in refused.told
    assert INSTEAD in refused.told
    checked = run("check", site, data={"code": "forced"})
    assert checked.code == 1
    assert INSTEAD in checked.output
    assert live(site) == before


def test_it_is_back_after_a_reboot(site: Host, run: Runs) -> None:
    before = live(site)
    site.reboot()
    wait_for_site(site)
    assert visit(site).text == "no greeting"
    assert live(site) == before
    assert "is live and healthy" in run("status", site).worked().output
