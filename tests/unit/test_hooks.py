"""A project's own commands at the points of a run: when they run, in which environment, and what their failure does."""

from __future__ import annotations

import json
import os
import pwd
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.host import output
from agent.host.command import CommandFailed
from agent.project import release
from agent.project.processes import Program
from agent.state import State
from agent.steps.build.build_script import BuildScriptRun
from agent.steps.hooks import Hook
from agent.steps.kind import Phase
from agent.steps.order import HOOK_POINTS, STEPS, known_from, limit_of, named, steps_of
from agent.transaction.maintenance import BY_PRIMARY
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction, begin
from agent.versions.layout import Layout
from agent.words.journal import StepDone
from agent.words.notes import Note
from switchback.plan.builder import foresee
from switchback.plan.known import Known
from switchback.preview.around import rows_around
from tests.unit import examples
from tests.unit.examples import LIVE, NEW
from tests.unit.journals import begun, progress
from tests.unit.steps import BUILD
from tests.unit.test_settings import problems, settings

ROOT = Path(__file__).parents[2]
ID = "20261123-120000-deploy-ab12"
COMMITS = {"code": {"ref": "main", "sha": "c" * 40}, "config": {"ref": "main", "sha": "f" * 40}}
# Those that are steps of a run, and those that come once it has ended.
KINDS = {kind.name: kind for kind in STEPS if isinstance(kind, Hook)}
POINTS = tuple(KINDS)


def read(hooks: object) -> list[tuple[str, tuple[str, ...]]]:
    """The commands of a setting, as a host is told them."""
    found = settings(hooks=hooks).for_host().hooks
    return [(point, one.run) for point, listed in found.items() for one in listed]


# --- What may be written


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("npm run build", ("npm", "run", "build")),
        ("./scripts/purge.sh 'a b' --x=$HOME", ("./scripts/purge.sh", "a b", "--x=$HOME")),
        ("~/scripts/notify.sh", ("~/scripts/notify.sh",)),
        ({"run": ["sh", "-c", "a\nb | c"]}, ("sh", "-c", "a\nb | c")),
        ({"run": "true", "timeout": "60"}, ("true",)),
        ([["sh", "-c", "x"]], ("sh", "-c", "x")),
    ],
)
def test_a_command_is_text_or_its_words_and_nothing_of_it_is_for_a_shell(
    written: object, words: tuple[str, ...]
) -> None:
    assert read({"after_static": written}) == [("after_static", words)]


def test_a_list_is_several_commands_in_their_order() -> None:
    both = read({"after_static": ["npm ci", {"run": "npm run build"}]})
    assert both == [("after_static", ("npm", "ci")), ("after_static", ("npm", "run", "build"))]


def test_hooks_may_be_given_for_one_run_as_text() -> None:
    assert read("after_static: npm run build") == [("after_static", ("npm", "run", "build"))]


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("npm run build", "must be a mapping of points to commands"),
        ({"after_statik": "x"}, 'there is no point "after_statik" (did you mean after_static?)'),
        ({"\x1b[2J": "x"}, "there are before_build, after_static"),
        ({"after_static": None}, "after_static has no command"),
        ({"after_static": ""}, "after_static has no command"),
        ({"after_static": []}, "after_static has no command"),
        ({"after_static": {"on": "host"}}, "after_static has no command"),
        ({"after_static": "a 'b"}, "after_static can't be told apart into words: No closing quotation"),
        ({"after_static": ["sh", "-c", "x"]}, 'begins with "-c", which is no command: the words of one are a list'),
        ({"after_static": "../x.sh"}, 'begins with "../x.sh", which leads out of the code'),
        ({"after_static": "~root/x.sh"}, 'begins with "~root/x.sh": write ~/'),
        ({"after_static": "a\x1b[2J"}, "after_static has control characters in it"),
        ({"after_static": {"run": "x", "rum": "y"}}, 'has "rum", and may have run, on, timeout, primary'),
        ({"after_static": {"run": "x", "timeout": "soon"}}, 'has the timeout "soon", which is no number of seconds'),
        ({"after_static": {"run": "x", "timeout": "nan"}}, "which is no number of seconds"),
        ({"after_static": {"run": "x", "timeout": "0"}}, "which is no number of seconds"),
        ({"after_static": {"run": "x", "primary": "perhaps"}}, 'has "perhaps" for `primary`, which is true or false'),
        ({"after_static": {"run": "x", "on": "moon"}}, 'is on "moon"'),
    ],
)
def test_a_hook_that_can_not_be_taken_is_one_sentence_about_what_to_write(written: object, says: str) -> None:
    (problem,) = problems(hooks=written)
    assert problem.startswith("prod.yml:7: hooks ")
    assert says in problem
    assert problem.isprintable()


