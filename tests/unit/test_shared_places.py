"""What outlives the versions is made once, as a whole, where no link leads it elsewhere; each version links to it."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.host.command import Runner
from agent.host.files import close, remove
from agent.shared import lay, looks, reach
from agent.shared.looks import look
from agent.steps.build import shared as shared_step
from agent.steps.build.shared import Shared, SharedLinked
from agent.transaction.step import StepFailed
from agent.versions import hotfixes
from agent.versions.layout import Layout
from agent.versions.marks import SEAL
from agent.words.foreseen import SharedPlace
from switchback.checks.needs import need_notices, need_problems
from tests.unit import examples, healthy
from tests.unit.examples import NEW
from tests.unit.healthy import host_settings
from tests.unit.test_settings import problems, settings
from tests.unit.test_submodules import repository
from tests.unit.test_submodules import run as git

ME = pwd.getpwuid(os.getuid()).pw_name


class Build:
    """The build of a version on a host whose app is run by whoever runs the tests."""

    def __init__(self, home: Path, folders: dict[str, str], files: dict[str, str]) -> None:
        told = host_settings(app_username=ME, shared_dirs=folders, shared_files=files)
        self.layout = Layout(told, home)
        self.code = self.layout.part(NEW, "code")
        self.code.mkdir(parents=True)
        self.shared = home / "shared"

    def bring(self, **files: str) -> None:
        """Have the commit bring files: `a__b_txt` is a/b.txt."""
        for name, text in files.items():
            path = self.code / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def found(self) -> list[SharedPlace]:
        """What is found before anything is made."""
        return look(self.layout, self.code)

    def run(self) -> SharedLinked:
        """Do the step."""
        step: Any = SimpleNamespace(
            layout=self.layout, version=NEW, limit=60.0, runner=lambda user: Runner(None, None, 1e12)
        )
        return Shared().do(step)


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Begins a build, with what is shared: directories, and files by name in the shared folder and path in the code."""
    for module in (lay, shared_step):
        monkeypatch.setattr(module, "acting_as", lambda user: nullcontext())
    monkeypatch.setattr(shared_step, "emit", lambda text: None)

    def begin(*folders: str, home: Path = tmp_path, **files: str) -> Build:
        return Build(home, {name: name for name in folders}, {name.replace("_", "."): at for name, at in files.items()})

    return begin


def is_link(path: Path, to: Path) -> bool:
    return path.is_symlink() and path.readlink() == to


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_directory_is_made_for_the_web_server_to_read_and_for_nobody_else_to_write(build: Any) -> None:
    made = build("var/media")
    assert made.run().paths == ("var/media",)
    assert is_link(made.code / "var/media", made.shared / "var/media")
    assert {mode(path) for path in (made.shared, made.shared / "var", made.shared / "var/media")} == {0o755}


def test_what_is_there_stays_as_it_is_whatever_is_built(build: Any) -> None:
    made = build("media")
    (made.shared / "media").mkdir(parents=True)
    (made.shared / "media/cat.jpg").write_text("meow")
    (made.shared / "media").chmod(0o750)
    made.run()
    assert (made.code / "media/cat.jpg").read_text() == "meow"
    assert mode(made.shared / "media") == 0o750


def test_a_directory_with_nothing_but_a_placeholder_makes_way_for_the_link(build: Any) -> None:
    made = build("media")
    made.bring(media___gitkeep="")
    made.run()
    assert is_link(made.code / "media", made.shared / "media")
    assert [*(made.shared / "media").iterdir()] == []


def test_what_the_commit_brings_is_what_it_begins_as_and_no_file_of_it_is_lost(build: Any) -> None:
    made = build("media")
    made.bring(media__avatars__none_png="nobody", media__logo_png="logo")
    (told,) = made.found()
    assert told.says == f"media → {made.shared}/media (new, with what the commit has there: 2 files)"
    made.run()
    assert (made.code / "media/avatars/none.png").read_text() == "nobody"
    assert not (made.code / "media").resolve().is_relative_to(made.code)


