"""What an app's Django says, as a test has it: nothing but what it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from agent.words.shapes import read

T = TypeVar("T")
EMPTY: dict[str, Any] = {"conflicts": {}, "writes": {"uploads": {}, "sqlite": {}}}


def django_found(shape: Any, **found: Any) -> Any:
    """A verb's finding, read as the agent reads it."""
    return read(shape, {**nothing(shape), **found}, shape.__name__)


def nothing(shape: Any) -> dict[str, Any]:
    """The fields that a finding has to have, as JSON."""
    needed = [one.name for one in fields(shape) if one.default is MISSING and one.default_factory is MISSING]
    return {name: EMPTY.get(name, []) for name in needed}


def pending(name: str, *operations: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A migration to come, as the checks note it."""
    told = [{"app": "items", "says": one["kind"], **one} for one in operations]
    return {"app": "items", "name": name, "reversible": True, "atomic": True, "operations": told, **more}
