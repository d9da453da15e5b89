"""Cutting a diff of whole files down to what has changed.

Secrets are masked in the whole files first: that something is one may stand far above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

# How many lines around a change are shown.
AROUND = 3


def trimmed(lines: Sequence[str]) -> list[str]:
    """A diff with whole files in it, less what is far from any change. Pure.

    + lines: as `git diff --unified=…` has them, one hunk a file
    """
    found: list[str] = []
    body: list[str] = []
    in_body = False
    for line in lines:
        if line.startswith("diff --git "):
            found += [*_hunks(body), line]
            body, in_body = [], False
        elif line.startswith("@@") and not in_body:
            in_body = True
        elif in_body:
            body.append(line)
        else:
            found.append(line)
    return [*found, *_hunks(body)]


def _hunks(body: Sequence[str]) -> Iterator[str]:
    """The hunks of one file, each with its line numbers."""
    shown = {
        near
        for number, line in enumerate(body)
        if line[:1] in ("+", "-")
        for near in range(max(0, number - AROUND), min(len(body), number + AROUND + 1))
    }
    old = new = 1
    for number, line in enumerate(body):
        if number in shown and number - 1 not in shown:
            end = number
            while end in shown:
                end += 1
            part = body[number:end]
            olds = sum(1 for one in part if one[:1] not in ("+", "\\"))
            news = sum(1 for one in part if one[:1] not in ("-", "\\"))
            yield f"@@ -{old},{olds} +{new},{news} @@"
        if number in shown:
            yield line
        old += line[:1] not in ("+", "\\")
        new += line[:1] not in ("-", "\\")
