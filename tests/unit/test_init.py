"""`switchback init` and `setup`: what is read from the project, what is asked, what is run in which order."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from switchback.cli import running, setup
from switchback.cli.command import Command
from switchback.cli.looking import Checkout, look
from switchback.cli.main import cli
from switchback.cli.suggested import Found, suggest, text_of
from switchback.settings.files import read_yaml
from switchback.settings.given import Given, checked
from switchback.settings.model import Settings

MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n# django\n'
SQLITE = 'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}\n'
PROJECT = {
    "manage.py": MANAGE,
    "mysite/__init__.py": "",
    "mysite/settings.py": 'WSGI_APPLICATION = "mysite.wsgi.application"\n' + SQLITE,
    "mysite/wsgi.py": "",
    "requirements.txt": "Django>=5\n",
}
SAID = ("--host", "www.example.com", "--website-url", "https://www.example.com/")
REPOSITORY = ("--code-repo-url", "git@git.example.com:site.git")
ASKED = Settings(website_url=SAID[-1], code_repo_url=REPOSITORY[-1]).for_host()
BY_URL = 'DATABASES = {"default": dj_database_url.config()}\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a repository with a remote, and a folder in it where one is."""
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "remote", "add", "origin", "git@git.example.com:site.git")
    git(tmp_path, "add", ".")
    monkeypatch.chdir(tmp_path / "mysite")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", folder, *words], check=True)


def say(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli, words, input=typed)


def found_in(files: Mapping[str, str], **about: Any) -> Found:
    class Files(Checkout):
        def text_of(self, path: str) -> str | None:
            return files.get(path)

    return suggest(Files(Path("/"), frozenset(files), **about), ASKED)


def written(files: Mapping[str, str], **about: Any) -> dict[str, object]:
    told = yaml.safe_load(text_of(found_in(files, **about).parts))
    return told or {}


def test_the_settings_of_a_project_are_written_where_its_repository_begins(project: Path) -> None:
    told = say("init", *SAID)
    assert told.exit_code == 0, told.output
    path = project / "deploy" / "prod.yml"
    given = {key: Given(entry.value, key) for key, entry in read_yaml(path).items()}
    settings = checked(Settings, given, str(path))
    assert settings.host == ("www.example.com",)
    assert settings.code_repo_url == "git@git.example.com:site.git"
    assert settings.code_branch == "main"
    assert f"Written: {path}" in told.output
    for line in ("manage.py at the top of the code", "wsgi mysite.wsgi:application", "packages: requirements.txt"):
        assert f"found: {line}" in told.output
    assert "switchback setup --ssh-user root" in told.output


def test_an_environment_besides_has_a_file_of_its_own_and_is_named_in_what_is_next(project: Path) -> None:
    told = say("init", "-e", "staging", *SAID)
    assert (project / "deploy" / "staging.yml").exists()
    assert "switchback setup -e staging" in told.output


@pytest.mark.parametrize(
    ("remote", "written"),
    [
        ("https://x-access-token:ghp_s3cr3t@git.example.com/site.git", "https://git.example.com/site.git"),
        ("https://ghp_s3cr3t@git.example.com:8443/site.git", "https://git.example.com:8443/site.git"),
        ("ssh://git:ghp_s3cr3t@git.example.com/site.git", "ssh://git@git.example.com/site.git"),
    ],
)
def test_the_password_in_a_remote_s_address_is_left_out_of_the_file_and_that_is_said(
    project: Path, remote: str, written: str
) -> None:
    git(project, "remote", "set-url", "origin", remote)
    told = say("init", *SAID)
    text = (project / "deploy" / "prod.yml").read_text()
    assert f"code_repo_url: {written}\n" in text
    assert "s3cr3t" not in text + told.output
    for place in (text, told.output):
        assert "ts password is left out" in place


@pytest.mark.parametrize(
    "remote", ["git@git.example.com:site.git", "ssh://git@git.example.com/a.git", "/srv/git/a.git"]
)
def test_an_address_without_a_password_is_written_as_it_is(project: Path, remote: str) -> None:
    git(project, "remote", "set-url", "origin", remote)
    told = say("init", *SAID)
    text = (project / "deploy" / "prod.yml").read_text()
    assert f"code_repo_url: {remote}\n" in text
    assert "left out" not in text + told.output


