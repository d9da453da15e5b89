"""The page as text: everything in it is escaped, whoever has written it."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from agent.text.lines import shown
from switchback.page.view import Told, view_of

TEMPLATE = "page.html.j2"


def _as_shown(value: object) -> object:
    """What stands in the page: signs that turn a line around, or that nobody sees, are written out."""
    return shown(value) if isinstance(value, str) else value


@cache
def template() -> Template:
    """What it is made of, read and compiled once."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_as_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE)


def page(told: Told, now: float | None = None) -> str:
    """The page of a run.

    + now: seconds since the epoch; the time at which it is called unless it is given
    """
    return template().render(page=view_of(told, time.time() if now is None else now))
