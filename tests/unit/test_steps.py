"""A step is one class: once it has its place in the order, everything else knows it. Here one that rings a bell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agent.inside.lean import dataclass
from agent.steps import order
from agent.steps.fallback import plan_fallback
from agent.steps.kind import Phase, RunAsKnown, SwitchStep, Turn, Undo
from agent.steps.order import STEPS, limit_of, named, names, steps_of, visitors_may_notice
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext, StepFailed
from agent.words.notes import Note, Undone
from agent.words.settings import Settings
from operations.steps import Commands, step
from switchback.plan.builder import foresee
from switchback.plan.known import Known
from switchback.plan.model import HostPreview
from switchback.preview.screen import screen
from switchback.runs.deploys import plan_deploy
from switchback.runs.fleet import Fleet
from switchback.runs.run import Run
from switchback.screen.present import of_hosts
from tests.unit import examples, healthy
from tests.unit.agent_host import Host
from tests.unit.examples import LIVE, NEW
from tests.unit.journals import progress, records_of
from tests.unit.steps import OPTIONAL, SWITCH
from tests.unit.test_operations import Done
from tests.unit.test_previews import host_seen


@dataclass(frozen=True)
class Rung(Undone):
    """How often it was rung."""

    times: int = 0

    def says(self) -> str:
        """How often."""
        return f"undone: bell, {self.times} times"


class RingAgain(Undo):
    """Ring for what was taken back, too."""

    name = "bell"
    turn = Turn.HEALTH
    shape = Rung

    def needed(self, progress: Progress) -> bool:
        """Where it may have rung."""
        return "ring_bell" in progress.started

    def do(self, step: StepContext) -> Rung:
        """Ring."""
        return Rung(times=7)


class RingBell(SwitchStep):
    """Ring a bell."""

    name = "ring_bell"
    touches = True
    undos = (RingAgain(),)

    def limit(self, settings: Settings) -> float:
        """A minute."""
        return 60.0

    def idle(self, known: RunAsKnown) -> str:
        """Why not."""
        if not known.settings.website_url:
            return "nobody is there to hear it"
        return "" if known.primary else "the bell is the primary host's"

    def do(self, step: StepContext) -> Note:
        """Ring it."""
        return Note(warning="nobody has come")


def ring_bell(run: Run) -> Commands:
    """Its operation, but for pyinfra's own decorator."""
    yield from step(run, "ring_bell")


