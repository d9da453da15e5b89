"""The agent's frozen dataclasses are as the standard library's, which cost more to make."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable

import pytest

from agent.inside import lean
from agent.inside.lean import dataclass


@dataclass(frozen=True)
class Place:
    """Where something is."""

    host: str
    port: int = 80
    names: list[str] = dataclasses.field(default_factory=list)


@dataclass(frozen=True)
class Hidden(Place):
    path: str = "/"


@dataclass(frozen=True)
class Spoken:
    word: str

    def __repr__(self) -> str:
        return self.word


@dataclass(frozen=True)
class Learned:
    """What is read, and what is kept of it meanwhile."""

    text: str
    kept: dict[str, str] = dataclasses.field(default_factory=dict, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Costly:
    host: str
    port: int = 80
    names: list[str] = dataclasses.field(default_factory=list)


def test_it_is_made_from_its_fields_in_their_order_or_by_name_and_the_rest_is_as_by_default() -> None:
    for made in (Place("a"), Place(host="a"), Place("a", 80), Place("a", port=80, names=[])):
        assert (made.host, made.port, made.names) == ("a", 80, [])
    assert Place("a").names is not Place("a").names
    inherited = Hidden("a", path="/b")
    assert (inherited.host, inherited.port, inherited.path) == ("a", 80, "/b")


WRONG: list[Callable[[Callable[..., object]], object]] = [
    lambda shape: shape(),
    lambda shape: shape(port=80),
    lambda shape: shape("a", host="a"),
    lambda shape: shape("a", 1, [], "more"),
    lambda shape: shape("a", color="red"),
]


@pytest.mark.parametrize("make", WRONG)
@pytest.mark.parametrize("shape", [Place, Costly])
def test_it_is_not_made_without_a_field_nor_with_one_that_is_none(
    shape: Callable[..., object], make: Callable[[Callable[..., object]], object]
) -> None:
    with pytest.raises(TypeError, match=shape.__name__):
        make(shape)


def test_it_is_equal_to_one_of_the_same_class_and_the_same_values_alone() -> None:
    assert Place("a") == Place("a")
    assert Place("a") != Place("b")
    assert Place("a") != Hidden("a")
    other: object = Costly("a")
    assert Place("a") != other
    assert len({Spoken("a"), Spoken("a"), Spoken("b")}) == 2


def test_it_is_shown_with_its_values_unless_it_says_otherwise() -> None:
    assert repr(Place("a")) == repr(Costly("a")).replace("Costly", "Place")
    assert repr(Spoken("a")) == "a"


def test_a_field_may_be_neither_compared_nor_shown() -> None:
    assert Learned("a", {"b": "c"}) == Learned("a")
    assert hash(Learned("a", {"b": "c"})) == hash(Learned("a"))
    assert repr(Learned("a", {"b": "c"})) == "Learned(text='a')"


def test_it_is_not_to_be_changed() -> None:
    place = Place("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="host"):
        setattr(place, "host", "b")  # noqa: B010 - it is refused when it runs
    with pytest.raises(dataclasses.FrozenInstanceError, match="host"):
        delattr(place, "host")
    assert place.host == "a"


def test_it_is_a_dataclass_for_all_that_handles_them() -> None:
    hidden = Hidden("a", 1, ["b"], "/c")
    assert dataclasses.asdict(hidden) == {"host": "a", "port": 1, "names": ["b"], "path": "/c"}
    assert dataclasses.replace(hidden, port=2) == Hidden("a", 2, ["b"], "/c")
    assert [field.name for field in dataclasses.fields(Hidden)] == ["host", "port", "names", "path"]
    assert copy.deepcopy(hidden) == hidden


def test_one_that_may_be_changed_is_refused() -> None:
    with pytest.raises(AssertionError):
        lean.dataclass(frozen=False)
