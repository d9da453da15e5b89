"""Every sentence of an outcome is true, and none contradicts another: deploys, reverts and restarts on a host of the
test's own making, whose steps and undos fail in each way, or which goes down in the middle of one, are held against
what that host is really like."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from agent.database import going_back
from agent.django import warm
from agent.django.locks import NoLock
from agent.inside.protocol import Migrated
from agent.notify.noticed import visitors
from agent.runner import resumed
from agent.runs import ending
from agent.runs.interrupts import Interrupted
from agent.service import health, systemd, verdicts
from agent.steps import scripts
from agent.steps.order import steps_of
from agent.transaction.cost import measured
from agent.transaction.lock import lock_holder
from agent.transaction.step import StepContext, StepFailed
from agent.transaction.transaction import Transaction
from agent.versions.layout import Layout
from agent.versions.marks import linked_version, read_mark
from agent.visitors import site
from agent.words.notes import Asked, BackedUp, Page
from tests.sentences import Truth, contradictions
from tests.unit.agent_host import ID, Host
from tests.unit.django_found import django_found
from tests.unit.examples import LIVE, NEW, OLD, settings
from tests.unit.healthy import host_settings
from tests.unit.journals import says
from tests.unit.steps import really, really_undone

Note = dict[str, Any]
GLANCE = site.glance
BACKUP, OLDER = "/srv/backups/a.dump", "/srv/backups/older.dump"
BEFORE = [["items", "0001_initial"]]
ADDED = ["items", "0002_colour"]
PENDING = [{"app": "items", "name": "0002_colour", "reversible": True, "atomic": True, "operations": []}]
PAGES = {"app": (200, None), "shut": (503, "answers 503"), "shut, as 200": (200, None), "nobody": (502, "answers 502")}
FIRST, THEN = "before it has done anything", "after it has done what it does"
LOCKED = "a reader holds the table"
# The host goes down: at once, or in order, once.
CUT, DOWN = "the power is cut after it has done what it does", "the host is rebooted before it has done anything"
INSTALLS = host_settings(install_script="x")
STEPS = {
    kind: tuple(one for one in steps_of(kind, INSTALLS, build=False) if one not in ("checks", "commit"))
    for kind in ("deploy", "revert", "restart")
}
UNDOS = ("links", "database", "schema", "restart", "health", "maintenance", "site", "watch", "mark", "evidence")


class PowerCut(BaseException):
    """The host is gone at once."""


@dataclass
class World:
    """A host as it really is, and what goes wrong on it.

    + breaks: the steps and undos that fail, and when
    + stop, start: whether the maintenance scripts do what they say
    """

    breaks: dict[str, str] = field(default_factory=dict)
    start: bool = True
    stop: bool = True
    page: str = "shut"
    up_before: bool = True
    web: bool = True
    flag: bool = False
    ever: bool = False
    sick: bool = False
    running: str | None = LIVE
    applied: list[list[str]] = field(default_factory=list)
    before: list[list[str]] = field(default_factory=lambda: [*BEFORE])
    down: bool = False
    goes_down: bool = False
    boots: int = 1

    def breaking(self, name: str, what: Any) -> Any:
        """A step or an undo that does what it does, and fails where it is to."""

        def do(step: StepContext) -> Any:
            how = self.breaks.get(name)
            if how in (CUT, DOWN):
                del self.breaks[name]
                self.down = True
            if how == DOWN:
                self.goes_down = True
                raise Interrupted("the host goes down")
            if how == LOCKED:
                raise NoLock(f"{name}: no lock within 2 s")
            if how == FIRST:
                raise StepFailed(f"{name} broke")
            note = what(step)
            if how == CUT:
                raise PowerCut
            if how == THEN:
                raise StepFailed(f"{name} broke")
            return note

        return do

    # What the agent sees and does.

    def script(self, step: StepContext, key: str, *arguments: str) -> str:
        if key == "maintenance_start_script" and self.start:
            self.flag = self.ever = True
        if key == "maintenance_stop_script" and self.stop:
            self.flag = False
        if key == "backup_script":
            return BACKUP
        return ""

    def look(self, told: Any) -> Page:
        serves = "app" if self.well() else "nobody"
        name = (self.page if self.flag else serves) if self.web else "nobody"
        status, wrong = PAGES[name]
        return Page(status, name, wrong)

    def well(self) -> bool:
        return bool(self.running) and not (self.sick and self.running == LIVE)

    def django(self, step: StepContext, shape: Any, verb: str, *arguments: str, version: str | None = None) -> Any:
        if verb == "end_sessions":
            return django_found(shape)
        if verb in ("unapply", "reapply"):
            self.applied = json.loads(arguments[0])
            return django_found(shape)
        return django_found(shape, applied=list(self.applied))

    def migrate(self, step: StepContext) -> Any:
        self.applied = [*BEFORE, ADDED]
        return django_found(Migrated)

    def restore(self, step: StepContext, backup: str) -> None:
        if self.breaks.get("restore") != FIRST:
            self.applied = [*BEFORE] if backup == OLDER else [*self.before]

    def restart(self, step: StepContext) -> Note:
        self.running = linked_version(step.layout, step.layout.path("current_main"))
        return {}

    def stop_service(self, step: StepContext) -> Note:
        self.running = None
        return {}

    def prove_healthy(self, layout: Layout, version: str, *_: Any, **__: Any) -> str:
        if self.running != version or not self.well():
            raise health.Unhealthy("not healthy")
        return ""


@contextlib.contextmanager
def real(world: World, begin: Note) -> Iterator[Host]:
    """A host whose agent works on that world."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder, output = Path(name), io.StringIO()
        for module in [module for key, module in sys.modules.items() if key.startswith("agent.")]:
            if hasattr(module, "acting_as"):
                patch.setattr(module, "acting_as", lambda _: nullcontext())
            if hasattr(module, "django") and module is not sys.modules["agent.django.manage"]:
                patch.setattr(module, "django", world.django)
        patch.setattr(Layout, "of", lambda told: Layout(told, folder / "home"))
        patch.setattr(resumed, "this_boot", lambda: str(world.boots))
        patch.setattr(ending, "forget_failed", lambda _: None)
        patch.setattr(scripts, "run_script", world.script)
        patch.setattr("agent.steps.switch.backup.examine", lambda _, path: BackedUp(path=path, bytes=1, sha256="a"))
        patch.setattr(warm, "migrate", world.migrate)
        patch.setattr("agent.steps.switch.migrate.restore", world.restore)
        patch.setattr(going_back, "restore", world.restore)
        patch.setattr(site, "look", world.look)
        patch.setattr(site, "SEEN_WITHIN", 0.0)
        patch.setattr(health, "prove_healthy", world.prove_healthy)
        patch.setattr(health, "watch", world.prove_healthy)
        patch.setattr(health, "app_problem", lambda *_, **__: None if world.well() else "not healthy")
        patch.setattr(verdicts, "look", lambda _: verdicts.Look())
        # No host of a test loses its power.
        patch.setattr(os, "fsync", lambda _: None)
        host = Host(folder, patch, lambda: _taken(output))
        patch.setattr(site, "glance", GLANCE)
        # Making a host has it say that it stays up.
        patch.setattr(systemd, "host_goes_down", lambda: world.goes_down)
        checks = begin.pop("checks")
        host.step("checks", lambda _: checks)
        for step in {step for steps in STEPS.values() for step in steps}:
            host.step(step, world.breaking(step, _what(world, step)))
        for action in UNDOS:
            host.action(action, world.breaking(f"undo {action}", _undoing(world, action)))
        host.action("stop service", world.stop_service)
        if begin["bare"]:
            (host.home / "django-current").unlink()
            world.running = None
        before = world.look({})
        with contextlib.redirect_stdout(output):
            transaction = host.begin(
                **begin, boot="1", site_before=asdict(before), healthy_before=world.well() and not begin["bare"]
            )
            transaction.journal.append(says("note", step="downtime", note={"1": PROBES}))
            yield host