def test_files_of_a_later_commit_that_visitors_would_not_get_are_named_and_overwrite_nothing(build: Any) -> None:
    made = build("media")
    (made.shared / "media").mkdir(parents=True)
    (made.shared / "media/logo.png").write_text("the old one")
    (made.shared / "media/same.png").write_text("same")
    made.bring(media__logo_png="the new one", media__same_png="same", media__more_png="more")
    note = made.run()
    assert note.warning.endswith("or has otherwise, what the commit has there: logo.png, more.png")
    assert (made.shared / "media/logo.png").read_text() == "the old one"
    assert not (made.shared / "media/more.png").exists()


def test_a_new_database_is_an_empty_file_for_the_app_alone(build: Any) -> None:
    made = build(db_sqlite3="backend/db.sqlite3")
    made.run()
    assert is_link(made.code / "backend/db.sqlite3", made.shared / "db.sqlite3")
    assert mode(made.shared / "db.sqlite3") == 0o640
    assert (made.shared / "db.sqlite3").read_bytes() == b""


def test_a_database_that_the_commit_brings_is_what_it_begins_as_and_is_never_compared_again(build: Any) -> None:
    made = build(db_sqlite3="db.sqlite3")
    (made.code / "db.sqlite3").write_bytes(b"SQLite format 3")
    assert made.found()[0].says.endswith("db.sqlite3 (new, with what the commit has there: 1 file)")
    made.run()
    assert mode(made.shared / "db.sqlite3") == 0o640
    (made.code / "db.sqlite3").unlink()
    (made.code / "db.sqlite3").write_bytes(b"SQLite format 4")
    assert made.run().warning == ""
    assert (made.shared / "db.sqlite3").read_bytes() == b"SQLite format 3"


def test_sqlite_keeps_its_journal_beside_the_file_that_a_link_leads_to(build: Any) -> None:
    made = build(db_sqlite3="db.sqlite3")
    made.run()
    close(made.layout.version(NEW), [made.code])
    program = (
        "import os, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1])\n"
        "for way in ('delete', 'wal'):\n"
        "    database.execute('pragma journal_mode = ' + way)\n"
        "    database.execute('create table t_' + way + ' (x)')\n"
        "    database.execute('begin')\n"
        "    database.execute('insert into t_' + way + ' values (1)')\n"
        "    print(*sorted(os.listdir(sys.argv[2])))\n"
        "    database.commit()\n"
    )
    argv = ["python3", "-c", program, str(made.code / "db.sqlite3"), str(made.shared)]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert said == "db.sqlite3 db.sqlite3-journal\ndb.sqlite3 db.sqlite3-shm db.sqlite3-wal\n"
    assert [path.name for path in made.code.iterdir()] == ["db.sqlite3"]


def test_a_file_that_is_nowhere_is_asked_for_before_anything_is_made(build: Any) -> None:
    made = build("media", local_py="mysite/local.py")
    with pytest.raises(StepFailed) as failed:
        made.run()
    assert str(failed.value) == (
        f"shared_files: {made.shared}/local.py is not there, and the commit has no mysite/local.py to begin with: put "
        f"it there, as in install -D -o {ME} -m 640 FILE {made.shared}/local.py, or say where it is, with adopt"
    )
    assert not made.shared.exists()


def test_a_file_begins_as_the_commits_and_later_stays(build: Any, tmp_path: Path) -> None:
    first = build(local_py="local.py")
    first.bring(local_py="DEBUG = False")
    first.run()
    (first.shared / "local.py").write_text("DEBUG = True")
    remove(first.layout.version(NEW))
    second = build(local_py="local.py")
    second.bring(local_py="DEBUG = False")
    assert second.run().warning.endswith("or has otherwise, what the commit has there: its content")
    assert (second.code / "local.py").read_text() == "DEBUG = True"


@pytest.mark.parametrize("side", ["code", "shared"])
def test_no_link_on_the_way_is_followed(build: Any, tmp_path: Path, side: str) -> None:
    made = build("var/media")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    made.shared.mkdir()
    top = made.code if side == "code" else made.shared
    (top / "var").symlink_to(elsewhere)
    with pytest.raises(StepFailed) as failed:
        made.run()
    assert str(failed.value) == f"shared_dirs: {top}/var is a link, and a directory has to be there"
    assert [*elsewhere.iterdir()] == []
    with pytest.raises(NotADirectoryError):
        lay.folders_to(top, "var/media")


