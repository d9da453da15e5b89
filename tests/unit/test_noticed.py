"""What visitors noticed of a run is told as a duration, and as nothing where nobody noticed anything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.notify.noticed import visitors
from agent.words.history import Cost
from agent.words.notes import Asked

ALL_WELL, OUT = Asked(12, 0, 0.0), Asked(12, 10, 5.77)
UNNOTICED = Cost(ALL_WELL, ALL_WELL, pieces=1, never=True)
SHUT = Cost(OUT, Asked(57, 6, 1.07), pieces=1, maintenance=5.8)


@pytest.mark.parametrize(
    ("cost", "says"),
    [
        (None, ""),
        (Cost(), ""),
        (UNNOTICED, "noticed nothing"),
        (SHUT, "saw the maintenance page for 5.8 s (the app was down for 1.1 s of that)"),
        (replace(SHUT, app=ALL_WELL), "saw the maintenance page for 5.8 s"),
        (replace(SHUT, still=True), "have seen the maintenance page for 5.8 s, and still do"),
        (replace(SHUT, unsure=True, app=ALL_WELL), "may have seen the maintenance page for 5.8 s"),
        (replace(SHUT, unsure=True, still=True), "have perhaps seen the maintenance page for 5.8 s, and still do"),
        (replace(SHUT, site=Asked(200, 199, 12.0)), "saw the maintenance page for 5.8 s, and no site for 6.2 s more"),
        (replace(UNNOTICED, site=OUT), "were without the site for 5.8 s (10 of 12 requests failed)"),
        (
            replace(UNNOTICED, site=OUT, pieces=2),
            "were without the site for at least 5.8 s (10 of 12 requests failed)",
        ),
        (replace(UNNOTICED, site=Asked(9, 1, 0.0)), "were without the site for a moment (1 of 9 requests failed)"),
        (
            replace(SHUT, site=ALL_WELL, unseen=True),
            "noticed nothing, though the maintenance script ran: it kept nobody out",
        ),
        (replace(SHUT, before="answers 502"), "did not get the site before this began either: answers 502"),
    ],
)
def test_what_visitors_noticed_is_told_as_a_duration(cost: Cost | None, says: str) -> None:
    assert visitors(cost) == says


ASKED = st.builds(Asked, st.integers(0, 999), st.integers(0, 999), st.floats(0, 9999))


@given(
    st.builds(
        Cost,
        site=st.none() | ASKED,
        app=st.none() | ASKED,
        pieces=st.integers(0, 3),
        maintenance=st.floats(0, 9999),
        still=st.booleans(),
        never=st.booleans(),
        unseen=st.booleans(),
        unsure=st.booleans(),
    )
)
def test_nobody_is_said_to_have_noticed_nothing_who_was_without_the_site(cost: Cost) -> None:
    told = visitors(cost)
    assert "probes" not in told
    if cost.site and cost.site.failed:
        assert "noticed nothing" not in told
    if cost.never or cost.unseen:
        assert "saw the maintenance page" not in told
    if cost.still and cost.site and not cost.never and not cost.unseen and cost.maintenance:
        assert "still do" in told