PROBES = {word: {"asked": 9, "failed": 1, "outage": 0.1} for word in ("site", "app")}


def _taken(output: io.StringIO) -> str:
    text = output.getvalue()
    output.seek(0)
    output.truncate()
    return text


def _what(world: World, step: str) -> Any:
    steps = {
        "backup": really("backup"),
        "maintenance_start": really("maintenance_start"),
        "migrate": really("migrate"),
        "swap": really("swap"),
        "restart": world.restart,
        "health": lambda step: {"warning": world.prove_healthy(step.layout, step.version)},
        "maintenance_stop": really("maintenance_stop"),
        "watch": really("watch"),
    }
    return steps.get(step, lambda _: {})


def _undoing(world: World, action: str) -> Any:
    actions = {
        "links": really_undone("links"),
        "database": really_undone("database"),
        "schema": really_undone("schema"),
        "restart": world.restart,
        "health": really_undone("health"),
        "maintenance": really_undone("maintenance"),
        "site": really_undone("site"),
        "watch": really_undone("watch"),
        "mark": really_undone("mark"),
    }
    return actions.get(action, lambda _: {})


@st.composite
def runs(draw: st.DrawFn) -> tuple[World, Note, str]:
    """A host, a run on it, and the step at which that fails or is given up, or the host goes down."""
    kind = draw(st.sampled_from(["deploy", "deploy", "revert", "restart"]))
    bare, up = kind == "deploy" and draw(st.booleans()), draw(st.booleans())
    at = draw(st.sampled_from(STEPS[kind]))
    ways = [FIRST, THEN, CUT, DOWN, "nobody goes on", *([LOCKED] if at == "migrate" else [])]
    breaks = {at: draw(st.sampled_from(ways))}
    breaks |= {
        f"undo {one}": draw(st.sampled_from([FIRST, THEN, CUT, DOWN]))
        for one in draw(st.sets(st.sampled_from(UNDOS), max_size=2))
    }
    if draw(st.booleans()):
        breaks["restore"] = FIRST
    world = World(
        breaks=breaks,
        start=draw(st.sampled_from([True, True, False])),
        stop=draw(st.sampled_from([True, True, False])),
        page=draw(st.sampled_from(["shut", "shut, as 200", "nobody"])),
        up_before=up,
        sick=not up,
        web=draw(st.sampled_from([True, True, False])),
    )
    told = replace(
        settings().for_host(),
        maintenance=draw(st.sampled_from(["always", "auto"])),
        restore_script=draw(st.sampled_from([None, "/srv/restore.sh"])),
        site_timeout=0,
        migrate_timeout=0,
    )
    primary = draw(st.sampled_from([True, True, False]))
    begin: Note = {
        "kind": kind,
        "settings": told,
        "bare": bare,
        "was": None if bare else LIVE,
        "version": {"deploy": NEW, "revert": OLD, "restart": LIVE}[kind],
        "primary": primary,
        "hosts": ["web1"] if primary else ["web1", "web2"],
        "has_worked": kind != "deploy" or draw(st.booleans()),
        "checks": {},
    }
    restores = ["restore"] if told.restore_script else []
    if kind == "deploy":
        way, pending = draw(st.sampled_from(["reverse", "keep", *restores])), draw(st.sampled_from([PENDING, []]))
        begin["checks"] = {"fallback": way, "applied": BEFORE, "pending": pending}
    if kind == "revert":
        world.before = [*BEFORE, ADDED]
        begin |= {"database": draw(st.sampled_from(["keep", "reverse", *restores])), "backup": OLDER}
        if begin["database"] != "keep":
            begin["checks"] = {"applied": world.before, "leaving": PENDING, "unknown": []}
    world.applied = [*world.before]
    return world, begin, at


