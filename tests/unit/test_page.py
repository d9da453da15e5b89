"""The page of a run: what it shows, and that nothing in it is anybody's but ours, whoever has written it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agent.words.history import Cost, Evidence, Part, PastRun, Record, Span, Text
from agent.words.journal import Commit
from agent.words.notes import Asked, Out
from agent.words.outcomes import Outcome
from switchback.page import timeline
from switchback.page.compared import compared
from switchback.page.render import page
from switchback.page.timeline import Axis, axis_of, lane_of
from switchback.page.view import ROOM, Told, view_of
from switchback.plan.model import Fallback, HostPreview, Preview, Service, Window
from switchback.plan.parts import Migration, Migrations
from tests.pages import Tags, assert_nobody_elses
from tests.unit.examples import LIVE, NEW

NOON = 1_795_435_200.0
ID = "20261123-120000-deploy-ab12"
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "</pre></details><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }} {% raw %}",
    "<!-- ]]> -->",
    "&lt;b&gt;",
    "\x1b[31mred\x1b[0m\r",
    "\u202egnp.exe",
    "a\0b",
    "<" * 1000,
)


def record(text: str = "", **values: Any) -> Record:
    """A deploy that fell back, in which everything that others have a say in says something."""
    run = PastRun(
        ID,
        Outcome.FELL_BACK,
        by=f"Ann {text}",
        login=f"ann@desk{text}",
        began=NOON,
        ended=NOON + 9,
        version=NEW + text,
        was=LIVE + text,
        code=Commit(f"v2{text}", "c" * 40),
        step="migrate" + text,
        reason=f"it broke {text}",
        why=f"KeyError: {text}",
        backup=f"/backups/{text}",
        sentence=f"fell back at migrate: {LIVE} is live {text}; evidence: /x",
        cost=Cost(site=Asked(9, 8, 3.5), maintenance=2.0),
    )
    parts = (
        Part("code" + text, "build", NOON, 1.0, "done", text),
        Part("shared", "build", NOON + 1, 0.0, "skipped", f"nothing is shared {text}"),
        Part("migrate", "switch", NOON + 3, 2.0, "failed", f"did not finish\nKeyError: {text}"),
        Part("restart", "switch", NOON + 5, 0.0, "open"),
        Part("database", "back", NOON + 6, 1.0, "done", text),
    )
    known = Record(
        run,
        True,
        NOON + 60,
        f"/var/lib/{text}",
        hosts=("web1",),
        parts=parts,
        shut=(Span(NOON + 4, NOON + 6),),
        asked=(Span(NOON + 2, NOON + 9),),
        site=(Out(NOON + 3, NOON + 7, 40),),
        app=(Out(NOON + 5, NOON + 5.5, 3),),
        story=(f"12:00:00 deploy {text}",),
        texts=(Text(f"evidence/{text}.log", 70_000, f"{text}\n"), Text("output/code.log", 3, "ok\n")),
    )
    return replace(known, **values)


def foreseen(**changes: Any) -> Preview:
    """What such a deploy would do."""
    pending = (Migration(app="items", name="0002_note", reversible=True),)
    host = HostPreview(
        host="web1",
        primary=True,
        was=LIVE,
        version=NEW,
        healthy=True,
        settings={},
        migrations=Migrations(source="django", pending=pending),
        service=Service(unit="django", restart="rolling"),
        window=Window(shown=True, why="maintenance: always"),
        fallback=Fallback(way="reverse"),
    )
    return Preview(kind="deploy", made="2026-11-23T12:00:00Z", hosts=(host.model_copy(update=changes),))


def made(told: Record, host: str = "web1", lines: Sequence[str] = (), preview: Preview | None = None) -> str:
    return page(Told(told.run.deploy, {host: Evidence(told)}, preview, lines), now=NOON + 70)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_anybody_s_becomes_a_part_of_the_page(text: str) -> None:
    calm = Tags(made(record("x"), lines=["x"]))
    hostile = assert_nobody_elses(made(record(text), host=f"web1{text}", lines=[text]))
    assert hostile.tags == calm.tags
    assert hostile.values == calm.values


def test_a_page_needs_nothing_but_itself_and_may_run_nothing() -> None:
    text = made(record())
    assert "default-src 'none'" in text
    assert not re.search(r"(?:src|href|url\(|@import|http-equiv=.refresh)\s*=?\s*[\"'(]?(?:https?:)?//", text)
    assert "<script" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_nobody_sees_or_what_turns_a_line_around_is_written_out(text: str) -> None:
    told = made(record(text), host=text, lines=[text])
    assert [one for one in told if not one.isprintable() and one not in "\n"] == []


def test_the_verdict_the_line_that_matters_and_who_it_was_come_first() -> None:
    told = Tags(made(record("boom"))).text
    wanted = ("v2boom (ccccccc)", "fell back at migrate", "KeyError: boom", "Ann boom (ann@deskboom)", "took 9.0 s")
    assert [told.index(one) for one in wanted] == sorted(told.index(one) for one in wanted)
    assert "saw the maintenance page for 2.0 s, and no site for 1.5 s more" in told


def test_a_host_that_has_told_nothing_is_named() -> None:
    text = page(Told(ID, {"web1": Evidence(record()), "web2": None, "web3": Evidence(None)}), now=NOON)
    told = Tags(text).text
    for name in ("web2", "web3"):
        assert f"{name} has told nothing of this run." in told
    assert "has not been heard to end" in Tags(page(Told(ID, {"web1": None}), now=NOON)).text


def test_the_worst_ending_of_all_hosts_is_the_verdict() -> None:
    good = record(run=replace(record().run, outcome=Outcome.COMMITTED, why="", reason=None))
    view = view_of(Told(ID, {"web1": Evidence(good), "web2": Evidence(record())}), NOON)
    assert (view.tone, [one.tone for one in view.hosts]) == ("bad", ["good", "bad"])


def test_no_page_is_longer_than_a_host_takes() -> None:
    texts = tuple(Text(f"output/{number}.log", 60_000, "<" * 60_000) for number in range(40))
    text = made(record(texts=texts))
    assert len(text) < ROOM * 1.2
    assert "there is no room for more in this page" in text


def test_a_line_of_a_megabyte_has_room() -> None:
    text = made(record(texts=(Text("evidence/web.log", 1_000_000, "y" * 1_000_000),)))
    assert "y" * 1_000_000 in text


# --- What is drawn


def test_all_hosts_share_an_axis_from_the_first_beginning_to_the_last_end() -> None:
    late = record(run=replace(record().run, began=NOON + 1, ended=NOON + 19))
    axis = axis_of([record(), late])
    assert (axis.since, axis.until) == (NOON, NOON + 19)
    assert [one.label for one in axis.marks()] == ["0 s", "5 s", "10 s", "15 s"]


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.5, 3, 59, 61, 3599, 3601, 90_000, 10**7])
def test_an_axis_has_marks_that_can_be_read_however_long_it_is(seconds: float) -> None:
    marks = Axis(NOON, NOON + seconds).marks()
    assert marks[0].x == 0
    assert len({one.label for one in marks}) == len(marks)
    assert len(marks) <= timeline.MARKS + 1 or seconds > timeline.STEPS[-1] * timeline.MARKS


def test_nothing_is_drawn_beside_the_axis_or_too_short_to_be_seen() -> None:
    axis = Axis(NOON, NOON + 10)
    for since, until in ((-5, -1), (-5, 5), (5, 5), (9.999, 10), (20, 30), (5, 4)):
        bar = axis.bar(NOON + since, NOON + until)
        assert bar.x >= 0
        assert bar.width >= timeline.LEAST
        assert bar.x + bar.width <= timeline.LENGTH + 0.1


def test_what_visitors_got_is_told_apart_the_site_the_page_and_nothing() -> None:
    told = record()
    lane = lane_of(told, axis_of([told]))
    places = {"asked": lane.asked, "shut": lane.shut, "lost": lane.lost, "app": lane.app}
    assert {name: [(bar.x, bar.width) for bar in bars] for name, bars in places.items()} == {
        "asked": [(222.2, 777.8)],
        "shut": [(444.4, 222.2)],
        # Before the page came, and after it had gone.
        "lost": [(333.3, 111.1), (666.7, 111.1)],
        "app": [(555.6, 55.6)],
    }


def test_a_step_that_had_nothing_to_do_is_not_drawn_and_one_that_was_cut_off_goes_to_the_end() -> None:
    told = record()
    lane = lane_of(told, axis_of([told]))
    assert [(row.name, row.kind, row.took) for row in lane.rows] == [
        ("code", "build", "1.0 s"),
        ("migrate", "failed", "2.0 s"),
        ("restart", "open", "did not end"),
        ("database", "back", "1.0 s"),
    ]
    assert lane.rows[2].bar.x + lane.rows[2].bar.width == pytest.approx(timeline.LENGTH, abs=0.1)
    assert lane.idle == ("shared: nothing is shared ",)
    assert lane.rows[1].says == "KeyError:"


# --- The preview beside it


def test_what_was_foreseen_stands_beside_what_has_happened() -> None:
    preview = foreseen()
    rows = {one.what: (one.foreseen, one.happened) for one in compared(preview.hosts[0], record())}
    assert rows["live version"] == (f"{LIVE} → {NEW}", f"{LIVE} is live ")
    assert rows["migrations"] == ("1 migration: items.0002_note", "failed after 2.0 s")
    assert rows["way back"] == ("database: reverse", "undone: database")
    told = Tags(made(record(), preview=preview, lines=["visitors: the page"]))
    assert "Foreseen, and what happened" in told.text
    assert "The preview, as it was shown before" in told.text


def test_where_nobody_knows_what_was_foreseen_only_what_happened_is_told() -> None:
    for preview in (None, foreseen(looked_ahead=False)):
        told = Tags(made(record(), preview=preview)).text
        assert "Foreseen" not in told
        assert "What happened" in told
