"""What a runner does next is right whatever has happened: for every prefix of every journal, and to the end of all of
them, with steps and undos that fail, and runners that are killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.runner.course import NEEDED_MOST, STARTS, TRIES, Heard, Kind, Move, next_move
from agent.steps.fallback import outcome_of, plan_fallback
from agent.transaction.progress import Progress, read_progress
from agent.words import journal
from agent.words.outcomes import OVER, Outcome
from tests.unit.journals import begun, line, progress
from tests.unit.steps import BUILD, SWITCH
from tests.unit.test_fallback import journals, noting

Record = dict[str, Any]
STEPS = [*BUILD, *SWITCH, "commit"]
KILLED = Heard(resumed="the runner was killed during it")


def with_steps(records: list[Record]) -> list[Record]:
    """The same journal, of a run that has all steps."""
    return [{"steps": STEPS, **records[0]}, *records[1:]]


heards = st.builds(
    Heard,
    upto=st.sampled_from(["", *STEPS]),
    resumed=st.sampled_from(["", KILLED.resumed]),
    followed=st.booleans(),
    before_the_app=st.booleans(),
)


@given(journals(), st.data(), heards)
def test_every_prefix_of_every_journal_has_a_next_move_that_fits_what_has_happened(
    whole: list[Record], data: st.DataObject, heard: Heard
) -> None:
    found = progress(*with_steps(whole[: data.draw(st.integers(1, len(whole)))]))
    move = next_move(found, heard)
    if found.outcome == Outcome.NEEDS_A_PERSON:
        assert move.kind in (Kind.LOOK_ON, Kind.REST)
    elif found.outcome:
        assert move.kind is Kind.FINISH_END
    elif found.committed:
        assert move.kind is Kind.COMMIT
    elif found.falling_back:
        assert move.kind in (Kind.UNDO, Kind.LOOK_AT_DATABASE, Kind.END_FALLBACK)
        planned = [undo.name for undo in plan_fallback(found)]
        assert move.kind is not Kind.UNDO or move.name in planned
    elif heard.resumed:
        assert move == Move(Kind.FALL_BACK, heard.resumed)
    else:
        assert move.kind in (Kind.STEP, Kind.WAIT)


@given(journals(), st.data(), heards)
def test_no_step_is_done_twice_out_of_order_or_without_a_word(
    whole: list[Record], data: st.DataObject, heard: Heard
) -> None:
    found = progress(*with_steps(whole[: data.draw(st.integers(1, len(whole)))]))
    move = next_move(found, heard)
    if move.kind is Kind.STEP:
        assert move.name not in found.done
        assert set(STEPS[: STEPS.index(move.name)]) <= set(found.done)
        assert heard.upto in STEPS[STEPS.index(move.name) :]
        assert move.name != "commit"


def test_a_lock_without_a_first_line_is_freed() -> None:
    assert next_move(Progress(), Heard()) == next_move(Progress(), KILLED) == Move(Kind.FREE)


def upto(step: str, **begin: Any) -> list[Record]:
    """The journal of a run that has done all of its steps up to one."""
    done = STEPS[: STEPS.index(step) + 1]
    return [
        {"event": "begin", "steps": STEPS, "was": "old", "version": "new", "settings": {}, **begin},
        *({"event": "step done", "step": name} for name in done),
    ]


def test_a_word_allows_all_steps_up_to_its_own_and_none_after_it() -> None:
    for name in STEPS[:-1]:
        after = STEPS[STEPS.index(name) + 1]
        assert next_move(progress(*upto(name)), Heard(upto=name)) == Move(Kind.WAIT, after)
        wanted = Move(Kind.STEP, after) if after != "commit" else Move(Kind.WAIT, "commit")
        assert next_move(progress(*upto(name)), Heard(upto=STEPS[-2])) == wanted


def test_who_has_heard_that_all_are_well_waits_for_the_last_word_also_with_another_runner() -> None:
    found = progress(*upto(STEPS[-2]), {"event": "all well"})
    for heard in (Heard(), KILLED):
        assert next_move(found, heard) == Move(Kind.WAIT, "commit")
    assert next_move(progress(*upto(STEPS[-2])), KILLED).kind is Kind.FALL_BACK


@pytest.mark.parametrize(
    ("way", "followed", "is_done"),
    [("restore", True, True), ("restore", False, False), ("reverse", False, True), ("keep", False, True)],
)
def test_visitors_are_let_in_past_the_point_of_a_restore_only_while_a_controller_is_there(
    way: str, followed: bool, is_done: bool
) -> None:
    before = STEPS[STEPS.index("maintenance_stop") - 1]
    started = [{"event": "step started", "step": name} for name in ("maintenance_start", "migrate")]
    records = noting("maintenance_start", {"page": {"status": 503}}, upto(before))
    found = progress(*noting("checks", {"fallback": way}, records), *started)
    move = next_move(found, Heard(upto=STEPS[-2], followed=followed))
    assert move == Move(Kind.STEP if is_done else Kind.WAIT, "maintenance_stop")


@pytest.mark.parametrize(
    ("database", "then"),
    [("undo failed", Move(Kind.SKIP, "resume")), ("undo done", Move(Kind.UNDO, "resume"))],
)
def test_what_writes_besides_the_web_is_started_again_only_where_the_database_is_back(
    database: str, then: Move
) -> None:
    noted = noting("pause", {"programs": ["worker:worker"]}, upto("migrate"))
    more = [{"event": "fallback"}, {"event": database, "action": "database", "problem": "no"}]
    tried = frozenset({"stop commands", "evidence", "database"})
    assert next_move(progress(*noted, *more), Heard(tried=tried)) == then


# --- To the end


@dataclass
class World:
    """A run that is played to its end: its journal, what its runner has heard, and whoever decides how things go.

    + draw: picks one of several ways for something to go
    """

    draw: Callable[[list[str]], str]
    lines: list[journal.Line]
    heard: Heard = field(default_factory=lambda: Heard(upto=BUILD[-1]))
    moves: list[Move] = field(default_factory=list)
    dead: int = 0
    died_at: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._known = read_progress(self.lines)

    def progress(self) -> Progress:
        return self._known

    def write(self, event: str, **fields: Any) -> None:
        told = line(event, **fields)
        self.lines.append(told)
        self._known = read_progress([told], self._known)

    def play(self) -> Outcome:
        """Play it to its end."""
        for _ in range(1000):
            found = self.progress()
            move = next_move(found, self.heard)
            self.moves.append(move)
            if move.kind in (Kind.FINISH_END, Kind.LOOK_ON, Kind.REST):
                assert found.outcome
                return found.outcome
            PLAYED[move.kind](self, move.name)
        raise AssertionError("it has no end")

    def die(self, name: str) -> None:
        """The runner is killed, and another one starts."""
        self.dead += 1
        self.died_at[name] += 1
        if not self.progress().outcome:
            self.write("runner started")
        self.heard = KILLED

    def step(self, name: str) -> None:
        self.write("step started", step=name)
        how = self.draw(["done", "done", "done", "done", "failed", "dies"])
        if how == "done":
            self.write("step done", step=name, note=NOTES.get(name, {}))
        elif how == "failed":
            self.write("step failed", step=name)
            self.fall_back("it broke")
        else:
            self.die(name)

    def fall_back(self, reason: str) -> None:
        self.write("fallback", reason=reason)
        self.heard = replace(self.heard, tried=frozenset(), resumed="")

    def undo(self, name: str) -> None:
        self.write("undo started", action=name)
        how = self.draw(["done", "done", "failed", "dies"])
        if how == "dies":
            self.die(name)
            return
        self.tried(name)
        self.write(f"undo {how}", action=name)

    def tried(self, name: str) -> None:
        self.heard = replace(self.heard, tried=self.heard.tried | {name})

    def give_up(self, name: str) -> None:
        self.tried(name)
        self.write("undo failed", action=name, given_up=True)

    def end(self, _: str) -> None:
        if self.draw(["ends", "ends", "dies"]) == "dies":
            self.die("end")
        else:
            found = self.progress()
            self.write("ended", outcome=Outcome.COMMITTED if found.committed else outcome_of(found))

    def wait(self, name: str) -> None:
        how = self.draw(["word", "word", "word", "all well", "silence", "dies"])
        if how == "dies":
            self.die("wait")
        elif how == "silence":
            if self.progress().all_well:
                self.write("committed")
            else:
                self.fall_back("no word")
        elif name != "commit":
            self.heard = replace(self.heard, upto=name)
        else:
            self.write("committed" if how == "word" else "all well")

    def look(self, _: str) -> None:
        how = self.draw(["back", "not yet", "dies"])
        if how == "dies":
            self.die("look")
        elif how == "back":
            self.heard = replace(self.heard, tried=frozenset())
            self.write("fallback", database_is_back=True)


PLAYED: dict[Kind, Callable[[World, str], None]] = {
    Kind.STEP: World.step,
    Kind.FALL_BACK: World.fall_back,
    Kind.UNDO: World.undo,
    Kind.SKIP: World.tried,
    Kind.GIVE_UP: World.give_up,
    Kind.END_FALLBACK: World.end,
    Kind.COMMIT: World.end,
    Kind.WAIT: World.wait,
    Kind.LOOK_AT_DATABASE: World.look,
}
NOTES: dict[str, Record] = {
    "checks": {"pending": [{"app": "items", "name": "0002", "reversible": True, "atomic": True}], "applied": []}
}
HOSTS: list[Record] = [{}, {"hosts": ["web1", "web2"]}, {"hosts": ["web1", "web2"], "primary": False}]


def begins(**more: Any) -> list[journal.Line]:
    return [journal.Line(0.0, begun(**{"steps": STEPS, "was": "old", "version": "new", **more}))]


@given(st.data(), st.sampled_from(HOSTS), st.booleans())
def test_a_run_comes_to_an_end_however_its_steps_and_undos_and_runners_end(
    data: st.DataObject, hosts: Record, site: bool
) -> None:
    seen = {"site_before": {"status": 200, "sign": "a", "wrong": None}} if site else {}
    # Whoever is killed again and again would be for ever.
    left = [30]

    def draw(ways: list[str]) -> str:
        how: str = data.draw(st.sampled_from(ways))
        left[0] -= how in ("dies", "not yet")
        return how if left[0] > 0 else ways[0]

    world = World(draw, begins(**hosts, **seen))
    outcome = world.play()
    found, kinds = world.progress(), [move.kind for move in world.moves]
    assert outcome in (*OVER, Outcome.NEEDS_A_PERSON)
    assert (outcome == Outcome.COMMITTED) == found.committed
    assert not (found.committed and found.falling_back)
    # Never forward again once it goes back, or once a runner has taken over.
    if Kind.FALL_BACK in kinds:
        assert Kind.STEP not in kinds[kinds.index(Kind.FALL_BACK) :]
    if Kind.UNDO in kinds:
        assert not {Kind.STEP, Kind.WAIT, Kind.COMMIT} & {*kinds[kinds.index(Kind.UNDO) :]}
    undos = Counter(move.name for move in world.moves if move.kind is Kind.UNDO)
    assert all(world.died_at[name] <= 2 * TRIES for name in undos)


def always(*deadly: str) -> Callable[[list[str]], str]:
    """Whoever does what comes first, where none of these may."""
    return lambda ways: next((one for one in deadly if one in ways), ways[0])


def on_the_way_back(draw: Callable[[list[str]], str], **more: Any) -> World:
    """A run that has done all of its steps and falls back."""
    done = [line("step started", step=name) for name in SWITCH]
    done += [line("step done", step=name) for name in SWITCH]
    return World(draw, [*begins(**more), *done, line("fallback")])


def test_an_undo_that_ends_its_runner_three_times_is_left_out_and_the_rest_is_undone() -> None:
    def draw(ways: list[str]) -> str:
        deadly = world.moves[-1] == Move(Kind.UNDO, "database")
        return "dies" if deadly and "dies" in ways else ways[0]

    world = on_the_way_back(draw)
    assert world.play() == Outcome.NEEDS_A_PERSON
    assert world.died_at == {"database": TRIES}
    assert [problem.action for problem in world.progress().problems] == ["database"]
    assert {"links", "restart", "health", "mark"} <= {*world.progress().undone}
    # What is live then is not to be seen.
    assert "maintenance" not in world.progress().undone


def test_where_every_undo_ends_its_runner_a_person_is_told_soon_and_what_matters_most_is_tried_as_often() -> None:
    def draw(ways: list[str]) -> str:
        return "dies" if world.moves[-1].kind is Kind.UNDO else ways[0]

    world = on_the_way_back(draw)
    assert world.play() == Outcome.NEEDS_A_PERSON
    assert world.dead <= STARTS + TRIES * len(NEEDED_MOST)
    assert world.died_at["links"] == TRIES
    problems = [problem.action for problem in world.progress().problems]
    assert sorted({*problems}) == sorted(problems)
    assert "links" in problems


def test_after_ten_runners_nothing_is_tried_any_more_but_what_brings_the_site_up() -> None:
    world = on_the_way_back(always())
    for _ in range(STARTS):
        world.write("runner started")
    assert world.play() == Outcome.NEEDS_A_PERSON
    done = [move.name for move in world.moves if move.kind is Kind.UNDO]
    assert {"links", "restart"} <= {*done} <= {*NEEDED_MOST}


def test_what_a_runner_could_not_undo_is_tried_by_the_next_one_however_often_that_fails() -> None:
    world = on_the_way_back(always())
    for _ in range(2 * TRIES):
        world.write("undo started", action="links")
        world.write("undo failed", action="links")
    assert world.play() == Outcome.FELL_BACK
    assert "links" in world.progress().undone


def test_a_commit_is_finished_however_often_its_runner_is_killed() -> None:
    left = [50]

    def draw(ways: list[str]) -> str:
        left[0] -= 1
        return "dies" if left[0] > 0 else ways[0]

    done = [line("step done", step=name) for name in STEPS[:-1]]
    world = World(draw, [*begins(), *done, line("committed")])
    assert world.play() == Outcome.COMMITTED
    assert {move.kind for move in world.moves} == {Kind.COMMIT, Kind.FINISH_END}