def test_all_that_is_wrong_in_hooks_is_told_at_once() -> None:
    (problem,) = problems(hooks={"after_statik": "x", "before_build": "", "after_build": {"run": "x", "on": "moon"}})
    assert problem.count(";") == 2


# --- When they run


def of(point: str, *commands: object, **more: Any) -> dict[str, Any]:
    """Settings with commands at one point."""
    return {"hooks": {point: list(commands or ("true",))}, **more}


@pytest.mark.parametrize("point", POINTS)
def test_a_run_has_a_point_where_something_is_named_for_it_and_else_is_as_it_was(point: str) -> None:
    for run in ("deploy", "build", "revert", "restart"):
        without = steps_of(run, examples.settings().for_host(), build=run in ("deploy", "build"))
        having = steps_of(run, examples.settings(**of(point)).for_host(), build=run in ("deploy", "build"))
        assert [name for name in having if name != point] == list(without)
        assert (point in having) == (run in KINDS[point].runs)
        assert not set(without) & set(HOOK_POINTS)


def test_a_version_that_is_built_already_has_nothing_of_the_build_done_once_more() -> None:
    told = examples.settings(hooks=examples.HOOKS).for_host()
    assert not set(steps_of("deploy", told, build=False)) & set(BUILD) & set(HOOK_POINTS)


def test_a_point_may_take_as_long_as_all_of_its_commands() -> None:
    told = examples.settings(
        **of("after_static", "a", {"run": "b", "timeout": 5}, {"run": "c", "timeout": "0.5"}), build_timeout=100
    )
    assert limit_of("after_static", told.for_host()) == 105.5


def idle(point: str, primary: bool, **told: Any) -> str:
    """Why a point has nothing to do in a deploy."""
    hooks = told.pop("hooks", {point: ["true"]})
    records: list[Mapping[str, Any]] = [
        {"event": "begin", "primary": primary, "settings": {"hooks": settings(hooks=hooks).hooks}},
        {"event": "step done", "step": "checks", "note": told},
    ]
    return KINDS[point].idle(known_from(progress(*records)))


PENDING = {"pending": [{"app": "items", "name": "0002", "atomic": True, "reversible": True}]}


@pytest.mark.parametrize("point", POINTS)
def test_what_belongs_to_the_database_runs_on_the_primary_host_alone_and_all_else_on_each(point: str) -> None:
    of_database = point in ("after_backup", "before_migrate", "after_migrate", "release")
    assert idle(point, primary=False, **PENDING) == (BY_PRIMARY if of_database else "")
    assert idle(point, primary=True, **PENDING) == ""
    assert idle(point, primary=False, hooks={point: {"run": "x", "primary": True}}, **PENDING) == BY_PRIMARY


@pytest.mark.parametrize("point", ["before_migrate", "after_migrate"])
def test_where_nothing_is_migrated_nothing_runs_around_it(point: str) -> None:
    assert idle(point, primary=True) == "nothing to migrate"
    assert idle("after_backup", primary=True) == ""


# --- How they run


