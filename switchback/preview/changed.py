"""What of a site changes, what stays and what is not known yet, in a word or two each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from switchback.plan.model import HostPreview
from switchback.plan.parts import Changes, Migration
from switchback.preview.contents import is_live, moves
from switchback.preview.text import count_of, either


@dataclass(frozen=True)
class Told:
    """What is told of one aspect."""

    how: Literal["changed", "unchanged", "later"]
    text: str


def changes(kind: str, hosts: Sequence[HostPreview]) -> str:
    """What changes on all hosts, and what is not known yet."""
    changed, later = _told(kind, hosts, "changed"), _told(kind, hosts, "later")
    return "; ".join(filter(None, (", ".join(changed), f"{either(later)} not known yet" if later else "")))


def unchanged(kind: str, hosts: Sequence[HostPreview]) -> str:
    """What stays as it is on all hosts."""
    return ", ".join(_told(kind, hosts, "unchanged"))


def _told(kind: str, hosts: Sequence[HostPreview], how: str) -> list[str]:
    found: dict[str, dict[Told, None]] = {}
    for host in hosts:
        for name, told in _aspects(kind, host):
            found.setdefault(name, {})[told] = None
    merged = [_of_all(name, of) for name, of in found.items()]
    return [one.text for one in merged if one.how == how and one.text]


def _of_all(name: str, told: Mapping[Told, None]) -> Told:
    first, *others = told
    return Told("changed", f"{name} different on each host") if others else first


def _aspects(kind: str, host: HostPreview) -> Iterator[tuple[str, Told]]:
    if host.code:
        yield "commits", Told("unchanged", "code") if is_live(host.code) else Told("changed", _commits(host.code))
    if host.config and host.was:
        same = is_live(host.config) if host.config.made is None else not host.config.made
        yield "config", Told("unchanged", "config") if same else Told("changed", _config(host.config))
    yield from _migrations(kind, host)
    if host.packages:
        number = host.packages.changed
        known = host.packages.source not in ("unknown", "pins")
        yield "packages", _counted(number, "package", known, bool(host.was))
    if host.static:
        number = host.static.added.count + host.static.changed.count + host.static.removed.count
        yield "static files", _counted(number, "static file", host.static.source != "unknown", bool(host.was))
    if host.environment:
        yield "variables", Told("changed", count_of(len(host.environment), "variable"))
    if host.schedule:
        yield "timed commands", Told("changed", count_of(len(host.schedule), "timed command"))
    if host.deletions:
        yield "deletions", Told("changed", f"{count_of(len(host.deletions), 'old version')} deleted")


def _commits(changes: Changes) -> str:
    told = moves(changes)
    return told.removesuffix(" forward") if "," not in told else told


def _config(config: Changes) -> str:
    told = "made anew" if config.made is not None else _commits(config)
    return f"config {told}" if told else "another config"


def _counted(number: int, word: str, known: bool, was_live: bool) -> Told:
    if number:
        return Told("changed", ("" if known else "at least ") + count_of(number, word))
    if not known:
        return Told("later", f"{word}s")
    return Told("unchanged", f"{word}s") if was_live else Told("changed", f"no {word}s")


def _migrations(kind: str, host: HostPreview) -> Iterator[tuple[str, Told]]:
    migrations = host.migrations
    if kind == "revert":
        yield from _of_revert(host)
    elif migrations is None:
        return
    elif migrations.source == "unknown":
        yield "migrations", Told("later", "migrations")
    elif migrations.shown:
        unsure = migrations.applied is None
        most = "at most " if unsure and host.was else ""
        own = " of its own" if unsure and not host.was else ""
        yield "migrations", Told("changed", most + _counted_migrations(migrations.shown, own))
        if own:
            yield "other migrations", Told("later", "other migrations")
    else:
        # Where packages change, or none are there yet, they may bring some of their own.
        known = migrations.source == "django" and not migrations.why
        yield "migrations", Told("changed", "no migration") if known else Told("later", "migrations")


def _of_revert(host: HostPreview) -> Iterator[tuple[str, Told]]:
    leaving = host.migrations.leaving if host.migrations else ()
    if host.database == "restore":
        yield "migrations", Told("changed", "the database RESTORED from an older backup")
    elif host.database == "reverse":
        yield (
            "migrations",
            Told("changed", f"reversing {_counted_migrations(leaving, usual='')}" if leaving else "no migration"),
        )
    elif leaving:
        yield "migrations", Told("changed", f"{count_of(len(leaving), 'newer migration')} kept in the database")
    else:
        yield "migrations", Told("unchanged", "database")


def _counted_migrations(migrations: Sequence[Migration], own: str = "", usual: str = "reversible") -> str:
    """How many they are, and what of them there is to know: what can't be reversed, and what loses data.

    + usual: what is said where none of that is so
    """
    stuck = sum(one.reversible is False for one in migrations)
    loses = sum(one.loses for one in migrations)
    unsure = sum(one.reversible is None for one in migrations)
    halfway = sum(one.halfway or not one.atomic for one in migrations)
    number = len(migrations)
    words = [
        f"{_all(stuck, number)} can NOT be reversed" if stuck else "",
        f"{_all(loses, number)} {'loses' if loses == 1 else 'lose'} data" if loses else "",
        f"{_all(halfway, number)} may stop half-way" if halfway else "",
        f"{_all(unsure, number)} perhaps not reversible" if unsure else "",
    ]
    told = ", ".join(filter(None, (one.strip() for one in words))) or usual
    return f"{count_of(number, 'migration')}{own}" + (f" ({told})" if told else "")


def _all(number: int, of: int) -> str:
    return "" if number == of == 1 else "all" if number == of else str(number)