@given(runs(), st.data())
@limits(deadline=None, max_examples=150)
def test_no_sentence_of_an_outcome_contradicts_another_or_the_host(
    run: tuple[World, Note, str], data: st.DataObject
) -> None:
    world, begin, at = run
    with real(world, begin) as host:
        transaction, of_kind = Transaction(host.state, ID), STEPS[begin["kind"]]
        steps = [*(() if begin["kind"] == "restart" else ("checks",)), *of_kind[: of_kind.index(at) + 1]]

        def play() -> None:
            if all(host.run(name) == [True] for name in steps):
                host.fall_back("no word from the controller", database_is_back=True)

        until_it_stays_up(host, world, play)
        assert_true(host, world, begin)
        for _ in range(2):
            if transaction.progress.outcome != "needs a person":
                break
            # Some of what was in the way is put right.
            world.breaks = {one: when for one, when in world.breaks.items() if data.draw(st.booleans())}
            world.stop, database = data.draw(st.booleans()), data.draw(st.sampled_from(["", "keep"]))
            if until_it_stays_up(host, world, partial(host.recover, database)):
                assert_true(host, world, begin)


def until_it_stays_up(host: Host, world: World, what: Callable[[], object]) -> bool:
    """Do something on a host, which may go down meanwhile: then it boots. Returns whether it has stayed up."""
    with contextlib.suppress(PowerCut):
        what()
    stays = not world.down
    transaction = Transaction(host.state, ID)
    while world.down:
        world.down = world.goes_down = False
        world.running = None
        world.boots += 1
        if not transaction.progress.outcome:
            _ = host.said

        def starts_app() -> None:
            world.running = linked_version(transaction.layout, transaction.layout.path("current_main"))

        host.starts_app = starts_app
        with contextlib.suppress(PowerCut):
            host.start_runner()
    return stays


def assert_true(host: Host, world: World, begin: Note) -> None:
    """Assert that all that was said since the fallback began is true."""
    lines = host.said.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(("falling back: ", "giving up: "))]
    transaction = Transaction(host.state, ID)
    if transaction.progress.outcome is None:
        return
    said = lines[starts[-1] :] if starts else lines
    # Nobody asks what visitors get here, so somebody has: what is told of the maintenance page has to be true, too.
    cost = replace(measured(transaction.progress), site=Asked(1, 1, 0.1))
    said = [*said[:-1], f"visitors {visitors(cost)}", said[-1]]
    live = linked_version(transaction.layout, transaction.layout.path("current_main"))
    truth = Truth(
        live=live,
        was=begin["was"],
        maintenance=world.look({}).sign in ("shut", "shut, as 200") or (world.flag and world.web),
        ever=world.ever and world.web,
        healthy=world.well() and world.running == live,
        site=world.look({}).sign == "app",
        schema_back=world.applied == world.before,
        restore_script=begin["settings"].restore_script,
        code=1,
    )
    assert contradictions(said, truth) == [], "\n".join([*lines, str(world), str(begin)])
    blamed = any(read_mark(host.state, version).failed for version in (LIVE, OLD, NEW))
    assert not (blamed and "to blame" in said[-1])
    assert bool(lock_holder(host.state)) == said[-1].startswith("needs a person")
