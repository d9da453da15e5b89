"""Saying what provision would do on a host before its first command, and counting it."""

from __future__ import annotations

from collections import Counter

from pyinfra import host, logger, state
from pyinfra.operations.util.files import generate_color_diff

# What was announced of each host: how much of it is created, changed, and as it should be.
_counted: dict[str, Counter[str]] = {}


def show_count() -> None:
    """Say how much of the host at hand would be made and changed, once all of these have looked at it."""
    counted = _counted.pop(host.name, None)
    if counted:
        _say(
            f"+ {counted['create']} to create  ~ {counted['change']} to change  - 0 to delete  "
            f"= {counted['unchanged']} unchanged"
        )


def announce(line: str, kind: str = "create") -> None:
    """Say what an operation would do, for those who want to see it first.

    + kind: create, or change
    """
    if not state.is_executing:
        _counted.setdefault(host.name, Counter())[kind] += 1
        _say(line)


def _say(line: str) -> None:
    logger.info("%s%s", host.print_prefix, line)


def leave(what: str) -> None:
    """Say that something is left to a person, for those who want to know before."""
    if not state.is_executing:
        _say(f"Leaves {what}")


def nothing(why: str) -> None:
    """Say that there is nothing to do."""
    if not state.is_executing:
        _counted.setdefault(host.name, Counter())["unchanged"] += 1
    host.noop(why)


def announce_file(path: str, text: str) -> None:
    """Say that a file would be made, with its text where that is wanted."""
    announce(f"Will create {path}")
    show_diff("", text)


def show_diff(was: str, now: str) -> None:
    """Show how a text changes, where that is wanted."""
    if state.config.DIFF and not state.is_executing:
        for line in generate_color_diff(was.splitlines(keepends=True), now.splitlines(keepends=True)):
            logger.info("  %s", line)
