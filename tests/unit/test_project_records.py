"""What is said of the projects that were played, from the junit files of their run."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.projects.record import NOT_PLAYED, PROPERTY, Record, page, read

SECONDS = {"first": 20.4, "second": 12.0, "late": 15.6, "revert": 5.0}
FAILED = {"second": [0, 240], "late": [31, 300], "revert": [0, 100]}
SHOP = Record("shop, on MariaDB", ["host: www.example.com", "secrets: [KEY]"], SECONDS, FAILED)
BLOG = Record("Blog", ["host: www.example.com"], SECONDS, FAILED)


def written(file: Path, *records: Record) -> None:
    suite = ElementTree.Element("testsuite")
    for record in records:
        case = ElementTree.SubElement(ElementTree.SubElement(suite, "testcase"), "properties")
        ElementTree.SubElement(case, "property", name="hosts up", value="9.0")
        ElementTree.SubElement(case, "property", name=PROPERTY, value=record.text())
    ElementTree.ElementTree(suite).write(file)


def test_the_records_of_all_parts_of_a_run_are_read_and_sorted(tmp_path: Path) -> None:
    written(tmp_path / "test-projects.xml", SHOP)
    written(tmp_path / "test-wagtail.xml", BLOG)
    assert read(tmp_path) == [BLOG, SHOP]


def test_the_page_has_a_row_and_the_settings_of_each_project() -> None:
    told = page([SHOP], "abc1234")
    assert "| shop, on MariaDB | 2 | 20 s | 12 s | 16 s | 5 s | 0 of 240 | 0 of 100 | 31 of 300 |" in told
    assert "Shop, on MariaDB:\n\n    host: www.example.com\n    secrets: [KEY]\n" in told
    assert "of commit abc1234" in told
    assert "What failed" not in told


def test_the_page_names_what_has_failed() -> None:
    told = page([SHOP], "abc1234", ["tests.projects.test_blog.test_it"])
    assert "## What failed\n\n- tests.projects.test_blog.test_it\n" in told


def test_the_page_says_of_what_is_missing_why() -> None:
    assert all(f"| {what} | {why} |" in page([SHOP], "abc1234") for what, why in NOT_PLAYED.items())


def test_a_project_with_more_lines_than_an_ordinary_one_is_none() -> None:
    with pytest.raises(AssertionError):
        Record("much", ["key: value"] * 13)
