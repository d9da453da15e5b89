"""Texts of our own: the agent's modules, where one of them is to be somewhere else as well."""

from __future__ import annotations

import importlib.util


def source_of(module: str) -> str:
    """The text of a module of ours: where the agent only looks at a host, it may come from no file."""
    spec = importlib.util.find_spec(module)
    source: str = spec.loader.get_source(module) if spec and spec.loader else ""  # type: ignore[attr-defined]
    return source
