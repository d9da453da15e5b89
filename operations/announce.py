"""Saying what provision would do on a host before its first command, and what each operation does once it has begun."""

from __future__ import annotations

from pyinfra import host, state
from pyinfra.operations.util.files import generate_color_diff

from switchback.screen.announced import Announced, Kind, on


def announce(line: str, name: str, kind: Kind = "create", diff: tuple[str, ...] = ()) -> None:
    """Say what an operation would do, or does.

    + name: what is made or changed; diff: how its text changes
    """
    told = Announced(line, name, kind, diff)
    if state.is_executing:
        on(host.name).during.setdefault(str(host.executing_op_hash), []).append(told)
    else:
        on(host.name).before.append(told)


def leave(what: str, was: str, now: str) -> None:
    """Say that something is left to a person, for those who want to know before, with the text that it would have."""
    if not state.is_executing:
        announce(f"Leaves {what}", what, "leave", diff_of(was, now))


def nothing(why: str) -> None:
    """Say that there is nothing to do."""
    if not state.is_executing:
        on(host.name).unchanged += 1
    host.noop(why)


def announce_file(path: str, text: str) -> None:
    """Say that a file would be made, with its text where that is wanted."""
    announce(f"Will create {path}", path, diff=diff_of("", text))


def announce_rewrite(path: str, was: str, now: str) -> None:
    """Say that a file of provision's own would get another text, which is shown where that is wanted."""
    line = f"Will change {path}, which is as an earlier provision has written it"
    announce(line, path, "change", diff_of(was, now))


def diff_of(was: str, now: str) -> tuple[str, ...]:
    """How a text changes, where that is wanted."""
    if not state.config.DIFF or state.is_executing:
        return ()
    changes = generate_color_diff(was.splitlines(keepends=True), now.splitlines(keepends=True))
    return tuple(f"      {line}".rstrip() for line in changes)
