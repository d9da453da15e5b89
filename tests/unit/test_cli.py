"""The command `switchback`: where it finds settings, which pyinfra command it runs, and what it says where it can't."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from switchback.cli import running
from switchback.cli.command import ELSEWHERE, NOT_OURS, TREE, Command, Flags, command, environment
from switchback.cli.main import cli
from switchback.cli.place import Place, environments, find
from switchback.cli.refusal import NotStarted
from switchback.cli.words import ARGUMENTS, OPTIONS, Word
from switchback.wire.payload import agent_fingerprint

SETTINGS = """\
host: "@fake/web1, @fake/web2"
website_url: https://www.example.com/
code_repo_url: git@git.example.com:site/code.git
"""
PYINFRA = str(Path(sys.executable).with_name("pyinfra"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the settings of two environments, and a folder in it where one is."""
    (tmp_path / "deploy").mkdir()
    for name in ("prod", "staging"):
        (tmp_path / "deploy" / f"{name}.yml").write_text(SETTINGS)
    (tmp_path / "deploy" / "all.yml").write_text("keep_versions: 7\n")
    (tmp_path / "shop" / "templates").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    """The commands that were run, none of which is."""
    found: list[Command] = []
    monkeypatch.setattr(running, "become", found.append)
    return found


def say(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def words_of(*words: str, run: str, environment: str = "prod") -> tuple[str, ...]:
    """What pyinfra is started with."""
    where = ("--config", str(TREE / "config.py"), "--group-data", f"deploy/{environment}.yml")
    return (PYINFRA, *where, str(ELSEWHERE), str(TREE / "deploys" / f"{run}.py"), *words)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("deploy", words_of(run="deploy")),
        ("deploy 0012345", words_of("--data", "code=0012345", run="deploy")),
        ("deploy v2 -e staging -y", words_of("-y", "--data", "code=v2", run="deploy", environment="staging")),
        (
            "deploy v2 --dry --diff --json -vv --limit web1 --limit web2 --data config=main --data hotfixes=discard",
            words_of(
                *("--dry", "--diff", "--json", "-vv", "--limit", "web1", "--limit", "web2"),
                *("--data", "code=v2", "--data", "config=main", "--data", "hotfixes=discard"),
                run="deploy",
            ),
        ),
        ("plan v2", words_of("--dry", "--diff", "--data", "code=v2", run="deploy")),
        ("build feature/x", words_of("--data", "code=feature/x", run="build")),
        ("revert", words_of(run="revert")),
        ("revert django-1 -y", words_of("-y", "--data", "version=django-1", run="revert")),
        ("clean django-1", words_of("--data", "version=django-1", run="clean")),
        ("status --json", words_of("--json", run="status")),
        ("provision --data ssh_user=root", words_of("--data", "ssh_user=root", run="provision")),
    ],
)
def test_each_word_is_one_pyinfra_command(
    project: Path, ran: list[Command], typed: str, expected: tuple[str, ...]
) -> None:
    assert say(*typed.split()).exit_code == 0
    assert ran == [Command(expected, project)]


def test_there_is_a_word_for_each_run(project: Path, ran: list[Command]) -> None:
    names = [path.stem for path in (TREE / "deploys").glob("*.py")]
    told = say("--help").output
    for name in names:
        required = ["migrate"] if name == "manage" else []
        assert say(name, *required).exit_code == 0
        assert f"  {name} " in told
    assert [Path(one.argv[6]).stem for one in ran] == names


def test_a_command_goes_along_as_it_was_typed_and_a_switch_by_its_name(project: Path) -> None:
    manage = Word("manage", "manage", "", ARGUMENTS["manage"])
    typed = ("createsuperuser", "--email", "ann b@example.com")
    assert manage.data(typed, None, project) == ("command=createsuperuser --email 'ann b@example.com'",)
    logs = Word("logs", "logs", "", ARGUMENTS["logs"], OPTIONS["logs"])
    assert logs.data(("web",), True, project) == ("process=web", "follow=true")
    assert logs.data((), False, project) == ()


