"""Versions that can't be started any more, as on an upgraded host: who says so, and who keeps away from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.versions.marks import unable
from agent.words.facts import HostFacts, Site
from agent.words.seen import Version
from switchback.checks.layout import host_problems
from switchback.checks.unable import unable_notes, unable_problems
from switchback.runs.deploys import plan_build, plan_deploy
from switchback.runs.restarts import plan_restart
from switchback.runs.reverts import plan_revert
from switchback.runs.run import Run
from switchback.screen.status import status_lines
from switchback.settings.errors import Refused
from tests.unit import healthy
from tests.unit.examples import LIVE, NEW, OLD, asked, fleet, host_facts, settings, site, version

OLDER = "django-20261030-100000-9999999-fffffff"
WHY = "it was made by Python 3.11, and /home/app/x/venv/bin/python is 3.13 now"


def environment(folder: Path, interpreter: str, made_by: str) -> Path:
    """A virtual environment, as far as paths go."""
    (folder / "usr").mkdir()
    (folder / "usr" / interpreter).touch()
    (folder / "venv" / "bin").mkdir(parents=True)
    (folder / "venv" / "lib" / made_by / "site-packages").mkdir(parents=True)
    (folder / "venv" / "bin" / "python").symlink_to(folder / "usr" / interpreter)
    return folder / "venv"


def test_an_environment_is_of_use_while_its_interpreter_is_the_one_that_made_it(tmp_path: Path) -> None:
    assert unable(environment(tmp_path, "python3.11", "python3.11")) is None


def test_one_whose_interpreter_is_gone_is_not(tmp_path: Path) -> None:
    venv = environment(tmp_path, "python3.11", "python3.11")
    (tmp_path / "usr" / "python3.11").unlink()
    assert unable(venv) == f"its Python, {tmp_path}/usr/python3.11, is gone"


def test_nor_is_one_that_another_python_has_made(tmp_path: Path) -> None:
    venv = environment(tmp_path, "python3.13", "python3.11")
    assert unable(venv) == f"it was made by Python 3.11, and {venv}/bin/python is 3.13 now"


@pytest.mark.parametrize("interpreter", ["pypy3", "python3"])
def test_an_interpreter_that_does_not_tell_its_version_is_taken_at_its_word(tmp_path: Path, interpreter: str) -> None:
    assert unable(environment(tmp_path, interpreter, "python3.11")) is None


def test_a_version_without_an_environment_is_not_judged(tmp_path: Path) -> None:
    assert unable(tmp_path / "venv") is None


# --- Who says so


def upgraded(*others: Version, current: str = LIVE) -> HostFacts:
    """A host whose live version, and that before it, can't be started any more."""
    return healthy.host(upgraded_site(*others, current=current))


def upgraded_site(*others: Version, current: str = LIVE) -> Site:
    return site(*others, version(current, unable=WHY), version(OLD, unable=WHY), current=current)


def test_check_says_of_the_live_version_what_to_do_and_of_the_others_that_nothing_goes_back_to_them() -> None:
    (problem,) = unable_problems(upgraded_site())
    assert problem == f"the live version {LIVE} can't be started again: {WHY}: deploys/deploy.py builds it anew"
    assert unable_notes(upgraded_site()) == [
        f"note: {OLD} can't be started any more, so nothing goes back to it: {WHY}"
    ]
    assert unable_problems(site()) == []


def test_status_marks_them() -> None:
    lines = status_lines(upgraded(), settings())
    assert sum("working, can't start" in line for line in lines) == 2
    assert f"why {OLD} can't start: {WHY}" in lines


def test_a_host_that_can_make_no_environment_is_not_ready() -> None:
    (problem,) = host_problems(host_facts(makes_venv=False), settings())
    assert problem.startswith("neither uv nor the venv module of the app's Python, python3, is there")
    # Going back needs none.
    assert host_problems(host_facts(makes_venv=False), settings(), builds=False) == []


# --- Who keeps away from them


def refusal(plan: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as refused:
        plan()
    return "\n".join(refused.value.problems)


def only(runs: dict[str, Run]) -> Run:
    (run,) = runs.values()
    return run


def test_what_is_live_is_built_anew_though_it_answers_still() -> None:
    run = only(plan_deploy(fleet(web=upgraded(current=NEW)), asked()))
    assert run.version not in (NEW, OLD)
    assert "venv" in run.steps


def test_what_is_built_already_is_built_anew_too() -> None:
    seen = host_facts(version(NEW, unable=WHY), version(LIVE), version(OLD))
    for plan in (plan_deploy, plan_build):
        run = only(plan(fleet(web=seen), asked()))
        assert run.version != NEW
        assert "venv" in run.steps


def test_a_revert_passes_over_them_and_is_refused_where_there_is_no_other() -> None:
    seen = host_facts(version(LIVE), version(OLD, unable=WHY), version(OLDER))
    assert only(plan_revert(fleet(web=seen), asked())).version == OLDER
    assert "can be started" in refusal(lambda: plan_revert(fleet(web=upgraded()), asked()))


def test_one_that_is_asked_for_by_name_is_refused() -> None:
    for plan in (plan_deploy, plan_revert):
        said = refusal(lambda: plan(fleet(web=upgraded()), asked(version=OLD)))  # noqa: B023
        assert said == f"web: {OLD} can't be started any more: {WHY}"


def test_a_restart_that_would_end_the_site_is_refused() -> None:
    assert f"web: the live version {LIVE} can't be started again" in refusal(
        lambda: plan_restart(fleet(web=upgraded()), asked())
    )