def test_a_file_name_that_is_no_utf_8_keeps_nobody_from_beginning(project: Path) -> None:
    (project / os.fsdecode(b"caf\xe9.txt")).touch()
    git(project, "add", ".")
    assert say("init", *SAID).exit_code == 0


def test_what_all_environments_share_is_none_that_begins(project: Path) -> None:
    told = say("init", "-e", "all", *SAID)
    assert told.exit_code == 10
    assert "deploy/all.yml is what all environments share" in told.output
    assert not (project / "deploy").exists()


def test_nothing_that_is_there_is_written_over(project: Path) -> None:
    (project / "deploy").mkdir()
    (project / "deploy" / "prod.yml").write_text("mine\n")
    told = say("init", *SAID)
    assert told.exit_code == 10
    assert "is there already, and stays as it is" in told.output
    assert (project / "deploy" / "prod.yml").read_text() == "mine\n"


def test_without_a_terminal_all_that_is_missing_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = say("init")
    assert told.exit_code == 10
    assert "nobody is there to be asked: give --host, --website-url, --code-repo-url" in told.output
    assert not (tmp_path / "deploy").exists()


def test_at_a_terminal_what_is_missing_is_asked_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchback.cli.init.at_terminal", lambda: True)
    told = say("init", typed="www.example.com\n\n")
    assert told.exit_code == 0, told.output
    assert "The site's address [https://www.example.com/]" in told.output
    # The remote says it.
    assert "The repository" not in told.output
    assert "website_url: https://www.example.com/\n" in (project / "deploy" / "prod.yml").read_text()


@pytest.mark.parametrize(
    ("host", "address"), [("192.0.2.7", "http://192.0.2.7/"), ("www.example.com", "https://www.example.com/")]
)
def test_the_address_that_is_proposed_is_one_that_the_host_may_have(
    project: Path, monkeypatch: pytest.MonkeyPatch, host: str, address: str
) -> None:
    monkeypatch.setattr("switchback.cli.init.at_terminal", lambda: True)
    say("init", "--host", host, typed="\n")
    assert f"website_url: {address}\n" in (project / "deploy" / "prod.yml").read_text()


def test_what_is_said_is_checked_before_anything_is_written(project: Path) -> None:
    told = say("init", "--host", "www.example.com:22", "--website-url", "www.example.com")
    assert told.exit_code == 10
    assert "--website-url: website_url must be an http:// or https:// address" in told.output
    assert "--host: host must be the hosts' names alone" in told.output
    assert not (project / "deploy").exists()


def test_a_project_in_no_repository_is_looked_at_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("manage.py", ".venv/lib/manage.py", "node_modules/x/manage.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(MANAGE)
    assert look(tmp_path) == Checkout(tmp_path, frozenset({"manage.py"}))


def test_a_project_that_git_has_nothing_of_yet_is_looked_at_and_is_to_be_committed(project: Path) -> None:
    git(project, "rm", "-r", "-q", "--cached", ".")
    (project / ".gitignore").write_text("*.log\n")
    for name in ("x.log", "venv/manage.py", ".cache/manage.py"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("")
    told = say("init", *SAID)
    assert "found: manage.py at the top of the code" in told.output
    assert "1. have a look at it, commit it with the 6 files that git does not have yet, and push" in told.output


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (PROJECT, {}),
        (
            {**PROJECT, "mysite/settings.py": SQLITE.replace("sqlite3", "postgresql")},
            {"provision_database": "postgresql"},
        ),
        (
            {**PROJECT, "mysite/settings.py": BY_URL, "requirements.txt": "Django\npsycopg[binary]\n"},
            {"provision_database": "postgresql", "env": {"DATABASE_URL": "postgres:///app"}},
        ),
        # Which database the URL is of, nobody knows.
        ({**PROJECT, "mysite/settings.py": BY_URL}, {}),
        ({**PROJECT, "mysite/settings.py": SQLITE.replace("sqlite3", "mysql")}, {}),
        (
            {
                **PROJECT,
                "mysite/settings.py": "",
                "mysite/settings/base.py": SQLITE,
                "mysite/settings/dev.py": "",
                "mysite/settings/prod.py": SQLITE.replace("sqlite3", "postgresql"),
                "manage.py": MANAGE.replace("mysite.settings", "mysite.settings.dev"),
            },
            {"provision_database": "postgresql"},
        ),
    ],
)
def test_a_database_is_read_from_the_settings_without_running_them(
    files: dict[str, str], expected: dict[str, object]
) -> None:
    assert written(files) == expected