def test_a_plan_is_kept_and_found_where_one_is(
    project: Path, ran: list[Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "shop")
    say("plan", "v2", "--save", "next.json")
    say("deploy", "--plan", "next.json")
    kept = project / "shop" / "next.json"
    assert ran[0].argv[-1] == f"save_plan={kept}"
    assert ran[1].argv[-1] == f"plan={kept}"


def test_settings_are_found_above_and_the_run_is_done_where_they_are(
    project: Path, ran: list[Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "shop" / "templates")
    say("status")
    assert ran == [Command(words_of(run="status"), project)]


def test_the_nearest_settings_count(project: Path) -> None:
    (project / "shop" / "deploy").mkdir()
    (project / "shop" / "deploy" / "prod.yml").write_text(SETTINGS)
    assert find(project / "shop" / "templates", "prod") == Place(project / "shop", "prod")
    # Of what is not there, the next ones above.
    assert find(project / "shop" / "templates", "staging") == Place(project, "staging")


def test_an_inventory_of_the_project_s_own_is_taken(project: Path) -> None:
    (project / "deploy" / "staging.py").write_text("")
    assert command(Place(project, "staging"), "status", Flags()).argv[-2] == "deploy/staging.py"
    assert command(Place(project, "prod"), "status", Flags()).argv[-2] == str(ELSEWHERE)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ("qa", "there is -e prod, -e staging; switchback init -e qa writes it"),
        # What all share is no environment.
        ("all", "deploy/all.yml is what all environments share, and none itself"),
    ],
)
def test_an_environment_that_is_not_there_is_refused_with_those_that_are(
    project: Path, ran: list[Command], environment: str, says: str
) -> None:
    told = say("deploy", "-e", environment)
    assert told.exit_code == NotStarted.exit_code == 10
    assert "Refused, nothing was changed" in told.output
    assert says in told.output.replace("\n", "")
    assert ran == []


@pytest.mark.parametrize(
    ("uid", "mode", "code"), [(1000, 0o755, 10), (1000, 0o1777, 10), (0, 0o755, 0), (0, 0o1777, 10)]
)
@pytest.mark.usefixtures("ran")
def test_what_somebody_else_has_laid_above_is_not_run(
    project: Path, monkeypatch: pytest.MonkeyPatch, uid: int, mode: int, code: int
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)
    project.chmod(mode)
    stat, theirs = Path.stat, project / "deploy" / "prod.yml"

    def owned(path: Path, **how: bool) -> os.stat_result:
        kind, inode, device, links, _, *rest = stat(path, **how)
        return os.stat_result((kind, inode, device, links, 1234 if path == theirs else uid, *rest))

    monkeypatch.setattr(Path, "stat", owned)
    monkeypatch.chdir(project / "shop")
    told = say("status")
    assert told.exit_code == code
    assert ("prod.yml belongs to another user" in " ".join(told.output.split())) == bool(code)
    # What is not theirs is run as ever.
    assert say("status", "-e", "staging").exit_code == 0


def test_the_version_says_which_agent_comes_with_it() -> None:
    assert say("--version").output == f"switchback {version('switchback')}, agent {agent_fingerprint()}\n"


def test_outside_a_project_one_is_told_how_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: list[Command]
) -> None:
    monkeypatch.chdir(tmp_path)
    told = say("deploy")
    assert f"no deploy/prod.yml in {tmp_path}, nor in a folder above: switchback init writes it" in told.output
    assert (told.exit_code, ran) == (10, [])


@pytest.mark.parametrize("words", [("deploy", "v1", "v2"), ("deploy", "--no-wait"), ("deplo",), ("status", "v1")])
def test_what_no_word_takes_is_an_error_of_usage(project: Path, ran: list[Command], words: tuple[str, ...]) -> None:
    assert (say(*words).exit_code, ran) == (2, [])


def test_what_is_shown_can_be_typed(project: Path) -> None:
    shown = Command(("/bin/pyinfra", "--data", "by=Ann, PR 1"), project / "a b").shown(project, {})
    assert shown == f"cd {shlex.quote(str(project / 'a b'))} && /bin/pyinfra --data 'by=Ann, PR 1'"
    assert Command(("/bin/pyinfra",), project).shown(project, {}) == "/bin/pyinfra"


def test_the_environment_that_is_active_is_none_of_ours(project: Path) -> None:
    shown = Command(("/bin/pyinfra",), project).shown(project, {NOT_OURS: "/home/ann/site/.venv"})
    assert shown == "env -u VIRTUAL_ENV /bin/pyinfra"
    assert NOT_OURS not in environment({NOT_OURS: "/home/ann/site/.venv", "HOME": "/home/ann"})


def test_our_own_environment_may_be_active(project: Path) -> None:
    own = {NOT_OURS: sys.prefix}
    assert Command(("/bin/pyinfra",), project).shown(project, own) == "/bin/pyinfra"
    assert environment(own)[NOT_OURS] == sys.prefix


