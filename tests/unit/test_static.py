"""A version's static files: collected into it whatever the project does, found by the app, and by visitors."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.inside.protocol import Checks, Collected, StaticPlace
from agent.look import needs
from agent.look.needs import looked_for
from agent.service.health import Unhealthy
from agent.steps.build import seal, static
from agent.steps.build.seal import SealVersion
from agent.transaction.step import StepFailed
from agent.versions.layout import Layout
from agent.visitors import served
from agent.words.needs import StaticFound
from tests.unit.django_found import django_found
from tests.unit.django_project import Project
from tests.unit.examples import NEW, OLD, settings
from tests.unit.journals import begun, noted

SETTINGS = """
INSTALLED_APPS += ["django.contrib.staticfiles"]
STATIC_URL = "static/"
STATICFILES_DIRS = [HERE / "assets"]
"""
MANIFEST = """
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"%s}}
"""
ASKS = "from django.contrib.staticfiles.storage import staticfiles_storage\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a style and an icon, whose STATIC_ROOT is the live version's."""
    made = Project(tmp_path / "project", more=SETTINGS + 'STATIC_ROOT = HERE / "live"\n')
    made.write()
    (made.folder / "assets").mkdir()
    for name in ("site.css", "favicon.ico"):
        (made.folder / "assets" / name).write_text("something")
    return made


def collected(project: Project, root: Path) -> dict[str, Any]:
    """What is found when the static files are collected into a version; nothing may be anywhere else."""
    root.mkdir()
    found = project.ask("static", str(root))
    assert not (project.folder / "live").exists()
    assert found["files"] == sum(path.is_file() for path in root.rglob("*"))
    return found


def test_a_management_command_of_a_hook_finds_static_root_where_the_version_has_it(
    project: Project, tmp_path: Path
) -> None:
    root = tmp_path / "static"
    done = project.run("command", str(root), "collectstatic", "--no-input", "--verbosity=2")
    assert done.returncode == 0, done.stderr
    assert (root / "site.css").read_text() == "something"
    assert not (project.folder / "live").exists()
    assert "Copying" in done.stdout


def test_a_management_command_of_a_hook_fails_as_manage_py_does(project: Project, tmp_path: Path) -> None:
    for words in (("no_such_command",), ("collectstatic", "--no-such-option")):
        assert project.run("command", str(tmp_path), *words).returncode
    assert "no_such_command" in project.run("command", str(tmp_path), "no_such_command").stderr


@pytest.mark.parametrize("manifest", ["", MANIFEST % ""])
def test_whatever_asks_for_a_files_address_first_they_go_into_the_version(
    project: Project, tmp_path: Path, manifest: str
) -> None:
    project.more += manifest
    project.write()
    (project.folder / "urls.py").write_text(f"{ASKS}urlpatterns = []\nICON = staticfiles_storage.url('favicon.ico')\n")
    found = collected(project, tmp_path / "static")
    assert found["checks"]["errors"] == []
    assert (tmp_path / "static" / "favicon.ico").is_file()
    assert (tmp_path / "static" / "staticfiles.json").is_file() == bool(manifest)
    place = {"looked_for_in": str(project.folder / "live"), "read": bool(manifest), "url": "/static/", "kept_by": ""}
    assert found["place"] == place


def test_an_app_that_asks_while_it_is_loaded_does_not_lead_them_elsewhere(project: Project, tmp_path: Path) -> None:
    (project.folder / "items" / "models.py").write_text(f"{ASKS}staticfiles_storage.exists('site.css')\n")
    assert collected(project, tmp_path / "static")["files"] == 2


def test_neither_does_a_manage_py_that_has_asked_already(project: Project, tmp_path: Path) -> None:
    manage = project.folder / "manage.py"
    asks = f"import django; django.setup()\n{ASKS}staticfiles_storage.exists('site.css')\n"
    manage.write_text(manage.read_text().replace("from django.core", asks + "from django.core", 1))
    assert collected(project, tmp_path / "static")["files"] == 2


def test_nor_a_storage_that_was_told_a_place_of_its_own(project: Project, tmp_path: Path) -> None:
    project.more += MANIFEST % ', "OPTIONS": {"location": HERE / "live"}'
    project.write()
    found = collected(project, tmp_path / "static")
    assert (tmp_path / "static" / "staticfiles.json").is_file()
    assert found["place"]["looked_for_in"] == str(project.folder / "live")


def test_a_storage_without_files_on_disk_is_left_as_the_project_has_it(project: Project, tmp_path: Path) -> None:
    project.more += 'STORAGES = {"staticfiles": {"BACKEND": "django.core.files.storage.memory.InMemoryStorage"}}\n'
    project.write()
    found = collected(project, tmp_path / "static")
    assert (found["files"], found["place"]["kept_by"]) == (0, "django.core.files.storage.memory.InMemoryStorage")


