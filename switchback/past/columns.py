"""Rows as lines that fit on a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# How wide a line may be, characters, with what stands before each.
SCREEN, INDENT = 100, 6
GAP = "  "


def table(
    rows: Sequence[Sequence[str]], least: Mapping[int, int] | None = None, widest: int = SCREEN - INDENT
) -> list[str]:
    """Rows as lines, each column as wide as its widest cell; one that is empty in every row but the first is left out.

    + least: the columns that may be cut, and how much of each stays in any case
    + widest: how wide a line may be
    """
    used = [number for number, column in enumerate(zip(*rows, strict=True)) if any(column[1:]) or len(rows) == 1]
    widths = {number: max(len(row[number]) for row in rows) for number in used}
    shrinking = {number: most for number, most in (least or {}).items() if number in widths}
    while sum(widths.values()) + len(GAP) * (len(used) - 1) > widest:
        longer = [number for number, most in shrinking.items() if widths[number] > most]
        if not longer:
            break
        widths[max(longer, key=lambda number: widths[number])] -= 1
    return [
        GAP.join(cut(row[number], widths[number]).ljust(widths[number]) for number in used).rstrip() for row in rows
    ]


def cut(text: str, longest: int) -> str:
    """A text that is not longer than it may be."""
    return text if len(text) <= longest else text[: max(0, longest - 1)] + "…"
