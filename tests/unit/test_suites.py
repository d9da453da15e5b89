"""The Debians that hosts are made of."""

from __future__ import annotations

import pytest

from tests.bed import base, image
from tests.bed.progress import BedError
from tests.bed.suites import SUITES, chosen


def test_a_host_is_of_debian_12_unless_another_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BED_SUITE", raising=False)
    assert chosen().name == "bookworm"
    monkeypatch.setenv("BED_SUITE", "trixie")
    assert (chosen().name, chosen().python) == ("trixie", "313")


def test_one_that_the_bed_does_not_know_is_refused_with_those_that_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BED_SUITE", "sid")
    with pytest.raises(BedError, match="no suite sid: BED_SUITE names one of bookworm, trixie"):
        chosen()


def test_each_has_images_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set[str]()
    for suite in SUITES:
        monkeypatch.setenv("BED_SUITE", suite)
        names |= {base.base_image(), image.host_image()}
    assert len(names) == 2 * len(SUITES)