def test_a_project_without_static_files_has_none(project: Project, tmp_path: Path) -> None:
    project.more = ""
    project.write()
    assert collected(project, tmp_path / "static")["files"] == 0


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web: int) -> Any:
    """A step for a version with a collected style, over a live one, on a host whose web server serves static/."""
    for module in (needs, served, seal, static):
        monkeypatch.setattr(module, "acting_as", lambda user: contextlib.nullcontext())
    monkeypatch.setattr(served, "SETTLES", 0.0)
    told = replace(settings().for_host(), website_url=f"http://127.0.0.1:{web}/")
    layout = Layout(told, tmp_path / "home")
    for version in (OLD, NEW):
        layout.part(version, "code").mkdir(parents=True)
        layout.part(version, "static").mkdir()
        (layout.part(version, "static") / f"{version}.css").write_text("a style")
        (layout.version(version) / ".switchback.json").write_text('{"static_url": "/static/"}')
    (layout.home / "django-current").symlink_to(layout.version(OLD))
    start: dict[str, Any] = {}
    return SimpleNamespace(
        layout=layout,
        settings=told,
        version=NEW,
        begin=begun(was=OLD),
        note=noted({"maintenance_start": start}),
        known=start,
    )


def found(place: Any, read: bool = True, kept_by: str = "", **more: Any) -> Collected:
    told_of = StaticPlace(read, "/static/", kept_by, str(place))
    return replace(Collected(2, True, told_of, django_found(Checks)), **more)


def test_a_place_inside_the_version_leads_to_its_static_files_and_is_no_hotfix(step: Any) -> None:
    code = step.layout.part(NEW, "code")
    (code / ".git").mkdir()
    assert served.lead_app_there(step, found(step.layout.home / "django-current/code/site/staticfiles")) == ""
    assert (code / "site/staticfiles" / f"{NEW}.css").is_file()
    assert (code / ".git/info/exclude").read_text() == "/site/staticfiles\n"


@pytest.mark.parametrize("link", [None, "links/static"])
def test_a_place_that_leads_to_the_live_ones_stays_as_it_is(step: Any, link: str | None) -> None:
    home = step.layout.home
    right = home / "django-current" / "static"
    if link:
        (home / "links").mkdir()
        (home / link).symlink_to("../django-current/static")
    assert served.lead_app_there(step, found(home / link if link else right)) == ""


@pytest.mark.parametrize("place", ["/srv/www/static", "", f"django-live/{OLD}/static"])
def test_a_place_elsewhere_that_the_app_reads_is_refused_with_the_line_to_write(step: Any, place: str) -> None:
    with pytest.raises(StepFailed) as failed:
        served.lead_app_there(step, found(place))
    assert f'write\n  STATIC_ROOT = "{step.layout.home}/django-current/static"' in str(failed.value)


def test_one_that_the_app_does_not_read_is_said(step: Any) -> None:
    warning = served.lead_app_there(step, found("/srv/www/static", read=False))
    assert warning.startswith("STATIC_ROOT is /srv/www/static, which does not lead to the static files of this version")
    assert served.lead_app_there(step, found("", read=False)) == ""


# --- What check says of the live version


def seen(step: Any, place: Any, read: bool = True, url: str = "/static/", kept_by: str = "") -> StaticFound:
    return looked_for(step.layout, OLD, StaticPlace(read, url, kept_by, str(place)))


def test_check_says_where_the_app_does_not_find_its_static_files(step: Any) -> None:
    home = step.layout.home
    assert (
        seen(step, home / "django-current/static")
        == seen(step, home / "django-current/code/staticfiles")
        == StaticFound()
    )
    # What a build makes free is not made by a look.
    assert not (home / "django-current/code/staticfiles").exists()
    assert looked_for(step.layout, OLD, None) == seen(step, "", read=False) == StaticFound()
    for place in ("/srv/www/static", ""):
        problem = seen(step, place).problem
        assert problem
        assert problem.startswith(f"STATIC_ROOT is {place or 'not set'}, ")
        assert problem.endswith(f'a build is refused; write STATIC_ROOT = "{home}/django-current/static"')
    (notice,) = seen(step, "/srv/www/static", read=False).notices
    assert f"the web server has to serve {home}/django-current/static" in notice


def test_check_says_that_another_serves_them(step: Any) -> None:
    for url in ("https://me:p@cdn.example.com/x/", "//cdn.example.com/"):
        (notice,) = seen(step, step.layout.home / "django-current/static", url=url).notices
        assert notice.endswith("://cdn.example.com: not asked for")
        assert "me:p" not in notice
    (notice,) = seen(step, "/srv", kept_by="storages.S3").notices
    assert notice == "static files are kept by storages.S3: not asked for"