def test_variables_that_the_settings_read_are_proposed_and_no_more(project: Path) -> None:
    reads = (
        'A = os.environ["SENTRY_DSN"]\nB = env.str("MAIL_HOST", "")\nC = os.getenv("DATABASE_URL")\nD = config("KEY")\n'
    )
    found = found_in({**PROJECT, "mysite/settings.py": reads})
    text = text_of(found.parts)
    for name in ("SENTRY_DSN", "MAIL_HOST", "KEY"):
        assert f"# - {name}" in text
    assert written({**PROJECT, "mysite/settings.py": reads}) == {}


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"remote": "origin", "branch": "main", "default": "main"}, {}),
        ({"remote": "origin", "branch": "main"}, {"code_branch": "main"}),
        # What somebody works on is not what goes live by that alone.
        ({"remote": "origin", "branch": "wip", "default": "main"}, {}),
        ({"branch": "main"}, {}),
    ],
)
def test_the_branch_is_the_remotes_own_unless_nobody_knows_that(
    about: dict[str, str], expected: dict[str, object]
) -> None:
    assert written(PROJECT, **about) == expected


def test_what_is_not_found_is_said_with_what_to_write() -> None:
    found = found_in({"api/manage.py": MANAGE, "site/manage.py": MANAGE})
    assert any("write project_dir: api" in one for one in found.missing)
    assert any("add requirements.txt" in one for one in found.missing)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, project: Path) -> list[str]:
    """The runs that were started in a project that has its settings: none is, and each ends as `codes` has it."""
    say("init", *SAID)
    return []


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch, ran: list[str]) -> Callable[[Mapping[str, list[int]]], None]:
    """Say how runs end, one after the other."""

    def ends(codes: Mapping[str, list[int]]) -> None:
        def wait_for(command: Command) -> int:
            name = Path(command.argv[6]).stem
            ran.append(" ".join([name, *command.argv[7:]]))
            return codes[name].pop(0)

        monkeypatch.setattr(running, "wait_for", wait_for)
        monkeypatch.setattr(running, "become", lambda command: ran.append(Path(command.argv[6]).stem))

    return ends


Ends = Callable[[Mapping[str, list[int]]], None]


def test_setup_provisions_checks_and_deploys_and_only_provisions_as_who_comes_first(ran: list[str], ends: Ends) -> None:
    ends({"provision": [0], "check": [0]})
    told = say("setup", "--ssh-user", "root", "-y")
    assert told.exit_code == 0, told.output
    assert ran == ["provision -y --data ssh_user=root", "check -y", "deploy"]


def test_without_a_terminal_setup_ends_where_a_person_has_something_to_do(ran: list[str], ends: Ends) -> None:
    ends({"provision": [0], "check": [10]})
    told = say("setup", "-y")
    assert (told.exit_code, ran) == (10, ["provision -y", "check -y"])
    assert "then run this again" in told.output


def test_at_a_terminal_setup_waits_and_looks_again(ran: list[str], ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "at_terminal", lambda: True)
    ends({"provision": [0], "check": [10, 10, 0]})
    told = say("setup", typed="\n\n")
    assert told.exit_code == 0, told.output
    assert ran == ["provision", "check", "check", "check", "deploy"]


def test_whoever_is_waited_for_may_leave(ran: list[str], ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "at_terminal", lambda: True)
    ends({"provision": [0], "check": [10]})
    # The end of what is typed is what Ctrl-D gives, and to click the same as Ctrl-C.
    assert (say("setup", typed="").exit_code, ran) == (130, ["provision", "check"])


@pytest.mark.parametrize(("codes", "ended"), [({"provision": [130]}, 130), ({"provision": [0], "check": [130]}, 130)])
def test_ctrl_c_ends_setup(ran: list[str], ends: Ends, codes: dict[str, list[int]], ended: int) -> None:
    ends(codes)
    assert say("setup").exit_code == ended
    assert "deploy" not in ran


def test_a_host_that_lets_nobody_in_as_that_user_is_a_case_that_setup_knows(ran: list[str], ends: Ends) -> None:
    ends({"provision": [10]})
    told = say("setup", "-y")
    assert told.exit_code == 10
    assert "switchback setup --ssh-user root" in told.output