class Played:
    """A step of a version whose code is in a folder of the test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, point: str, *commands: object, **told: Any):
        self.user = pwd.getpwuid(os.getuid()).pw_name
        monkeypatch.setattr(Layout, "of", lambda told: Layout(told, folder / "home"))
        self.code = folder / "home" / NEW / "code"
        (self.code / "scripts").mkdir(parents=True, exist_ok=True)
        transaction = Transaction(State("django", folder / "state"), ID)
        usual = {"kind": "deploy", "version": NEW, "was": LIVE, "hosts": ["web1"], "primary": True, **COMMITS}
        script: dict[str, Any] = {} if point == "release" else {point: f"{point}.sh"}
        own: dict[str, Any] = {"hooks": {point: list(commands)}} if commands else script
        known = settings(**own, app_username=self.user).for_host()
        begin(transaction, begun(**{**usual, "settings": known, **told}))
        self.step = StepContext(point, transaction, 60)

    def script(self, name: str, text: str) -> None:
        """Write a script into the code."""
        (self.code / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.code / name).chmod(0o755)

    def do(self) -> Note:
        """Do the step."""
        kind = named(self.step.name)
        assert kind
        return kind.do(self.step)

    @property
    def log(self) -> str:
        """What is kept of what it has said."""
        return self.step.transaction.output(self.step.name).read_text()


SHOW = "import json, os; json.dump({**os.environ, 'cwd': os.getcwd()}, open('found', 'w'))"


def found_by(played: Played) -> dict[str, str]:
    """The environment that a command finds."""
    played.do()
    told: dict[str, str] = json.loads((played.code / "found").read_text())
    return told


def test_a_hook_runs_in_the_versions_code_and_finds_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(tmp_path, monkeypatch, "after_static", {"run": ["python3", "-c", SHOW]})
    found, version = found_by(played), tmp_path / "home" / NEW
    assert found["cwd"] == str(version / "code")
    assert found["PATH"].split(":")[0] == f"{version}/venv/bin"
    ours = {name: value for name, value in found.items() if name.startswith(("SWITCHBACK_", "VIRTUAL_ENV"))}
    assert ours == {
        "VIRTUAL_ENV": f"{version}/venv",
        "SWITCHBACK_VERSION": str(version),
        "SWITCHBACK_GIVEN": str(version),
        "SWITCHBACK_STATIC": f"{version}/static",
        "SWITCHBACK_DEPLOY": ID,
        "SWITCHBACK_RUN": "deploy",
        "SWITCHBACK_POINT": "after_static",
        "SWITCHBACK_PRIMARY": "true",
        "SWITCHBACK_CODE": "c" * 40,
        "SWITCHBACK_CONFIG": "f" * 40,
    }


@pytest.mark.parametrize(
    ("leads", "folder"),
    [("../code", ""), ("../code/backend", "backend"), ("../code/nowhere", ""), ("/", ""), (None, "")],
)
def test_it_runs_where_the_configs_link_to_the_project_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leads: str | None, folder: str
) -> None:
    played = Played(tmp_path, monkeypatch, "after_static", "./where.sh")
    config = played.code.parent / "config"
    (played.code / "backend").mkdir()
    config.mkdir()
    if leads:
        (config / "django").symlink_to(leads)
    played.script("where.sh", "touch here")
    played.script("backend/where.sh", "touch here")
    played.do()
    assert (played.code / folder / "here").exists()


def test_a_build_script_runs_at_the_top_of_the_code_wherever_the_project_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(tmp_path, monkeypatch, "install_script")
    (played.code / "backend").mkdir()
    (played.code.parent / "config").mkdir()
    (played.code.parent / "config/django").symlink_to("../code/backend")
    played.script("install_script.sh", "touch here")
    played.do()
    assert (played.code / "here").exists()


def test_once_there_is_a_backup_a_hook_is_given_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(tmp_path, monkeypatch, "after_backup", {"run": ["python3", "-c", SHOW]})
    played.step.transaction.journal.append(StepDone("backup", 1.0, {"path": "/backups/a.dump"}))
    played.step = StepContext("after_backup", played.step.transaction, 60)
    assert found_by(played)["SWITCHBACK_BACKUP"] == "/backups/a.dump"


def test_a_script_of_the_code_is_named_by_its_path_and_a_program_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(tmp_path, monkeypatch, "after_static", "./scripts/a.sh 'b c'", "sh scripts/a.sh d")
    played.script("scripts/a.sh", 'echo "$1" >>got')
    played.do()
    assert (played.code / "got").read_text() == "b c\nd\n"


def test_manage_py_is_the_versions_own_with_its_own_python_and_its_static_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(tmp_path, monkeypatch, "after_static", "manage.py compress --force")
    version = tmp_path / "home" / NEW
    python = version / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@" "$PWD" >got; [ ! -e fails ]\n')
    python.chmod(0o755)
    played.do()
    shim, *words = (played.code / "got").read_text().splitlines()
    assert shim.endswith("/agent/django/manage_shim.py")
    manage = f"{version}/config/manage.py"
    assert words == [manage, "command", f"{version}/static", "compress", "--force", f"{version}/code"]
    (played.code / "fails").touch()
    with pytest.raises(CommandFailed, match=rf"^{python} manage\.py ended with exit code 1$"):
        played.do()


def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *commands: Program, hook: str = "") -> Played:
    """The step of what is done with each release, of a version whose Procfile has these commands."""
    played = Played(tmp_path, monkeypatch, "release", *([hook] if hook else []))
    version = tmp_path / "home" / NEW
    (version / "config").mkdir()
    (version / "venv/bin").mkdir(parents=True)
    (version / "venv/bin/python").symlink_to(sys.executable)
    start = "import subprocess, sys; subprocess.run([a for a in sys.argv[1:] if a != '--expand'], check=True)"
    (version / "config/start_switchback.py").write_text(start)
    if commands:
        (version / "config/release.json").write_text(release.text(commands))
    return played


def test_what_a_procfile_has_for_a_release_is_started_as_its_processes_are_and_the_settings_have_theirs_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Program("release", ("sh", "-c", f"echo $0 $(basename $PWD) >>{tmp_path}/got", "$A"), expands=True)
    played = released(tmp_path, monkeypatch, one, Program("release", ("./b.sh",), folder="scripts"), hook="./c.sh")
    played.script("scripts/b.sh", f"basename $PWD >>{tmp_path}/got")
    played.script("c.sh", f"echo last >>{tmp_path}/got")
    played.do()
    assert (tmp_path / "got").read_text() == "$A code\nscripts\nlast\n"


def test_a_release_that_fails_fails_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandFailed):
        released(tmp_path, monkeypatch, Program("release", ("false",))).do()


def test_a_version_without_a_release_has_nothing_to_do_and_one_that_can_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = released(tmp_path, monkeypatch)
    assert played.do().skipped == "the project has no release in a Procfile"
    (tmp_path / "home" / NEW / "config/release.json").write_text("[]")
    with pytest.raises(StepFailed, match=r"release\.json of .* can't be read"):
        played.do()


def test_without_a_config_repository_each_deploy_may_have_a_release() -> None:
    made = examples.settings(config_repo_url=None, config_branch="HEAD", script_timeout=7).for_host()
    assert "release" in steps_of("deploy", made, build=False)
    assert "release" not in steps_of("revert", made, build=False)
    assert limit_of("release", made) == 7
    assert "release" not in steps_of("deploy", examples.settings().for_host(), build=True)


def test_no_shell_reads_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(tmp_path, monkeypatch, "after_static", "./a.sh $HOME ; touch x")
    played.script("a.sh", 'printf "%s|" "$@" >got')
    played.do()
    assert (played.code / "got").read_text() == "$HOME|;|touch|x|"


def test_the_first_that_fails_fails_the_step_and_what_it_said_is_shown_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(tmp_path, monkeypatch, "after_static", "./a.sh", "./b.sh")
    played.script("a.sh", "echo no such bundle; exit 3")
    played.script("b.sh", "touch ran")
    with pytest.raises(CommandFailed) as failed:
        played.do()
    assert str(failed.value) == "./a.sh ended with exit code 3\n  no such bundle"
    assert not (played.code / "ran").exists()
    assert "no such bundle" in played.log


def test_what_it_says_is_said_as_it_comes_without_what_a_terminal_obeys_or_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, str]] = []
    monkeypatch.setattr(output, "_way", [lambda loud, text: said.append((loud, text))])
    played = Played(tmp_path, monkeypatch, "after_static", "./a.sh")
    played.script("a.sh", "printf 'red \\033[31m from https://me:s3cret-word@host/\\n'")
    played.do()
    assert said == [("detail", "red \\x1b[31m from https://***@host/")]


def test_one_that_takes_too_long_is_ended_with_what_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(tmp_path, monkeypatch, "after_static", {"run": "./a.sh", "timeout": "0.3"}, "./b.sh")
    played.script("a.sh", "sleep 3600 & echo $! >pid; wait")
    with pytest.raises(CommandFailed, match="took too long and was stopped"):
        played.do()
    time.sleep(0.1)
    assert not Path("/proc", (played.code / "pid").read_text().strip(), "cwd").exists()


@pytest.mark.parametrize(("command", "why"), [("./no.sh", "No such file"), ("./plain.sh", "Permission denied")])
def test_one_that_can_not_be_started_is_told_by_its_name_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, why: str
) -> None:
    played = Played(tmp_path, monkeypatch, "after_static", command)
    (played.code / "plain.sh").write_text("#!/bin/sh\n")
    with pytest.raises(StepFailed, match=rf"^{re.escape(command)} can't be started in {played.code}: {why}"):
        played.do()


def test_on_another_than_the_primary_host_what_is_for_that_one_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = ({"run": "touch one", "primary": True}, "touch other")
    Played(tmp_path, monkeypatch, "after_switch", *both, primary=False).do()
    code = tmp_path / "home" / NEW / "code"
    assert [path.name for path in code.iterdir() if path.is_file()] == ["other"]


def test_a_revert_goes_to_a_version_that_does_not_have_the_script_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(tmp_path, monkeypatch, "after_switch", "./new.sh", "touch ran", kind="revert")
    assert played.do() == Note(warning=f"not in {NEW}'s code: ./new.sh")
    assert (played.code / "ran").exists()


def test_a_build_script_runs_as_a_hook_does_and_what_it_installs_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(tmp_path, monkeypatch, "build_script")
    about = "$VIRTUAL_ENV/lib/python3.11/site-packages/gunicorn-23.0.dist-info"
    install = f'mkdir -p "{about}"; printf "Name: gunicorn\\nVersion: 23.0\\n" >"{about}/METADATA"'
    played.script("build_script.sh", f'[ "$SWITCHBACK_POINT" = build_script ] || exit 1\n{install}')
    assert played.do() == BuildScriptRun(ran=True, installed=("gunicorn",))


def test_an_install_script_runs_as_a_hook_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(tmp_path, monkeypatch, "install_script")
    played.script("install_script.sh", 'echo "$SWITCHBACK_POINT" >ran')
    assert played.do() == Note()
    assert (played.code / "ran").read_text() == "install_script\n"


# --- What a person sees before, and what the page says


def lines(**told: Any) -> list[str]:
    """The lines of a deploy's preview that are about hooks."""
    run = examples.run(settings=examples.settings(**told))
    rows = rows_around("deploy", foresee(run, Known(examples.site(), examples.foreseen())), several=False)
    return [line for row in rows if row.name == "hooks" for line in row.whole]


