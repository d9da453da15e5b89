"""What a line is to its reader, in a terminal's colours; whoever prints it leaves them out elsewhere. Pure."""

from __future__ import annotations

import click

from switchback.preview.text import Line, Tone

STYLES: dict[Tone, dict[str, str | bool]] = {
    Tone.VERDICT: {"bold": True},
    Tone.RISK: {"fg": "yellow"},
    Tone.REFUSED: {"fg": "red", "bold": True},
    Tone.FAINT: {"dim": True},
}


def painted(line: Line) -> str:
    """A line in its colour."""
    style = STYLES.get(line.tone)
    return click.style(line.text, **style) if style else line.text  # type: ignore[arg-type]
