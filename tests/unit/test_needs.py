"""What check says of a deploy's needs: the commits to come read from their files, the database, the website."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.host.command import Runner
from agent.look import heads, needs
from agent.repository import lfs
from agent.service import startable
from agent.versions.layout import Layout
from agent.words.facts import FoundRef, Site
from agent.words.history import PastRun
from agent.words.needs import BackupScript, Database, Databases, Heads, LiveApp, StaticFound
from agent.words.outcomes import Outcome
from agent.words.requests import Ref
from switchback.checks.needs import as_follower, looked_at, need_notices, need_problems
from tests.unit import examples, healthy
from tests.unit.healthy import bare_site, host_settings, settings

ME = pwd.getpwuid(os.getuid()).pw_name
HOST_CONFIG = """
[fcgi-program:web]
socket=tcp://127.0.0.1:8000
command=/home/app/venv/bin/python -m gunicorn --bind fd://0 mysite.wsgi:application
"""
MANAGE = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n'
PROJECT = {"manage.py": MANAGE, "mysite/__init__.py": "", "mysite/settings.py": "", "mysite/wsgi.py": ""}
GOOD = {**PROJECT, "requirements.txt": "Django\ngunicorn\nsupervisor\n"}


def commit(folder: Path, files: Mapping[str, str]) -> tuple[str, str]:
    """A repository with one commit: its path and that commit."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git = ["git", "-C", str(folder), "-c", "user.name=Sam", "-c", "user.email=sam@example.org"]
    for argv in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *argv], check=True)
    sha = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    return str(folder), sha


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Says what check finds wrong on a bare host whose repositories have these files."""
    monkeypatch.setattr(
        startable, "started_by", lambda _: startable.Unit(f"{tmp_path}/venv/bin/supervisord", ("supervisord",))
    )

    def found(
        code: Mapping[str, str], config: Mapping[str, str] | None, own: str = HOST_CONFIG, **values: Any
    ) -> list[str]:
        (tmp_path / "supervisord.conf").write_text(own)
        made = {"code": commit(tmp_path / "a", code)}
        if config is not None:
            made["config"] = commit(tmp_path / "b", config)
        layout = Layout(replace(settings(**values).for_host(), app_username=ME), tmp_path)
        runner = Runner(user=ME, log=None, until=time.time() + 60)
        shas = {part: sha for part, (_, sha) in made.items()}
        told = heads.heads(runner, layout, {part: Ref(url, "main") for part, (url, _) in made.items()}, shas)
        assert isinstance(told, Heads)
        refs = {part: FoundRef("main", sha) for part, sha in shas.items()}
        seen = bare_site(refs=refs, needs=healthy.needs(heads=told))
        return [text.replace(shas["code"][:7], "SHA") for text in need_problems(seen, settings(**values))]

    return found


def test_what_a_deploy_needs_is_found_in_the_files_of_the_commits(checked: Any) -> None:
    assert checked(GOOD, PROJECT) == []


def test_requirements_that_are_not_there_are_no_empty_ones(checked: Any) -> None:
    (problem,) = checked({**PROJECT, "backend/pyproject.toml": ""}, PROJECT)
    assert problem == (
        "code at main (SHA): what the project needs is not at the top of the code (uv.lock, poetry.lock, "
        "Pipfile.lock, requirements.txt, requirements/production.txt, pyproject.toml): write requirements: "
        "backend/pyproject.toml in the settings"
    )


def test_requirements_have_to_name_what_the_service_and_the_hosts_own_config_start(checked: Any) -> None:
    problems = checked({**PROJECT, "requirements.txt": "-r more.txt\n", "more.txt": "Django\n"}, PROJECT)
    assert problems == [
        "requirements.txt at main (SHA) does not name gunicorn, which web starts: add it",
        "requirements.txt at main (SHA) does not name supervisor, which the service django starts: add it",
    ]


@pytest.mark.parametrize("more", ["-e .\n", "git+https://example.org/all.git\n"])
def test_requirements_that_bring_what_nobody_can_see_are_not_blamed(checked: Any, more: str) -> None:
    assert checked({**PROJECT, "requirements.txt": more}, PROJECT) == []


def test_a_config_without_a_project_lacks_what_a_deploy_runs(checked: Any) -> None:
    own = HOST_CONFIG.replace("mysite.wsgi", "wsgi")
    manage, wsgi = checked(GOOD, {"README": "nothing else"}, own)
    assert manage.startswith("manage.py is not at the top of the config at main (")
    assert wsgi.startswith("web starts gunicorn with wsgi, and wsgi.py is neither in the config at main (")
    assert wsgi.endswith("add it, or write mysite.wsgi for it: web in the host's supervisord.conf")


def test_without_a_config_repository_the_project_is_all_that_is_needed(checked: Any) -> None:
    one = {"config_repo_url": None, "config_branch": "HEAD"}
    project = {**GOOD, "manage.py": f"# django\n{MANAGE}"}
    assert checked(project, None, **one) == []


def test_without_one_what_the_project_does_not_tell_is_asked_for(checked: Any) -> None:
    one = {"config_repo_url": None, "config_branch": "HEAD"}
    (problem,) = checked({"requirements.txt": "Django\ngunicorn\nsupervisor\n"}, None, **one)
    assert problem.startswith("the code has no manage.py: write project_dir: PATH")


def test_settings_that_manage_py_names_and_nobody_has(checked: Any) -> None:
    files = {name: text for name, text in GOOD.items() if name != "mysite/settings.py"}
    (problem,) = checked(files, {"manage.py": MANAGE})
    assert problem.startswith(
        "manage.py names mysite.settings, and mysite/settings.py is neither in the config at main ("
    )


def test_what_a_pyproject_lists_is_read_with_and_without_uv(checked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.packages.installing.uv_of", lambda home: None)
    named = {**PROJECT, "pyproject.toml": '[project]\ndependencies = ["django", "gunicorn"]'}
    (problem,) = checked(named, PROJECT)
    assert problem == "pyproject.toml at main (SHA) does not name supervisor, which the service django starts: add it"


def test_what_is_installed_besides_needs_not_be_named(checked: Any) -> None:
    named = {**PROJECT, "requirements.txt": "django\ngunicorn\n"}
    assert checked(named, PROJECT, extra_requirements="supervisor>=4.3") == []


def test_a_project_that_leaves_its_dependencies_to_its_backend_is_refused(
    checked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.packages.installing.uv_of", lambda home: None)
    (problem,) = checked({**PROJECT, "pyproject.toml": '[project]\ndynamic = ["dependencies"]'}, PROJECT)
    assert problem.startswith("code at main (SHA): pyproject.toml leaves its dependencies to its build backend")


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"


def test_what_git_lfs_keeps_is_missed_before_anything_is_built(checked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lfs, "PATH", "/nonexistent")
    files = {
        **GOOD,
        ".gitattributes": "*.png filter=lfs\n",
        "static/a b.png": POINTER,
        "README": f"{POINTER}{'x' * 2000}",
    }
    (problem,) = checked(files, PROJECT)
    assert problem == (
        "code: static/a b.png is a Git LFS pointer and no file, and git-lfs is not on this host: apt install git-lfs"
    )


# --- The database, the website, the repositories


def tried(live: bool = True, **changes: Any) -> Site:
    """A site where all was tried and is well, but for what is changed."""
    return replace(examples.site() if live else bare_site(refs=examples.refs()), needs=healthy.needs(**changes))


def database(vendor: str = "postgresql", name: str = "app", host: str = "", **changes: Any) -> LiveApp:
    """An app with a database as the agent tells of it."""
    return LiveApp({"default": Database(vendor, name, host, **changes)}, StaticFound())


SCRIPT = BackupScript("app")


@pytest.mark.parametrize(
    ("script", "app", "expected"),
    [
        (SCRIPT, database(), []),
        (
            SCRIPT,
            database("sqlite", "/home/app/data/db.sqlite3"),
            [
                "backup_script backs up PostgreSQL, and the app's database is sqlite /home/app/data/db.sqlite3: "
                "change the script"
            ],
        ),
        (
            SCRIPT,
            database(name="shop", host="db.example.com", elsewhere=True),
            [
                "backup_script backs up the database app of this host, and the app's is shop on db.example.com: "
                "change `database=` or the command in it"
            ],
        ),
        (BackupScript(None), database(name="shop"), []),
        (
            BackupScript("app", 'psql: error: role "app" does not exist'),
            None,
            ['app can\'t reach the database app that backup_script backs up: psql: error: role "app" does not exist'],
        ),
        (
            None,
            database(problem="connection refused"),
            ['the app does not reach its database "default" (postgresql app): connection refused'],
        ),
        (
            None,
            replace(database("sqlite", "/v/db.sqlite3", inside=True), uploads_inside=("/v/media",)),
            [
                'DATABASES["default"] is a file inside the live version, /v/db.sqlite3: name it in shared_files '
                "(docs/media.md), or keep it elsewhere, in ~app/data say",
                "uploads go to /v/media, inside the live version: name that in shared_dirs (docs/media.md), or have "
                "MEDIA_ROOT lead elsewhere, to ~app/media say",
            ],
        ),
    ],
)
def test_the_database_of_the_app_and_that_of_the_backup(
    script: BackupScript | None, app: LiveApp | None, expected: list[str]
) -> None:
    assert need_problems(tried(database=Databases(script, app)), settings()) == expected


def test_a_live_version_that_can_not_be_asked_for_its_databases_is_told_with_why() -> None:
    (problem,) = need_problems(tried(database=Databases(unasked="KeyError: 'SECRET_KEY'")), settings())
    assert problem == "the live version can't be asked for its databases: KeyError: 'SECRET_KEY'"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("database=${DATABASE:-$(id -un)}\npg_dump --dbname=$database\n", ME),
        ("database=shop\npg_dump $database\n", "shop"),
        ("pg_dump shop\n", None),
    ],
)
def test_which_database_a_script_backs_up_is_read_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str | None
) -> None:
    monkeypatch.setattr(needs, "_refused", lambda *_: None)
    (tmp_path / "backup.sh").write_text(text)
    told = host_settings(app_username=ME, backup_script="~/backup.sh")
    runner = Runner(user=ME, log=None, until=time.time() + 10)
    assert needs.database(runner, Layout(told, tmp_path), None, []).script == BackupScript(name)


@pytest.mark.parametrize(
    ("vendor", "there", "lacks"),
    [
        ("mysql", (), {"default": "mariadb-dump"}),
        ("mysql", ("mysqldump",), {}),
        ("postgresql", (), {"default": "pg_dump"}),
        ("sqlite", (), {}),
    ],
)
def test_what_the_app_s_database_is_backed_up_with_has_to_be_there(
    vendor: str,
    there: tuple[str, ...],
    lacks: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(needs, "_asked_of_app", lambda *_: database(vendor))
    monkeypatch.setattr(needs, "backs_up_as_provisioned", lambda _: True)
    monkeypatch.setattr(shutil, "which", lambda name: name if name in there else None)
    runner = Runner(user=ME, log=None, until=time.time() + 10)
    found = needs.database(runner, Layout(host_settings(app_username=ME), tmp_path), "x", [])
    assert found.tools == lacks
    problems = need_problems(tried(database=found), settings())
    assert len(problems) == len(lacks)
    for problem in problems:
        assert "which is not on the host: apt install " in problem


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        ("sqlite", None),
        ("postgresql", "{path}: the backup is of SQLite, and the app uses PostgreSQL (/home/app/data/db)"),
    ],
)
def test_which_database_the_last_backup_is_of_is_read_from_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: str, expected: str | None
) -> None:
    path = tmp_path / "backup.sqlite3"
    path.write_bytes(b"SQLite format 3\0")
    monkeypatch.setattr(needs, "_asked_of_app", lambda *_: database(vendor, "/home/app/data/db"))
    told = host_settings(app_username=ME)
    runner = Runner(user=ME, log=None, until=time.time() + 10)
    history = [PastRun("x", Outcome.COMMITTED, backup=backup) for backup in ("/gone", str(path), None)]
    found = needs.database(runner, Layout(told, tmp_path), "x", history).backup
    assert found == (expected.format(path=path) if expected else None)
    problems = need_problems(tried(database=Databases(app=database(), backup=found)), settings())
    assert len(problems) == (1 if expected else 0)


URL = "https://www.example.com/"


@pytest.mark.parametrize(
    ("live", "problem", "expected"),
    [
        (False, f"{URL} answers 502, not 200", []),
        (False, f"{URL} does not answer: refused", ["does not answer: refused: a web server has to lead visitors of"]),
        (True, f"{URL} answers 502, not 200", ["answers 502, not 200, though the app itself is well: look at the web"]),
    ],
)
def test_the_website(live: bool, problem: str, expected: list[str]) -> None:
    found = need_problems(tried(live, website=problem), settings())
    assert len(found) == len(expected)
    assert all(says in one for says, one in zip(expected, found, strict=True))


def test_a_repository_that_the_apps_user_can_not_read_is_told_for_what_it_is() -> None:
    unreachable = FoundRef("main", problem="Permission denied (publickey)", unreachable=True)
    (problem,) = need_problems(replace(tried(), refs={"code": unreachable}), settings())
    assert problem.startswith("code: Permission denied (publickey)\n(git.example.com lets no key of app's in")


def test_a_host_that_only_follows_need_not_be_able_to_back_up() -> None:
    script = BackupScript("app", "role app does not exist")
    seen = tried(database=Databases(script, database(), backup="of PostgreSQL (other)"))
    assert need_problems(seen, settings())
    follower = as_follower(healthy.host(seen))
    assert follower.site
    assert need_problems(follower.site, settings()) == []


def test_what_was_looked_at_is_listed_and_what_nobody_can_see_yet() -> None:
    website = f"{URL} answers 503, not 200"
    looked, unseen = looked_at(healthy.host(tried(False, website=website)), settings())
    assert looked.startswith("looked at: users ✓ tools ✓ agent ✓ service ✓")
    assert "code repository ✓ config repository ✓ database ✓ website (503, as before a first deploy) ✓" in looked
    assert unseen.startswith("what only a build can see: ")
    unreached = tried(False, website=website, database=Databases(BackupScript("app", "no")))
    assert "database ✗" in looked_at(healthy.host(unreached), settings())[0]


def test_what_is_applied_and_in_no_version_and_where_static_files_are_is_said_though_nothing_is_wrong() -> None:
    app = replace(database(), unknown="items.0099_by_hand", static=StaticFound(notices=("static: elsewhere",)))
    seen = tried(database=Databases(SCRIPT, app))
    assert need_problems(seen, settings()) == []
    assert need_notices(seen) == [
        "applied, and in no version on this host, so that it stays: items.0099_by_hand",
        "static: elsewhere",
    ]
    assert "STATIC_ROOT ✓" in looked_at(healthy.host(seen), settings())[0]
    seen = tried(database=Databases(SCRIPT, replace(database(), static=StaticFound("STATIC_ROOT is not set"))))
    assert need_problems(seen, settings()) == ["STATIC_ROOT is not set"]
    assert "STATIC_ROOT ✗" in looked_at(healthy.host(seen), settings())[0]
    assert need_notices(tried()) == need_notices(healthy.site()) == []


def test_a_migration_that_another_version_on_the_host_has_was_not_applied_by_hand(tmp_path: Path) -> None:
    told = host_settings(app_username=ME)
    for name, known in (("django-20261101-100000-aaaaaaa-fffffff", [["items", "0002"]]), ("django-by-hand", [])):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".switchback.json").write_text(json.dumps({"migrations": known}))
    layout = Layout(replace(told, versions_dir=str(tmp_path)), tmp_path)
    assert needs._in_versions(layout) == {("items", "0002")}