def test_the_preview_says_which_commands_run_at_which_point_without_their_secrets() -> None:
    shown = lines(
        hooks={
            "after_static": ["npm run build", {"run": ["sh", "-c", "a\nb 'c'"]}],
            "after_switch": "curl https://me:s3cret-word@host/ --token vK8mQ2xRt7LpZw4NcYb9",
            "after_commit": "~/scripts/announce.sh 'a b'",
        }
    )
    assert shown == [
        "after_static: npm run build",
        "after_static: sh -c 'a\\nb '\"'\"'c'\"'\"''",
        "after_switch: curl https://***@host/ --token ***",
        "after_commit: '~/scripts/announce.sh' 'a b'",
    ]
    assert lines() == []


def test_the_page_says_of_each_point_in_order_what_its_failure_does() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\S.*?) \|$", (ROOT / "docs/hooks.md").read_text(), re.MULTILINE)
    ends = {Phase.BUILD: "refuses", Phase.SWITCH: "falls back", Phase.AFTER: "warns"}
    kinds = [kind for name in HOOK_POINTS if (kind := named(name))]
    assert rows == [(kind.name, ends[kind.phase]) for kind in kinds]
    for kind in KINDS.values():
        assert kind.touches == (kind.phase is Phase.SWITCH)
        assert named(kind.name) is kind