def test_a_link_that_the_commit_brings_makes_way_and_what_it_leads_to_stays(build: Any, tmp_path: Path) -> None:
    made = build("media")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    (made.code / "media").symlink_to(precious)
    made.run()
    assert is_link(made.code / "media", made.shared / "media")
    assert (precious / "file").read_text() == "mine"
    assert [*(made.shared / "media").iterdir()] == []


def test_a_person_may_keep_it_on_another_disk_by_a_link(build: Any, tmp_path: Path) -> None:
    made = build("media")
    (tmp_path / "disk").mkdir()
    made.shared.mkdir()
    (made.shared / "media").symlink_to(tmp_path / "disk")
    made.run()
    assert (made.code / "media").resolve() == tmp_path / "disk"
    (tmp_path / "disk").rmdir()
    (told,) = made.found()
    assert told.problem.startswith(f"shared_dirs: {made.shared}/media is a link that leads nowhere, ")


def test_what_is_in_the_way_is_all_named_at_once(build: Any) -> None:
    made = build("media", "logs", "theme", db_sqlite3="db.sqlite3", more_db="more.db")
    made.shared.mkdir()
    (made.shared / "logs").write_text("")
    (made.shared / "db.sqlite3").mkdir()
    made.bring(media="a file", theme___git="gitdir: elsewhere")
    (made.code / "more.db").mkdir()
    with pytest.raises(StepFailed) as failed:
        made.run()
    assert str(failed.value).splitlines() == [
        "shared_dirs: the commit has a file at media: write it into shared_files instead, or take it out of the commit",
        f"shared_dirs: {made.shared}/logs is a file, and has to be a folder: move it away",
        "shared_dirs: theme is a submodule of the code, and can't be shared",
        f"shared_files: {made.shared}/db.sqlite3 is a folder, and has to be a file: move it away",
        "shared_files: the commit has a folder at more.db: write it into shared_dirs instead, or take it out of the "
        "commit",
    ]


def test_what_the_app_can_not_write_to_is_said_with_the_line_that_helps(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = build("media")
    (made.shared / "media").mkdir(parents=True)
    (made.shared / "media").chmod(0o555)
    assert made.found()[0].problem == (
        f"shared_dirs: {ME} can't write to {made.shared}/media: chmod u+w {made.shared}/media"
    )
    monkeypatch.setattr(looks, "may_write", lambda user, info: False)
    monkeypatch.setattr(looks, "pwd", SimpleNamespace(getpwnam=lambda name: SimpleNamespace(pw_uid=-1)))
    assert made.found()[0].problem.endswith(f": chown -R {ME}: {made.shared}/media")


def test_a_build_that_was_killed_half_way_has_left_nothing_that_the_next_one_takes_for_whole(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = build("media", db_sqlite3="db.sqlite3")
    made.bring(media__logo_png="logo")
    for broken in ("rename", "link"):
        with monkeypatch.context() as patched:
            patched.setattr(os, broken, lambda *names: (_ for _ in ()).throw(OSError("killed")))
            with pytest.raises(OSError, match="killed"):
                made.run()
        assert not (made.shared / "db.sqlite3").exists()
    made.bring(media__logo_png="logo")
    made.run()
    assert sorted(path.name for path in made.shared.iterdir()) == ["db.sqlite3", "media"]
    assert (made.shared / "media/logo.png").read_text() == "logo"


def test_closing_counting_and_deleting_a_version_stop_at_the_link(build: Any) -> None:
    made = build("media", db_sqlite3="db.sqlite3")
    made.run()
    upload = made.shared / "media/film.mp4"
    upload.write_bytes(b"x" * 5_000_000)
    size = close(made.layout.version(NEW), [made.code])
    assert size < 1_000_000
    assert mode(upload) & 0o200
    assert mode(made.shared / "media") == 0o755
    made.layout.part(NEW, "code").chmod(0o755)
    remove(made.layout.version(NEW))
    assert upload.stat().st_size == 5_000_000
    assert (made.shared / "db.sqlite3").exists()


def test_what_is_shared_is_nobodys_change_to_the_code(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.host.command.run_as", lambda _: {})
    made = build("media", "var/log")
    made.code.rmdir()
    repository(made.code, media___gitkeep="", media__logo_png="logo", app_py="", _gitignore="media/\n")
    made.run()
    (made.shared / "media/upload.png").write_text("new")
    seal = {
        "name": NEW,
        "shared": ["media", "var/log"],
        "code": {"ref": "main", "sha": git(made.code, "rev-parse", "HEAD")},
    }
    (made.layout.version(NEW) / SEAL).write_text(json.dumps(seal))
    runner = Runner(None, None, 1e12)
    assert hotfixes.find(runner, made.layout, NEW) == {}
    assert hotfixes.patch(runner, made.layout, NEW, "code") == ""
    (made.code / "app.py").write_text("fixed = True\n")
    (made.code / "media-x").write_text("new")
    assert hotfixes.find(runner, made.layout, NEW) == {"code": ["changed: app.py", "untracked: media-x"]}
    patch = hotfixes.patch(runner, made.layout, NEW, "code")
    assert "app.py" in patch
    assert "logo.png" not in patch


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["media/", "var/log"], {"media": "media", "var/log": "var/log"}),
        ("media, var/log", {"media": "media", "var/log": "var/log"}),
        ({"media": "backend/media"}, {"media": "backend/media"}),
        ("media: backend/media", {"media": "backend/media"}),
        ([], {}),
    ],
)
def test_what_is_shared_is_a_list_or_says_where_each_is_in_the_code(given: object, meant: dict[str, str]) -> None:
    assert settings(shared_dirs=given).shared_dirs == meant
    assert settings(shared_dirs=given).for_host().shared_dirs == meant


