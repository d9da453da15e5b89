"""What hosts are at is shown while it goes on: in place on a terminal, as lines elsewhere, as JSON for programs."""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.text.lines import shown
from agent.words.history import Cost, PastRun
from agent.words.outcomes import Outcome
from agent.words.result import MARK, NEWS, News, Result, StepTold, framed_news, read_news, read_result
from switchback.progress import terminal
from switchback.progress.board import Board, late
from switchback.progress.rows import plain, rows
from switchback.progress.terminal import Screen
from switchback.progress.usual import usual
from switchback.wire import results

NOW, AT = 1000.0, 1_700_000_000.0


def board(*hosts: str, **took: float) -> Board:
    return Board(dict.fromkeys(hosts or ("web1",), took))


def hears(one: Board, step: str, seconds: float = 0.0, line: str = "", now: float = NOW) -> list[str]:
    return [event.event for event in one.hears("web1", News(step, False, seconds, line), now, AT)]


# --- What there is to tell


def test_a_step_is_told_when_it_starts_when_it_prints_something_and_when_it_has_ended() -> None:
    one = board(venv=8.0)
    assert hears(one, "venv", 0.2) == ["started"]
    assert hears(one, "venv", 1.0) == []
    assert hears(one, "venv", 2.0, "Collecting django") == ["output"]
    assert hears(one, "venv", 3.0, "Collecting django") == []
    ended = one.ends("web1", Result(True, steps=(StepTold("code", 0.3), StepTold("venv", 8.2))), NOW, AT)
    assert [(event.step, event.event, event.seconds, event.usual) for event in ended] == [
        ("code", "done", 0.3, None),
        ("venv", "done", 8.2, 8.0),
    ]
    # Each answer tells of all that have ended so far.
    assert one.ends("web1", Result(True, steps=(StepTold("code", 0.3), StepTold("venv", 8.2))), NOW, AT) == []
    assert one.at("web1") is None


def test_what_fails_is_told_with_why_and_then_how_the_run_has_ended() -> None:
    one = board(migrate=1.0)
    hears(one, "migrate", 0.0)
    assert [event.event for event in one.hears("web1", News("links", True, 0.1), NOW + 3, AT)] == ["undoing"]
    failed = Result(False, Outcome.FELL_BACK, failed="migrate", reason=("it broke", "  x"), seconds=9.0)
    told = one.ends("web1", failed, NOW + 5, AT)
    assert [(event.event, event.line) for event in told] == [("failed", "it broke"), ("ended", "fell back")]
    assert one.ends("web1", failed, NOW + 5, AT) == []
    assert rows(one, NOW + 60, 80, 24) == []


def test_of_a_host_that_has_told_nothing_yet_the_operation_that_waits_for_it_is_known() -> None:
    one = board()
    one.waits("web1", "Install the agent", NOW)
    assert rows(one, NOW + 4, 80, 24) == ["[web1] Install the agent … 4 s"]
    hears(one, "code", 2.0, now=NOW + 4)
    assert rows(one, NOW + 4, 80, 24) == ["[web1] code … 2 s"]
    one.waits("web1", "", NOW + 5)
    one.waits("another", "Install the agent", NOW)


def test_an_event_is_a_line_of_json() -> None:
    (event,) = board(venv=8.0).hears("web1", News("venv", False, 0.25, "Collecting \u2028 x"), NOW, AT)
    line = json.dumps(asdict(event))
    assert "\n" not in line
    assert json.loads(line) == {
        "at": AT,
        "host": "web1",
        "step": "venv",
        "event": "started",
        "seconds": 0.2,
        "usual": 8.0,
        "line": "Collecting \u2028 x",
    }


# --- Rows


def test_a_row_says_since_when_against_what_is_usual_and_the_last_line_of_output() -> None:
    one = board(build_script=7.1)
    hears(one, "build_script", 0.0, "Bundling")
    assert rows(one, NOW + 0.9, 80, 24) == []
    assert rows(one, NOW + 11.6, 80, 24) == ["[web1] build_script … 12 s (usually 7 s)  Bundling"]
    assert rows(one, NOW + 125, 80, 24) == ["[web1] build_script … 2 min 05 s (usually 7 s)  Bundling"]