@pytest.fixture(autouse=True)
def _in_its_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After the proof of health."""
    at = [kind.name for kind in STEPS].index("health") + 1
    monkeypatch.setattr(order, "STEPS", (*STEPS[:at], RingBell(), *STEPS[at:]))
    yield


def plan_on(*hosts: str) -> dict[str, tuple[Run, HostPreview]]:
    """What is planned and previewed for a deploy to hosts, the first of which is the primary one."""
    seen = {name: host_seen({"versions": [{"name": NEW}]}) for name in hosts}
    fleet = Fleet({name: examples.settings() for name in hosts}, seen, hosts[0])
    runs = plan_deploy(fleet, examples.asked())
    return {name: (run, foresee(run, Known(fleet.sites[name], examples.foreseen()))) for name, run in runs.items()}


def test_it_is_planned_in_its_place_and_previewed() -> None:
    run, told = plan_on("web1")["web1"]
    assert run.steps[run.steps.index("ring_bell") - 1] == "health"
    assert ("ring_bell", True) in [(one.name, one.does) for one in told.steps]
    assert "health, ring_bell, maintenance_stop" in " ".join(
        one.text.strip() for one in screen(of_hosts("deploy", [told]), everything=True)
    )


def test_why_it_has_nothing_to_do_is_in_the_preview_and_on_the_host_in_the_same_words() -> None:
    _, told = plan_on("web1", "web2")["web2"]
    (shown,) = [one for one in told.steps if one.name == "ring_bell"]
    found = progress({"event": "begin", "primary": False, "settings": {"website_url": "https://a"}})
    kind = named("ring_bell")
    assert kind
    assert (shown.does, shown.why) == (False, kind.idle(order.known_from(found)))


def test_it_is_in_the_runs_that_it_is_for_and_has_its_limit() -> None:
    settings = examples.settings().for_host()
    assert "ring_bell" in steps_of("revert", settings, build=False)
    assert "ring_bell" not in steps_of("build", settings, build=True)
    assert "ring_bell" not in steps_of("restart", settings, build=False)
    assert limit_of("ring_bell", settings) == 60.0


def test_a_step_has_its_limit_by_the_settings_and_so_has_what_ends_them() -> None:
    settings = healthy.host_settings(migrate_timeout=7, script_timeout=8)
    assert [limit_of(name, settings) for name in ("migrate", "commit")] == [7, 8]


def test_of_the_build_there_is_nothing_in_the_deploy_of_a_built_version_but_what_is_looked_at_anew() -> None:
    settings = examples.settings().for_host()
    new, built = (steps_of("deploy", settings, build=build) for build in (True, False))
    of_build = names(Phase.BUILD)
    assert [name for name in new if name in of_build] == [name for name in of_build if name not in OPTIONAL]
    assert [name for name in built if name in of_build] == ["checks", "trial"]
    assert [name for name in new if name not in of_build] == [name for name in built if name not in of_build]


def test_its_operation_asks_for_it_and_waits_as_long_as_it_may_take() -> None:
    several = examples.run(hosts=("web1", "web2"), steps=("health", "ring_bell", "commit"))
    done = Done(ring_bell, several)
    assert (done.asked.until, done.asked.upto) == ("ring_bell", "ring_bell")
    assert done.only.connector_arguments["_timeout"] >= 60


def test_on_a_host_alone_it_goes_with_the_other_steps_of_its_phase() -> None:
    assert examples.run(steps=(*SWITCH, "ring_bell", "commit")).upto("swap") == "ring_bell"


def test_the_host_does_it_and_tells_of_it_with_its_warning(host: Host) -> None:
    host.begin()
    host.run("code", "swap", "health", "ring_bell")
    said = host.said
    assert "ring_bell: done in " in said
    assert "ring_bell: WARNING: nobody has come" in said


def test_it_is_undone_in_its_turn_and_that_is_told(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: RingBell, step: StepContext) -> Note:
        raise StepFailed("it has no clapper")

    monkeypatch.setattr(RingBell, "do", fails)
    transaction = host.begin()
    host.run("code", "swap", "health", "ring_bell")
    undone = [record["action"] for record in records_of(transaction.journal) if record["event"] == "undo done"]
    assert undone.index("links") < undone.index("bell") < undone.index("mark")
    said = host.said
    assert "  undone: bell, 7 times" in said
    assert f"fell back at ring_bell: {LIVE} is live" in said


def test_an_error_in_its_words_does_not_keep_the_rest_from_being_undone(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: RingBell, step: StepContext) -> Note:
        raise StepFailed("it has no clapper")

    def says(self: Rung) -> str:
        raise KeyError("of another agent")

    monkeypatch.setattr(RingBell, "do", fails)
    monkeypatch.setattr(Rung, "says", says)
    transaction = host.begin()
    host.run("code", "swap", "health", "ring_bell")
    undone = [record["action"] for record in records_of(transaction.journal) if record["event"] == "undo done"]
    assert {"links", "health", "mark"} <= set(undone)
    assert transaction.progress.outcome == "needs a person"
    assert "could not undo bell: an error in the agent:" in host.said


@pytest.mark.parametrize("started", [True, False])
def test_the_plan_of_a_fallback_has_its_undo_where_it_was_started(started: bool) -> None:
    records: list[dict[str, Any]] = [{"event": "begin", "kind": "deploy", "settings": {}}]
    records += [{"event": "step started", "step": "ring_bell"}] if started else []
    assert ("bell" in [undo.name for undo in plan_fallback(progress(*records))]) == started
    assert visitors_may_notice(progress(*records), "ring_bell")
