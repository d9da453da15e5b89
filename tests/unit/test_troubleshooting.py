"""The page of messages: each that it explains is one that the code says."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.bed.places import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
MESSAGES = re.findall(r"^### `(.*)`$", PAGE, flags=re.MULTILINE)
GAP = "…"


def text_of(node: ast.expr) -> str:
    """What a literal says; a gap for what differs from case to case."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(value) for value in node.values)
    return GAP


@cache
def said() -> tuple[str, ...]:
    """All that the code can say, literal by literal."""
    modules = [path for part in ("agent", "switchback", "operations", "facts") for path in (ROOT / part).rglob("*.py")]
    nodes = [node for module in modules for node in ast.walk(ast.parse(module.read_text()))]
    about = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [node for node in nodes if isinstance(node, (ast.Constant, ast.JoinedStr)) and id(node) not in about]
    return tuple(text_of(node) for node in texts)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_that_is_explained_is_said_by_the_code(message: str) -> None:
    parts = [part.strip() for part in message.split(GAP) if part.strip()]
    pattern = re.compile(r".*?".join(map(re.escape, parts)), re.DOTALL)
    assert any(pattern.search(one) for one in said()), message


def test_many_messages_are_explained() -> None:
    assert len(MESSAGES) > 30
    assert len(set(MESSAGES)) == len(MESSAGES)