def test_environments_are_those_that_have_a_file(project: Path, tmp_path: Path) -> None:
    assert environments(project / "shop") == ["prod", "staging"]
    assert environments(Path("/")) == []


@pytest.fixture
def handlers() -> Iterator[None]:
    asks = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in asks}
    yield
    assert {number: signal.getsignal(number) for number in asks} == before


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    ("script", "code"), [("exit 20", 20), ("kill -TERM $$", 143), ("kill -INT $PPID; exit 10", 10)]
)
def test_whoever_waits_for_a_run_is_told_how_it_has_ended_and_leaves_ctrl_c_to_it(
    project: Path, script: str, code: int
) -> None:
    assert running.wait_for(Command(("/bin/sh", "-c", script), project)) == code


def test_a_pyinfra_that_is_not_there_is_said(project: Path) -> None:
    nowhere = Command((str(project / "pyinfra"),), project)
    for start in (running.become, running.wait_for):
        with pytest.raises(NotStarted, match="can't be started: No such file or directory"):
            start(nowhere)


def typed(project: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command as it is installed: in a process of its own, with no path of ours."""
    start = f"import sys; sys.path.insert(0, {str(TREE)!r}); from switchback.cli.start import main; main()"
    return subprocess.run(
        [sys.executable, "-c", start, *words],
        capture_output=True,
        text=True,
        cwd=project,
        env={**os.environ, "PYINFRA_PROGRESS": "off", **environ},
        timeout=60,
        check=False,
    )


def test_a_run_goes_to_the_hosts_of_the_project_s_own_file_and_names_it_where_it_is_wrong(project: Path) -> None:
    (project / "deploy" / "staging.yml").write_text(SETTINGS + "code_bransh: x\n")
    told = typed(project, "status", "-e", "staging")
    assert 'deploy/staging.yml:4: unknown key "code_bransh" — did you mean "code_branch"?' in told.stderr
    assert told.returncode == 10
    told = typed(project, "status")
    assert told.stderr.startswith(f"$ {PYINFRA} --config")
    assert "[@fake/web1] Connected" in told.stderr
    assert told.returncode != 0


def test_what_is_named_alike_in_the_project_is_not_taken_for_ours(project: Path) -> None:
    for name in ("config", "switchback", "agent", "operations", "facts"):
        (project / f"{name}.py").write_text("raise SystemExit('it was taken for ours')\n")
    # A project's own environment is active, and has packages of its own.
    packages = project / ".venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "pydantic.py").write_text("raise SystemExit('it was taken for ours')\n")
    told = typed(project, "status", VIRTUAL_ENV=str(project / ".venv"))
    assert "taken for ours" not in told.stdout + told.stderr
    assert "[@fake/web1] Connected" in told.stderr


def test_the_shared_settings_beside_it_count_too(project: Path) -> None:
    deploy = project / "show.py"
    deploy.write_text(
        "from pyinfra import host\nfrom switchback.hosts.inventory import settings_of\n"
        "print('keeps', settings_of(host).keep_versions)\n"
    )
    argv = command(Place(project, "prod"), "status", Flags(dry=True)).argv
    told = subprocess.run(
        [*argv[:6], str(deploy), *argv[7:]], capture_output=True, text=True, cwd=project, timeout=60, check=True
    )
    assert "keeps 7" in told.stdout


@pytest.mark.parametrize(
    ("typed_so_far", "incomplete", "expected"),
    [
        (["status", "-e"], "", ["prod", "staging"]),
        (["status", "-e"], "s", ["staging"]),
        (["deploy"], "", ["v2", "main", "feature/x"]),
        (["plan"], "f", ["feature/x"]),
        (["revert"], "", []),
    ],
)
def test_a_shell_completes_environments_and_refs(
    project: Path, typed_so_far: list[str], incomplete: str, expected: list[str]
) -> None:
    git = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    for words in (
        ["init", "-q", "-b", "main"],
        ["commit", "-q", "--allow-empty", "-m", "1"],
        ["branch", "feature/x"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
        ["tag", "-m", "2", "v2"],
    ):
        when = "2026-02-01T00:00:00" if words[0] == "tag" else "2026-01-01T00:00:00"
        subprocess.run([*git, *words], check=True, env={**os.environ, "GIT_COMMITTER_DATE": when})
    completed = ShellComplete(cli, {}, "switchback", "_SWITCHBACK_COMPLETE")
    assert {one.value for one in completed.get_completions(typed_so_far, incomplete)} == set(expected)
    assert [one.value for one in completed.get_completions(typed_so_far, incomplete)][:1] == expected[:1]