@pytest.mark.parametrize(
    "given",
    [["/srv/media"], ["../media"], ["a/../b"], ["./media"], [".git/hooks"], ["-x"], ["a b"], {"media": "/srv"}, [""]],
)
def test_what_is_shared_lies_in_the_code(given: object) -> None:
    assert "shared_dirs must be paths inside the code, relative to its top" in problems(shared_dirs=given)[0]


@pytest.mark.parametrize("given", [5, [5], {"media": 5}, [["media"]]])
def test_what_is_shared_is_named_by_paths(given: object) -> None:
    assert "shared_files must be a list of paths in the code, as in `[media]`" in problems(shared_files=given)[0]


@pytest.mark.parametrize(
    ("folders", "files", "says"),
    [
        (
            ["media", "media-x", "media/cache"],
            [],
            "media/cache lies in media, which is shared as a whole (in the shared",
        ),
        (
            ["data"],
            ["data/db.sqlite3"],
            "data/db.sqlite3 lies in data, which is shared as a whole (in the shared folder",
        ),
        (["data"], ["data"], "data is named twice (in the shared folder)"),
        ({"a": "media", "b": "media"}, [], "media is named twice (in the code)"),
        ({"a": "media", "b": "media/b"}, [], "media/b lies in media, which is shared as a whole (in the code)"),
    ],
)
def test_nothing_that_is_shared_lies_in_anything_else_that_is(folders: object, files: object, says: str) -> None:
    (problem,) = problems(shared_dirs=folders, shared_files=files)
    assert says in problem


# --- What check says of it


def test_of_what_is_not_there_yet_the_commit_to_come_decides(build: Any) -> None:
    made = build("media", db_sqlite3="db.sqlite3", local_py="mysite/local.py")
    media, database, local = looks.state(made.layout)
    assert (media.problem, media.notice, database.problem, database.notice) == ("", "", "", "")
    assert local.notice == (
        f"{made.shared}/local.py is not there: unless the code has mysite/local.py, put it there before a deploy: "
        f"install -D -o {ME} -m 640 FILE {made.shared}/local.py"
    )


def test_what_is_in_the_way_on_the_host_is_said_before_a_build(build: Any) -> None:
    made = build("media")
    made.shared.mkdir()
    (made.shared / "media").write_text("")
    (told,) = looks.state(made.layout)
    assert told.problem == f"shared_dirs: {made.shared}/media is a file, and has to be a folder: move it away"


