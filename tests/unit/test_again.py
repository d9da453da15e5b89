"""What is tried once more, after a run of the tests in which some have failed."""

from __future__ import annotations

from tests.again import again


def test_a_story_is_tried_again_from_its_beginning_and_anything_else_alone() -> None:
    failed = [
        "tests/unit/test_disk.py::test_one",
        "tests/hosts/test_assets.py::test_third",
        "tests/hosts/test_assets.py::test_fourth[a b]",
        "tests/faults/test_matrix.py::TestDeploy::test_one[code-dies]",
        "tests/faults/test_failing_versions.py::test_one[bad-later-12]",
    ]
    assert again(failed) == [
        "tests/faults/test_failing_versions.py",
        "tests/faults/test_matrix.py::TestDeploy::test_one[code-dies]",
        "tests/hosts/test_assets.py",
        "tests/unit/test_disk.py::test_one",
    ]


def test_where_nothing_has_failed_nothing_is_tried_again() -> None:
    assert again({}) == []
