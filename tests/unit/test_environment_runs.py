"""What a run does about variables and secrets that have changed: pure decisions on what was seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.environment.fingerprint import fingerprint
from switchback.plan.builder import shown_settings
from switchback.runs.deploys import plan_build, plan_deploy
from switchback.runs.fleet import Fleet
from switchback.settings import environment
from switchback.settings.options import Options
from tests.unit.examples import CODE, CONFIG, LIVE, OLD, fleet, host_facts, run, settings, version

ENV = {"DEBUG": "0"}


@pytest.fixture(autouse=True)
def anew() -> None:
    environment._read.cache_clear()


def seen(env: dict[str, str], wanted: dict[str, str], secrets: dict[str, str] | None = None) -> Fleet:
    """A host that serves what is asked for, with variables; the settings want others, or secrets become others."""
    live = version(LIVE, code=CODE, config=CONFIG, env=fingerprint(env))
    found = fleet(web1=host_facts(live, version(OLD), secrets=secrets or {}))
    return Fleet({"web1": settings(env=wanted)}, found.facts, "web1")


def test_a_version_with_the_same_variables_is_live_already() -> None:
    for env in ({}, ENV):
        assert plan_deploy(seen(env, env), Options())["web1"].idle


@pytest.mark.parametrize(("env", "wanted"), [({}, ENV), (ENV, {}), (ENV, {"DEBUG": "1"})])
def test_other_variables_alone_make_another_version(env: dict[str, str], wanted: dict[str, str]) -> None:
    for plan in (plan_deploy, plan_build):
        found = plan(seen(env, wanted), Options())["web1"]
        assert "code" in found.steps
        assert found.version != LIVE
    assert plan_deploy(seen(env, wanted), Options())["web1"].begins().env == wanted


def test_other_secrets_alone_make_another_version_so_that_every_process_is_started_anew() -> None:
    found = plan_deploy(seen({}, {}, {"KEY": "changed"}), Options())["web1"]
    assert "code" in found.steps
    assert found.version != LIVE


def test_what_was_built_with_the_same_variables_is_taken_for_them() -> None:
    built = version("django-20261104-100000-ccccccc-fffffff", code=CODE, config=CONFIG, env=fingerprint(ENV))
    live = version(LIVE, code=CODE, config=CONFIG)
    facts = fleet(web1=host_facts(built, live)).facts
    wanted = Fleet({"web1": settings(env=ENV)}, facts, "web1")
    assert plan_deploy(wanted, Options())["web1"].version == built.name
    assert plan_deploy(replace(wanted, settings={"web1": settings()}), Options())["web1"].idle


def test_a_live_version_that_is_asked_for_by_name_is_left_and_the_secrets_are_told() -> None:
    (found,) = plan_deploy(seen({}, {}, {"KEY": "changed"}), Options(version=LIVE)).values()
    told = "nothing to do; secrets are others by now (KEY): a deploy without version= brings them"
    assert found.idle.endswith(told)


@pytest.mark.parametrize(("kind", "brings"), [("deploy", True), ("build", True), ("revert", False), ("restart", False)])
def test_secrets_travel_with_what_builds_and_never_in_what_is_written_down(
    kind: str, brings: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "planted-value")
    one = run(kind=kind, settings=settings(secrets=["KEY"], env={"NAME": "planted-variable"}))
    assert one.begins().secrets == ({"KEY": "planted-value"} if brings else None)
    for written in (one.begins().intent, one.request(), shown_settings(one.settings)):
        shown = str(vars(written) if not isinstance(written, dict) else written)
        assert "planted" not in shown
    assert one.begins().env == {"NAME": "planted-variable"}


def test_a_plan_is_made_without_reading_any_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> tuple[str, str]:
        raise AssertionError("it was read")

    monkeypatch.setattr(environment, "_read", fail)
    assert plan_deploy(seen({}, {}), Options())["web1"].idle