def test_several_hosts_have_a_row_each_once_one_of_them_takes_long() -> None:
    one = board("web1", "database", venv=8.0)
    assert rows(one, NOW, 80, 24) == []
    hears(one, "venv", 3.0)
    assert rows(one, NOW, 80, 24) == ["[web1]     venv … 3 s (usually 8 s)", "[database] waits for the others"]


@pytest.mark.parametrize("height", [1, 5, 24, 29, 60])
def test_of_more_hosts_than_the_screen_has_lines_those_have_rows_that_take_longest(height: int) -> None:
    one = board(*(f"web{number}" for number in range(30)))
    for number in range(30):
        one.hears(f"web{number}", News("venv", seconds=float(number)), NOW, AT)
    shown = rows(one, NOW, 80, height)
    assert len(shown) <= max(1, height - 4)
    left = 30 - len(shown) + 1 if len(shown) < 30 else 0
    assert [line for line in shown if "more hosts" in line] == ([f"… and {left} more hosts"] if left else [])
    assert [line.split("]")[0] for line in shown if "more hosts" not in line] == [f"[web{n}" for n in range(left, 30)]


@given(st.text(), st.text(), st.integers(1, 300), st.floats(0, 100_000), st.lists(st.text(min_size=1), unique=True))
def test_no_row_is_as_wide_as_the_screen_and_none_has_what_a_terminal_obeys(
    step: str, line: str, width: int, seconds: float, others: list[str]
) -> None:
    # As it comes from a host: what a terminal would obey is written out, and it is one line.
    news = read_news(framed_news(News(shown(step).replace("\n", " "), False, seconds, shown(line).replace("\n", " "))))
    assert news is not None
    one = Board({"web1": {}, **{f"web{number}": {} for number, _ in enumerate(others, 2)}})
    one.hears("web1", news, NOW, AT)
    for row in rows(one, NOW, width, 24):
        assert len(row) < max(width, 1) or width < 8
        assert "\n" not in row
        assert "\x1b" not in row


# --- Lines


def test_a_log_is_told_when_something_takes_long_and_from_then_on_every_half_minute() -> None:
    one, told = board(venv=8.0), []
    hears(one, "venv", 0.0)
    for second in range(100):
        for name, doing, begins in late(one, NOW + second, 3, 30):
            told.append((second, plain(one, name, doing, NOW + second, begins)))
        hears(one, "venv", float(second), f"line {second}", now=NOW + second)
    assert told == [
        (3, "venv: began 3 s ago, usually takes 8 s"),
        (33, "venv: 33 s (usually 8 s) by now: line 32"),
        (63, "venv: 1 min 03 s (usually 8 s) by now: line 62"),
        (93, "venv: 1 min 33 s (usually 8 s) by now: line 92"),
    ]


def test_what_is_over_soon_has_no_line_of_its_own() -> None:
    one = board()
    hears(one, "code", 0.0)
    assert late(one, NOW + 2.9, 3, 30) == []


# --- The terminal


class Emulated:
    """As much of a terminal as the rows need: it knows how many columns there are, and goes up and erases."""

    def __init__(self, width: int) -> None:
        self.lines, self.at, self.width = [""], 0, width

    def feed(self, text: str) -> None:
        for part in re.findall(r"\x1b\[1A|\x1b\[J|\r|\n|[^\x1b\r\n]", text):
            if part == "\x1b[1A":
                self.at -= 1
                assert self.at >= 0
            elif part == "\x1b[J":
                self.lines[self.at :] = [""]
            elif part == "\n":
                self.at += 1
                self.lines[self.at :] = (
                    [*self.lines[self.at :], ""][:1] if self.at == len(self.lines) else self.lines[self.at :]
                )
            elif part != "\r":
                self.lines[self.at] += part
                assert len(self.lines[self.at]) <= self.width

    def shown(self) -> list[str]:
        return [line for line in self.lines if line]


