"""What is said of a run of the tests, from its junit files."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.mutations import Found, Module, changed, found, named, table
from tests.record import AGAIN, BAD, WELL, Case, page, read, read_all, said, write

NOON = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
# As pytest writes it: a test whose end failed as well as its call is there twice.
OF_PYTEST = """\
<testsuites><testsuite name="pytest" timestamp="2026-11-28T12:00:00+00:00" time="12.500">
<testcase classname="tests.hosts.test_deploy" name="test_a" time="10.5"><properties>
<property name="processor here" value="1.5" /><property name="processor on hosts" value="6.0" />
<property name="hosts up" value="9.0" /><property name="other" value="words" /></properties></testcase>
<testcase classname="tests.hosts.test_deploy" name="test_b" time="3.0"><failure message="no">why</failure></testcase>
<testcase classname="tests.hosts.test_deploy" name="test_b" time="3.0"><error message="no">why</error></testcase>
</testsuite></testsuites>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of three parts, in which one test was tried twice and passed the second time."""
    (tmp_path / "test-on-hosts.xml").write_text(OF_PYTEST)
    name = "tests.hosts.test_deploy"
    write(tmp_path / f"{AGAIN}.xml", name, [Case("test_b", WELL, 2.0)], NOON + timedelta(minutes=1), 60.0)
    rounds = [Case("round 1", WELL, 5.0), Case("round 2", BAD, 5.0)]
    write(tmp_path / "test-chaos.xml", "chaos", rounds, NOON + timedelta(minutes=2), 30.0)
    return tmp_path


def test_a_part_has_each_test_once_with_what_it_has_cost(folder: Path) -> None:
    part = read(folder / "test-on-hosts.xml")
    assert (part.name, part.began, part.seconds) == ("test-on-hosts", NOON, 12.5)
    assert part.cases == (
        Case("tests.hosts.test_deploy.test_a", WELL, 10.5, 1.5, 6.0, 9.0),
        Case("tests.hosts.test_deploy.test_b", BAD, 3.0),
    )


def test_the_page_names_commit_day_number_and_what_was_tried_twice(folder: Path) -> None:
    told = page(read_all(folder), "abc1234")
    assert "Commit abc1234, 2026-11-28 12:00 UTC: 4 tests in 2 minutes." in told
    assert "1 of them failed:\n\n- chaos.round 2\n" in told
    assert "| test-on-hosts | 2 | 1 | 0.2 | 0.0 | 0.1 | 0.1 |" in told
    assert "## Tried twice\n\n- tests.hosts.test_deploy.test_b: passed\n" in told


def test_a_run_without_a_failure_says_so(tmp_path: Path) -> None:
    write(tmp_path / "test-unit.xml", "unit", [Case("one", WELL, 1.0)], NOON, 2.0)
    told = page(read_all(tmp_path), "abc1234")
    assert "All of them passed." in told
    assert "Nothing was tried twice." in told


def test_the_slowest_come_first_on_the_screen(folder: Path) -> None:
    told = said(read_all(folder))
    assert told.index("tests.hosts.test_deploy.test_a") < told.index("chaos.round 1")


def test_a_folder_without_a_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make test"):
        read_all(tmp_path)


DIFF = """\
--- agent/text/lines.py
+++ agent/text/lines.py
@@ -1,2 +1,2 @@
 def first_line(text):
-    return text[0]
+    return text[1]
"""
SURVIVOR = "agent.text.lines.first_line: - return text[0] + return text[1]"


def test_a_survivor_is_named_by_its_function_and_what_is_changed() -> None:
    assert named("agent.text.lines.x_first_line__mutmut_12") == ("agent.text.lines", "first_line")
    assert named("agent.text.masking.xǁMaskǁ_of__mutmut_1") == ("agent.text.masking", "Mask._of")
    assert named("agent.text.lines.x__cut__mutmut_3") == ("agent.text.lines", "_cut")
    assert changed(DIFF) == "- return text[0] + return text[1]"


def test_what_was_not_tried_counts_as_neither_noticed_nor_survivor() -> None:
    name = "    agent.text.lines.x_first_line__mutmut_"
    results = f"{name}1: killed\n{name}2: survived\n{name}3: not checked\n{name}4: timeout\n"
    assert found(results, lambda _: DIFF) == Found((Module("agent.text.lines", 2, 3, 1),), (SURVIVOR,))


def test_the_page_has_the_survivors_under_their_word_and_new_ones_without(folder: Path) -> None:
    what = Found((Module("agent.text.lines", 2, 4),), (SURVIVOR, "agent.text.lines.other: - a + b"))
    told = page(read_all(folder), "abc1234", table(what, {SURVIVOR: "same"}))
    assert "2 of 4 changes were noticed; 0 were not tried." in told
    assert f"same:\n\n- `` {SURVIVOR} ``\n\nWithout a word:\n\n- `` agent.text.lines.other: - a + b ``" in told
