"""What a run has cost, counted from its journal; `test_noticed.py` has how that is said."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.transaction.cost import measured, measured_or_nothing
from agent.visitors import probes
from agent.visitors.probes import LONGEST_REST, MOST_OUT, Probe, rest
from agent.words.history import Cost
from agent.words.notes import Asked
from tests.unit.examples import settings
from tests.unit.journals import progress

Record = dict[str, Any]


def done(step: str, at: float, seconds: float, **note: Any) -> Record:
    return {"event": "step done", "step": step, "at": at, "seconds": seconds, "note": note}


def downtime(at: float, failed: int, outage: float) -> Record:
    good = {"asked": 10, "failed": 0, "outage": 0.0}
    site = {"asked": 20, "failed": failed, "outage": outage}
    return {"event": "note", "step": "downtime", "at": at, "note": {str(at): {"site": site, "app": good}}}


WINDOW: list[Record] = [
    {"event": "begin", "at": 0.0, "site_before": {"status": 200}},
    {"event": "step started", "step": "maintenance_start", "at": 10.0},
    done("maintenance_start", 10.1, 0.02, page={"status": 503}),
    done("restart", 13.0, 1.5),
    done("maintenance_stop", 15.5, 0.01),
    downtime(15.6, 4, 0.2),
]


def test_what_several_calls_have_seen_is_added_up() -> None:
    found = measured(progress(*[*WINDOW, downtime(16.0, 2, 0.1004)]))
    assert found.site == Asked(40, 6, 0.3)
    assert found.app == Asked(20, 0, 0.0)


def test_maintenance_lasts_from_before_its_start_to_its_end() -> None:
    assert measured(progress(*WINDOW)).maintenance == 5.5
    # Visitors are in while the new version is watched, and while the old one is.
    watched = done("watch", 19.0, 3.0)
    assert measured(progress(*WINDOW, watched)).maintenance == 5.5
    back: list[Record] = [*WINDOW[:3], {"event": "undo done", "action": "maintenance", "at": 12.0}]
    assert measured(progress(*back)).maintenance == 2.0
    assert measured(progress(*back, {"event": "undo done", "action": "watch", "at": 16.0})).maintenance == 2.0
    back[-1]["at"] = 12.004
    assert measured(progress(*back)).maintenance == 2.0


def test_maintenance_that_was_not_started_was_never_on() -> None:
    skipped = [
        WINDOW[1],
        done("maintenance_start", 10.1, 0.0, skipped="not needed"),
        done("maintenance_stop", 11.0, 0.0),
    ]
    for records in (skipped, skipped[1:], [WINDOW[0]]):
        found = measured(progress(*records))
        assert (found.maintenance, found.never) == (0.0, True)


def test_maintenance_that_has_not_ended_is_still_on() -> None:
    found = measured(progress(*[*WINDOW[:4], downtime(17.0, 4, 0.2)]))
    assert (found.maintenance, found.still, found.never) == (7.0, True, False)


def test_maintenance_that_kept_nobody_out_was_not_on() -> None:
    unseen = done("maintenance_start", 10.1, 0.0, unseen=True)
    found = measured(progress(*WINDOW[:2], unseen, *WINDOW[4:]))
    assert (found.unseen, found.maintenance, found.still) == (True, 0.0, False)


def test_maintenance_that_nobody_has_seen_on_may_have_been() -> None:
    started = done("maintenance_start", 10.1, 0.0)
    ended, still = [*WINDOW[:2], started, *WINDOW[4:]], [*WINDOW[:2], started, WINDOW[-1]]
    found = [measured(progress(*records)) for records in (ended, still)]
    assert [(one.unsure, one.maintenance, one.still) for one in found] == [(True, 5.5, False), (True, 5.6, True)]
    # Nobody has looked at the site before, so nobody looked then.
    for begin in ([{"event": "begin", "at": 0.0}], []):
        looked = measured(progress(*begin, WINDOW[1], started, *WINDOW[4:]))
        assert (looked.never, looked.unseen, looked.unsure) == (False, False, False)


def test_how_often_nobody_looked_in_between_is_counted() -> None:
    assert measured(progress(*[*WINDOW, downtime(16.0, 2, 0.1)])).pieces == 2


def test_a_site_that_was_out_before_it_began_is_known_as_such_but_where_none_was_live() -> None:
    page = {"status": 502, "wrong": "http://x/ answers 502"}
    begin = {"event": "begin", "at": 0.0, "site_before": page, "was": "django-20251101-000000-1111111-2222222"}
    assert measured(progress(begin, *WINDOW[1:])).before == "http://x/ answers 502"
    assert measured(progress({**begin, "was": None}, *WINDOW[1:])).before == ""
    assert measured(progress(*WINDOW)).before == ""


def test_of_a_run_that_touched_nothing_there_are_the_seconds_of_its_steps_alone() -> None:
    assert measured(progress(*[{"event": "begin", "at": 0.0}])).site is None
    found = measured(progress(*[done("code", 1.0, 0.5)]))
    assert (found.site, found.app, found.steps) == (None, None, {"code": 0.5})


@given(st.integers(0, len(WINDOW)))
def test_the_cost_of_every_prefix_can_be_told(length: int) -> None:
    measured(progress(*WINDOW[:length]))


def test_a_journal_whose_cost_can_not_be_told_keeps_no_deploy_from_ending(capsys: pytest.CaptureFixture[str]) -> None:
    odd: list[Record] = [{"event": "note", "step": "downtime", "at": 1.0, "note": {"1.0": {"site": {}}}}]
    assert measured_or_nothing(progress(*odd)) == Cost()
    assert capsys.readouterr().out.startswith("what the run has cost can't be told: Unreadable: downtime")
    assert measured_or_nothing(progress(*WINDOW)) == measured(progress(*WINDOW))


# --- Asking


class Site(BaseHTTPRequestHandler):
    """A site that fails so many times, and then works."""

    failures = 0
    asked = threading.Semaphore(0)

    def do_GET(self) -> None:
        failing = type(self).failures > 0
        type(self).failures -= failing
        self.send_response(503 if failing else 200)
        self.end_headers()
        type(self).asked.release()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


def test_failed_probes_are_counted_and_the_outage_ends_with_the_first_good_one() -> None:
    Site.failures, Site.asked = 3, threading.Semaphore(0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        probe = Probe(f"http://127.0.0.1:{server.server_port}/", {}, (200,), every=0.001)
        probe.start()
        for _ in range(5):
            assert Site.asked.acquire(timeout=10)
        probe.enough()
        found = probe.found()
        server.shutdown()
        thread.join()
    assert found.asked >= 5
    assert found.failed == 3
    assert found.outage > 0
    (out,) = found.out
    assert out.failed == 3
    assert out.until - out.since == pytest.approx(found.outage, abs=0.01)
    assert abs(time.time() - out.until) < 10


def test_more_outages_than_are_told_one_by_one_are_told_as_one_with_the_last() -> None:
    probe = Probe("http://127.0.0.1:1/", {}, (200,))
    for number in range(MOST_OUT + 3):
        probe._was_out(number, number + 0.5, 2)
    out = probe._out
    assert (len(out), sum(one.failed for one in out)) == (MOST_OUT, 2 * (MOST_OUT + 3))
    assert out[-1].until - out[-1].since == pytest.approx(3.5, abs=0.01)


@given(st.floats(0, 10))
def test_who_needs_long_for_a_good_answer_is_asked_less_often_and_a_bad_one_is_followed_at_once(took: float) -> None:
    assert rest(0.05, took, good=True) >= min(3 * took, LONGEST_REST)
    assert rest(0.05, took, good=True) + took >= 0.05
    assert rest(0.05, took, good=False) <= 0.05


@pytest.mark.parametrize(
    ("way", "every"),
    [({"way": "restart", "interrupts": True}, 0.05), ({"way": "rolling", "interrupts": False}, 0.25)],
)
def test_the_app_itself_is_asked_less_often_where_it_is_not_meant_to_be_out(
    way: dict[str, Any], every: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, float] = {}

    class Recorder(SimpleNamespace):
        def __init__(self, url: str, headers: Any, expected: Any, every: float = probes.EVERY) -> None:
            super().__init__(start=lambda: asked.update({url: every}), enough=list, found=lambda: Asked(1, 0, 0.0))

    monkeypatch.setattr(probes, "Probe", Recorder)
    told = settings().for_host()
    found = probes.ask(progress({"event": "begin", "settings": told, "restart": way}), lambda: None)
    assert (found.site, found.app) == (Asked(1, 0, 0.0), Asked(1, 0, 0.0))
    assert abs(time.time() - found.since) < 10
    assert asked == {told.website_url: 0.05, told.health_url: every}