@given(st.lists(st.one_of(st.lists(st.sampled_from(["a row", "another"]), max_size=4), st.just("a line"))))
def test_whatever_is_written_stands_above_the_rows_and_rows_leave_nothing_behind(actions: list[Any]) -> None:
    out, emulated = io.StringIO(), Emulated(80)
    screen = Screen(out)
    written, drawn = 0, list[str]()
    for action in actions:
        if isinstance(action, str):
            screen.write(f"{action} {written}\n")
            written, drawn = written + 1, []
        else:
            screen.draw(action)
            drawn = action
    emulated.feed(out.getvalue())
    assert emulated.shown() == [*(f"a line {number}" for number in range(written)), *drawn]
    screen.erase()
    assert "\x1b" not in out.getvalue().replace("\x1b[1A", "").replace("\x1b[J", "")


def test_nothing_is_drawn_below_a_line_that_is_not_at_its_end() -> None:
    out = io.StringIO()
    screen = Screen(out)
    screen.write("Press enter: ")
    screen.draw(["a row"])
    assert out.getvalue() == "Press enter: "
    screen.write("\n")
    screen.draw(["a row"])
    assert out.getvalue().endswith("a row")


def test_nothing_is_drawn_where_it_can_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("PYINFRA_PROGRESS", raising=False)
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert not terminal.can_draw()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert terminal.can_draw()
    for name, value in (("TERM", "dumb"), ("PYINFRA_PROGRESS", "off")):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            assert not terminal.can_draw()


# --- What travels


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, News]] = []

    def news(self, host: str, news: News) -> None:
        self.heard.append((host, news))

    def result(self, host: str, result: Result) -> None:
        """Nothing."""


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    monkeypatch.setattr(results, "_listeners", [])
    monkeypatch.setattr(results, "_stamps", [])
    one = Listener()
    results.listen(one)
    return one


def test_news_are_heard_and_never_printed(listener: Listener, capsys: pytest.CaptureFixture[str]) -> None:
    news = News("venv", False, 3.0, "Collecting [x] \\x1b")
    results._echo(f"\x1b[0m[\x1b[1mweb1\x1b[0m] {framed_news(news)}", err=True)
    assert listener.heard == [("web1", news)]
    for broken in (NEWS, f"{NEWS}{{", f"{NEWS}[]", f'{NEWS}{{"step": 3}}'):
        results._echo(f"[web1] {broken}", err=True)
    assert len(listener.heard) == 1
    assert capsys.readouterr() == ("", "")


def test_news_are_no_end_of_a_call() -> None:
    assert read_result([framed_news(News("venv"))]) is None
    assert not framed_news(News("venv")).startswith(MARK)


def test_in_a_log_each_line_of_a_host_has_its_time(listener: Listener, capsys: pytest.CaptureFixture[str]) -> None:
    results.stamp_lines(lambda: "12:00:00")
    for line in ("[web1] venv: done in 3 s", "--> no line of a host's", "[web1] >>> what it was asked"):
        results._echo(line, err=True)
    assert capsys.readouterr().err.splitlines() == [
        "12:00:00 [web1] venv: done in 3 s",
        "--> no line of a host's",
        "[web1] >>> what it was asked",
    ]


# --- What is usual


def test_what_a_step_usually_takes_is_in_the_middle_of_the_last_runs_of_that_kind_that_went_well() -> None:
    def past(outcome: Outcome = Outcome.COMMITTED, kind: str = "deploy", **steps: float) -> PastRun:
        return PastRun("x", outcome, kind, cost=Cost(steps=steps))

    others = [past(Outcome.FELL_BACK, venv=99), past(kind="build", venv=98), PastRun("x", Outcome.COMMITTED)]
    assert usual([past(venv=1), past(venv=8, code=0.3), *others, past(venv=3)], "deploy") == {"venv": 3, "code": 0.3}
    assert usual([past(venv=1) for _ in range(10)] + [past(venv=7) for _ in range(10)], "deploy") == {"venv": 7}
    assert usual([], "deploy") == {}