@pytest.mark.parametrize(("more", "read"), [("", False), (MANIFEST % "", True)])
def test_the_live_app_is_asked_where_it_looks(project: Project, more: str, read: bool) -> None:
    project.more += more
    project.write()
    told = project.ask("about")["static"]
    assert told == {"looked_for_in": str(project.folder / "live"), "read": read, "kept_by": "", "url": "/static/"}
    assert not (project.folder / "live").exists()


def test_an_app_whose_storage_can_not_do_without_a_place_is_asked_too(project: Project) -> None:
    project.more = project.more.replace("STATIC_ROOT = HERE / 'live'", "").replace('STATIC_ROOT = HERE / "live"', "")
    project.more += MANIFEST % ""
    project.write()
    assert project.ask("about")["static"] == {"looked_for_in": "", "read": True, "kept_by": "", "url": "/static/"}


def test_files_in_the_way_are_refused_unless_they_are_what_was_collected(step: Any) -> None:
    folder = step.layout.part(NEW, "code") / "static"
    folder.mkdir()
    (folder / "README").write_text("a project's own")
    with pytest.raises(StepFailed, match="STATIC_ROOT = "):
        served.lead_app_there(step, found(folder))
    (folder / f"{NEW}.css").write_text("collected by a script")
    assert served.lead_app_there(step, found(folder)) == ""


def test_nothing_collected_where_there_is_something_is_a_failure(step: Any) -> None:
    with pytest.raises(StepFailed, match="0 static files were collected"):
        served.lead_app_there(step, found("", files=0))
    assert served.lead_app_there(step, found("", files=0, listed=False)) == ""


def test_files_that_are_kept_elsewhere_are_said(step: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert served.lead_app_there(step, found("/srv", files=0, kept_by="storages.S3")) == ""
    assert "kept by storages.S3, as the project has it" in capsys.readouterr().out


def test_a_folder_in_the_place_of_a_link_is_found_in_the_build(step: Any) -> None:
    (step.layout.home / "django-working").mkdir()
    with pytest.raises(
        StepFailed,
        match=r"django-working is a directory and has to be a link: move it away. It was put there during this build",
    ):
        SealVersion().do(step)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[int]:
    """A web server of the host's; its port."""
    home = tmp_path / "web"
    home.mkdir()
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(home))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def serve(step: Any, version: str) -> None:
    """Have the web server serve the static files of a version."""
    link = step.layout.home.parent / "web" / "static"
    link.unlink(missing_ok=True)
    link.symlink_to(step.layout.part(version, "static"))


def test_a_static_file_is_asked_for_after_the_switch_by_its_hashed_name(step: Any) -> None:
    static = step.layout.part(NEW, "static")
    (static / "a.1234567890ab.css").write_text("a style")
    (static / "staticfiles.json").write_text(json.dumps({"paths": {"a.css": "a.1234567890ab.css"}}))
    serve(step, NEW)
    assert served.prove(step) == ""
    assert served.address(step.layout, NEW) == step.settings.website_url + "static/a.1234567890ab.css"


def test_one_that_is_not_there_is_a_failure_where_the_live_versions_was(step: Any) -> None:
    serve(step, OLD)
    step.known["static_before"] = served.before(step)
    with pytest.raises(Unhealthy) as failed:
        served.prove(step)
    url = step.settings.website_url
    said = str(failed.value)
    assert said.startswith(f"visitors get no static files: {url}static/{NEW}.css answers 404, not 200 or 301 or ")
    assert said.endswith(f"; before the switch {url}static/{OLD}.css was there")


def test_it_is_a_warning_where_none_was_there_before(step: Any) -> None:
    step.known["static_before"] = served.before(step)
    assert "visitors get no static files" in served.prove(step)


@pytest.mark.parametrize("url", ['"https://cdn.example.com/"', "null", "1"])
def test_what_another_host_serves_is_not_asked_for_and_said(
    step: Any, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for version in (OLD, NEW):
        (step.layout.version(version) / ".switchback.json").write_text(f'{{"static_url": {url}}}')
    assert served.before(step) == ""
    other = url.startswith('"')
    assert served.prove(step) == ""
    said = "static files are served by https://cdn.example.com: not asked for" if other else ""
    assert said in capsys.readouterr().out


def test_a_version_that_does_not_tell_is_asked_for_where_the_next_one_is(step: Any) -> None:
    (step.layout.version(OLD) / ".switchback.json").write_text("{}")
    serve(step, OLD)
    assert served.before(step).endswith(f"/static/{OLD}.css")
