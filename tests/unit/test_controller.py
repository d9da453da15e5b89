"""A project's own commands on the controller: once for all hosts, and what a failure of one does to a run."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.words.outcomes import Outcome
from agent.words.result import Result
from switchback.runs.run import Run
from switchback.screen import controller
from tests.unit.examples import CODE, CONFIG, NEW, run, settings
from tests.unit.fake_runs import Done, FakeRuns, says
from tests.unit.test_settings import problems

HOSTS = ("web1", "web2")
SHOW = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"


def of(point: str, *commands: object, **more: Any) -> list[Run]:
    """A run on two hosts whose settings have commands on the controller."""
    listed = [{"run": one, "on": "controller", **more} for one in commands]
    told = settings(hooks={point: listed})
    return [run(host=name, hosts=HOSTS, primary="web2", settings=told) for name in HOSTS]


def never() -> bool:
    """Nobody asks to stop."""
    return False


def runs(point: str, *commands: object, stops: Callable[[], bool] = never, loud: bool = False, **more: Any) -> str:
    return controller.run_hooks(point, of(point, *commands, **more), {}, stops, loud)


def test_a_command_runs_here_and_knows_names_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert runs("before_build", [sys.executable, "-c", SHOW, "found"]) == ""
    found = json.loads((tmp_path / "found").read_text())
    assert {name: value for name, value in found.items() if name.startswith("SWITCHBACK_")} == {
        "SWITCHBACK_POINT": "before_build",
        "SWITCHBACK_RUN": "deploy",
        "SWITCHBACK_DEPLOY": run().deploy,
        "SWITCHBACK_HOSTS": "web1,web2",
        "SWITCHBACK_VERSION": NEW,
        "SWITCHBACK_CODE": CODE,
        "SWITCHBACK_CONFIG": CONFIG,
    }
    assert found["PATH"] == os.environ["PATH"]


def test_several_run_one_after_the_other_until_one_fails_and_its_last_words_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests.sh").write_text("echo '3 of 5 failed https://me:s3cret-word@host/'; exit 2\n")
    assert runs("before_build", "touch one", "sh ./tests.sh", "touch two") == (
        "sh ./tests.sh ended with exit code 2\n  3 of 5 failed https://***@host/"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "tests.sh"]


def test_one_that_can_not_be_started_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert runs("before_build", "./no.sh") == "./no.sh can't be started: No such file or directory"


@pytest.mark.parametrize(("stops", "why"), [(never, "took too long and was stopped"), (bool, "was interrupted")])
def test_one_that_takes_too_long_or_is_interrupted_is_ended_with_what_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: Any, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.sh").write_text("sleep 3600 & echo $! >pid; wait\n")
    began = time.monotonic()
    asked = never if stops is never else lambda: time.monotonic() - began > 0.5
    assert runs("before_build", "sh a.sh", timeout=1 if stops is never else 60, stops=asked) == f"sh a.sh {why}"
    assert time.monotonic() - began < 20
    assert not Path("/proc", (tmp_path / "pid").read_text().strip(), "cwd").exists()


@pytest.mark.parametrize("loud", [True, False])
def test_what_it_says_is_shown_to_who_wants_it_as_no_terminal_obeys_it(
    loud: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    runs("before_build", r"printf 'red \033[31m\n'", loud=loud)
    assert ("      red \\x1b[31m\n" in capsys.readouterr().err) is loud


def test_where_the_hosts_differ_the_primary_hosts_settings_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other, _ = of("before_build", "touch other")
    _, primary = of("before_build", "touch primary")
    assert controller.run_hooks("before_build", [other, primary], {}, never, False) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["primary"]


@pytest.mark.parametrize("point", ["after_static", "after_build", "before_migrate", "after_switch"])
def test_a_point_at_which_nobody_waits_for_the_controller_is_refused_there(point: str) -> None:
    (problem,) = problems(hooks={point: {"run": "x", "on": "controller"}})
    says = f"{point} runs on the host: on the controller there are before_build, after_commit, after_fallback"
    assert says in problem


def test_on_the_controller_there_is_no_primary_host() -> None:
    (problem,) = problems(hooks={"after_commit": {"run": "x", "on": "controller", "primary": True}})
    assert "after_commit runs on the controller once for all hosts: leave out primary" in problem


# --- Whole runs


def hooks(**told: object) -> tuple[str, str]:
    """The setting, for one run."""
    listed = {point: {"run": command, "on": "controller"} for point, command in told.items()}
    return "--data", f"hooks={json.dumps(listed)}"


def asked_for(done: Done) -> list[str]:
    return [name for host in ("web1", "web2", "web3") for name in done.asked(host)]


def test_before_a_build_one_runs_once_for_all_hosts_and_after_the_commit_another(
    start: FakeRuns, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    writes = ["sh", "-c", f'echo "$SWITCHBACK_POINT ${{SWITCHBACK_OUTCOME-none}} $SWITCHBACK_HOSTS" >>{log}']
    done = start("deploy", "-y", *hooks(before_build=writes, after_commit=writes, after_fallback=writes))
    assert done.code == 0, done.output
    hosts = "@fake/web1,@fake/web2,@fake/web3"
    assert log.read_text() == f"before_build none {hosts}\nafter_commit committed {hosts}\n"
    assert done.output.index("before_build, on the controller: sh -c done in") < done.output.index("# begin")
    # How it ended is told after that, as the last of all.
    assert done.output.index("after_commit, on the controller: sh -c done in ") < done.output.index("--> Deployed: ")


def test_one_that_fails_before_a_build_refuses_the_run_before_any_host_has_begun(
    start: FakeRuns, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    tells = ["sh", "-c", f'echo "$SWITCHBACK_OUTCOME: $SWITCHBACK_SENTENCE" >{log}']
    fails = ["sh", "-c", "echo 2 tests failed; exit 1"]
    done = start("deploy", "-y", *hooks(before_build=fails, after_fallback=tells))
    assert done.code == 1
    assert asked_for(done) == []
    screen = "\n".join(done.last_screen)
    assert done.last_screen[0].startswith("--> Refused at before_build: ")
    # The same of all hosts, so it is told once.
    assert screen.count("before_build failed on the controller: sh -c ended with exit code 1") == 1
    assert screen.count("2 tests failed") == 1
    assert screen.count("no host was touched") == 1
    assert log.read_text().startswith("refused: @fake/web1: refused at before_build")
    assert "Traceback" not in done.output


def test_one_that_fails_after_the_commit_is_a_warning_and_the_run_went_well(start: FakeRuns) -> None:
    done = start("deploy", "-y", *hooks(after_commit="false"))
    assert done.code == 0, done.output
    assert done.last_screen[0].startswith("--> Deployed: ")
    says = "after_commit, on the controller: WARNING: it failed, which changes nothing: false ended with exit code 1"
    assert says in " ".join(" ".join(done.last_screen).split())


def test_after_a_run_in_which_a_host_has_failed_the_other_one_runs_with_the_worst_of_the_outcomes(
    start: FakeRuns, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    tells = ["sh", "-c", f'echo "$SWITCHBACK_OUTCOME" >{log}']
    fell = says(Result(False, Outcome.FELL_BACK, "fell back at restart: x is live", reason=("it broke",)))
    person = says(Result(False, Outcome.NEEDS_A_PERSON, "needs a person at restart: x"))
    answers = {
        "web1": {r" go restart\b": fell, r" fall-back\b": fell},
        "web2": {r" go restart\b": person, r" fall-back\b": person},
        "web3": {r" fall-back\b": fell},
    }
    done = start("deploy", "-y", *hooks(after_fallback=tells, after_commit="false"), answers=answers)
    assert done.code == 1
    assert log.read_text() == "needs a person\n"


def test_a_dry_run_shows_them_and_runs_none(start: FakeRuns, tmp_path: Path) -> None:
    touches = f"touch {tmp_path}/ran"
    done = start("deploy", "--dry", *hooks(before_build=touches, after_commit=touches))
    assert done.code == 0, done.output
    shown = " ".join(done.output.split())
    assert "hooks [@fake/web1] before_build on the controller: touch /" in shown
    assert " after_commit on the controller: touch /" in shown
    assert "[@fake/web2] before_build" not in done.output
    assert not (tmp_path / "ran").exists()
