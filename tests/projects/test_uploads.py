"""What visitors upload, and the SQLite file that says so, where startproject has both: below BASE_DIR. They outlive
every version, whatever becomes of it."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.projects.notes import Notes
from tests.projects.project import Project
from tests.projects.visitor import upload, visit
from tests.runs import Runs

SHARED = {"shared_dirs": "media", "shared_files": "db.sqlite3"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, with a commit that is as good as it, and one that no visitor gets a page of."""
    made = Notes(tmp_path_factory.mktemp("uploads"))
    code = made.code
    code.write("media/.gitkeep", "")
    made.require("gunicorn", "supervisor")
    code.commit("first")
    code.write("README", "")
    code.commit("second")
    made.change("notes/views.py", "def index(request):\n", "def index(request):\n    1 / 0\n")
    code.commit("broken")
    made.configure('MEDIA_ROOT = BASE_DIR / "media"\n')
    made.config.commit("shared")
    return made


def test_without_the_settings_it_is_refused_with_the_lines_to_write(site: Host, run: Runs) -> None:
    result = run("deploy", site, data={"code": "first"})
    assert result.code == 1
    assert "shared_files: [db.sqlite3]" in result.told
    assert "shared_dirs: [media]" in result.told


def test_what_was_there_before_is_taken_over_and_its_old_place_goes_on_though_the_first_deploy_fails(
    site: Host, run: Runs
) -> None:
    site.run(["runuser", "-u", "app", "--", "sh", "-c", "mkdir -p ~/old/media && echo kept >~/old/media/kept.txt"])
    taking = {**SHARED, "adopt": "/home/app/old"}
    foreseen = run("deploy", site, args=["--dry"], data={"code": "broken", **taking})
    taken = "media → /home/app/shared/media (taken over from /home/app/old/media, where a link is left)"
    assert taken in foreseen.flowing
    assert "db.sqlite3 → /home/app/shared/db.sqlite3 (new)" in foreseen.output
    result = run("deploy", site, data={"code": "broken", **taking})
    assert result.code == 1
    for place in ("old", "shared"):
        assert site.read(["cat", f"/home/app/{place}/media/kept.txt"]) == "kept\n"
    assert site.read(["readlink", "/home/app/old/media"]) == "/home/app/shared/media\n"


def test_what_a_visitor_uploads_is_served_whatever_is_deployed_after_it(site: Host, run: Runs) -> None:
    run("deploy", site, data={"code": "first", "adopt": "/home/app/old", **SHARED}).worked()
    assert upload(site, "/", "one").status == 200
    assert visit(site, "/files/").text == "one"
    result = run("deploy", site, data={"code": "broken", **SHARED})
    assert result.code == 1
    assert visit(site, "/files/").text == "one"
    run("deploy", site, data={"code": "second", **SHARED}).worked()
    assert upload(site, "/", "two").status == 200
    run("check", site, data=SHARED).worked()
    run("revert", site, data=SHARED).worked()
    assert upload(site, "/", "three").status == 200
    run("clean", site, data={"keep": 1, "keep_failed": 0, **SHARED}).worked()
    assert visit(site, "/files/").text == "one,two,three"


def test_nothing_of_it_is_in_a_version_or_counted_with_one(site: Host, run: Runs) -> None:
    site.run(["runuser", "-u", "app", "--", "fallocate", "-l", "90M", "/home/app/shared/media/film"])
    run("deploy", site, data={"code": "second", "force": "true", **SHARED}).worked()
    (told,) = run("status", site, data=SHARED).document.hosts
    assert told.status
    assert told.status.versions
    assert all((one.bytes or 0) < 90_000_000 for one in told.status.versions)
    kept = ["find", "/home/app/shared", "-name", "db.sqlite3*", "-o", "-path", "*/notes/*.txt"]
    assert site.read(kept).count("\n") == 4
    assert site.run(["find", "-L", "/home/app/shared/media", "-perm", "/o+w"]).stdout == ""