def test_what_can_not_be_looked_at_is_in_the_way_and_ends_no_look(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = build("media")

    def closed(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(looks, "followed", closed)
    for told in (looks.state(made.layout), made.found()):
        assert told[0].problem == f"shared_dirs: [Errno 13] Permission denied: '{made.shared}/media'"


def test_a_folder_that_the_web_server_can_not_enter_is_named_with_what_opens_it(
    build: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = build("media")
    made.run()
    monkeypatch.setattr(reach, "WEB_SERVERS", ("nobody",))
    monkeypatch.setattr(reach, "_may_enter", lambda user, info: info.st_ino != made.shared.stat().st_ino)
    (told,) = looks.state(made.layout)
    assert told.notice == (
        f"nobody can't reach {made.shared}/media, should a web server have to: {made.shared} is closed to it: "
        f"chmod o+x {made.shared}, or, for nobody alone, setfacl -m u:nobody:x {made.shared}"
    )
    monkeypatch.setattr(reach, "_may_enter", lambda user, info: True)
    assert looks.state(made.layout)[0].notice == ""


def test_who_may_enter_a_folder_is_told_by_its_mode() -> None:
    nobody = pwd.getpwnam("nobody")

    def may(mode: int, owner: int = 4711, group: int = 4711) -> bool:
        info: Any = SimpleNamespace(st_mode=mode, st_uid=owner, st_gid=group)
        return reach._may_enter("nobody", info)

    assert (may(0o711), may(0o710), may(0o700)) == (True, False, False)
    assert (may(0o710, group=nobody.pw_gid), may(0o701, group=nobody.pw_gid)) == (True, False)
    assert (may(0o700, owner=nobody.pw_uid), may(0o011, owner=nobody.pw_uid)) == (True, False)


def test_what_everybody_can_write_to_is_said(build: Any) -> None:
    made = build("media")
    made.run()
    (made.shared / "media").chmod(0o777)
    (told,) = looks.state(made.layout)
    assert told.notice == f"everybody on the host can write to {made.shared}/media: chmod o-w {made.shared}/media"


def test_check_says_what_is_wrong_with_what_is_shared_and_what_is_worth_knowing() -> None:
    shared = (
        SharedPlace("media", "/home/app/shared/media", problem="shared_dirs: no"),
        SharedPlace("logs", "/home/app/shared/logs", notice="everybody"),
    )
    seen = replace(examples.site(), needs=healthy.needs(), shared=shared)
    assert need_problems(seen, examples.settings()) == ["shared_dirs: no"]
    assert need_notices(seen) == ["everybody"]


MEANT = (
    "the code has no media at its top, and its manage.py is in backend: where backend/media is meant, write "
    "shared_dirs: {media: backend/media}"
)


def test_a_path_that_is_meant_from_the_projects_folder_is_said_with_what_to_write(build: Any) -> None:
    made = build("media")
    (made.code / "backend").mkdir()
    (made.code / "backend" / "manage.py").write_text("")
    assert [one.notice for one in made.found()] == [MEANT]
    assert made.run().warning == MEANT
    # It is there from then on, and nothing is to be said any more.
    assert [one.notice for one in made.found()] == [""]


def test_so_it_is_in_the_refusal_of_a_file_that_is_not_there(build: Any) -> None:
    made = build(local_env="local.env")
    (made.code / "site" / "backend").mkdir(parents=True)
    (made.code / "site" / "backend" / "manage.py").write_text("")
    made.layout = replace(made.layout, settings=replace(made.layout.settings, project_dir="site/backend"))
    (told,) = made.found()
    assert (
        "where site/backend/local.env is meant, write shared_files: {local.env: site/backend/local.env}" in told.problem
    )


@pytest.mark.parametrize("at", ["manage.py", "media/README", "other/manage.py"])
def test_what_may_well_be_meant_as_it_stands_is_left_alone(build: Any, at: str) -> None:
    made = build("media")
    for path in ("backend/manage.py", at):
        (made.code / path).parent.mkdir(exist_ok=True)
        (made.code / path).write_text("")
    assert [one.notice for one in made.found()] == [""]
