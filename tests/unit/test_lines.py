"""Texts that others have written: their lines, how much is kept of them, and what of them a terminal gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.text.lines import LINE, SAYING_SO, TEXT, bounded, bounded_values, cut, first_line, lines_of, shown


@pytest.mark.parametrize(
    ("text", "lines"),
    (
        ("", []),
        ("one", ["one"]),
        ("one\n", ["one"]),
        ("one\ntwo", ["one", "two"]),
        ("one\n\n", ["one", ""]),
        ("a page\x0cof one line\u2028still\r\n", ["a page\x0cof one line\u2028still\r"]),
    ),
)
def test_a_line_ends_where_a_line_feed_is_and_nowhere_else(text: str, lines: list[str]) -> None:
    assert lines_of(text) == lines
    assert first_line(text) == (lines or [""])[0]


def test_a_line_is_cut_only_where_that_makes_it_shorter_and_says_by_how_much() -> None:
    assert cut("x" * (10 + SAYING_SO), 10) == "x" * (10 + SAYING_SO)
    assert cut("x" * (11 + SAYING_SO), 10) == f"{'x' * 10}… and {1 + SAYING_SO} more characters"
    assert cut("x" * (LINE + SAYING_SO)) == "x" * (LINE + SAYING_SO)
    assert cut("x" * (LINE + 100)) == f"{'x' * LINE}… and 100 more characters"


def test_of_a_long_text_the_beginning_and_the_end_are_kept() -> None:
    assert bounded("a" * (10 + SAYING_SO), most=10) == "a" * (10 + SAYING_SO)
    text = "b" * 50 + "m" * 100 + "e" * 50
    assert bounded(text, most=100) == f"{'b' * 50}\n… 100 characters are left out …\n{'e' * 50}"
    assert bounded(text, most=101) == f"{'b' * 50}\n… 99 characters are left out …\n{'e' * 50}"
    assert bounded("a\n" + "x" * 100 + "\nz", longest=10) == f"a\n{'x' * 10}… and 90 more characters\nz"
    lines = "0123456789\n" * (TEXT // 11)
    assert bounded(lines) == lines
    assert len(bounded(lines * 2)) < TEXT + 2 * SAYING_SO


def test_every_text_within_a_value_is_bounded_and_all_else_is_as_it_was() -> None:
    long = "x" * (LINE + 100)
    short = f"{'x' * LINE}… and 100 more characters"
    assert bounded_values({"a": [long, ("b", long)], "c": 3, "d": None, "e": True}) == {
        "a": [short, ["b", short]],
        "c": 3,
        "d": None,
        "e": True,
    }


@pytest.mark.parametrize(
    ("text", "seen"),
    (
        ("plain, ä and 漢", "plain, ä and 漢"),
        ("a\tb\nc", "a\tb\nc"),
        ("over\rwritten", "over\\rwritten"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("left \u202e right", "left \\u202e right"),
        ("\x1e{}", "\\x1e{}"),
    ),
)
def test_what_a_terminal_would_obey_is_written_out(text: str, seen: str) -> None:
    assert shown(text) == seen


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left_in_any_text(text: str) -> None:
    assert all(one.isprintable() or one in "\n\t" for one in shown(text))
