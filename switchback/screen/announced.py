"""What provision's operations announce on each host: shown before the run begins, and counted at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import click

from switchback.ending.layout import headline, named, paragraph
from switchback.hosts.inventory import command_line

T = TypeVar("T")
Kind = Literal["create", "change", "leave"]


@dataclass(frozen=True)
class Announced:
    """Something that is made or changed on a host, or left to a person.

    + line: what is said of it before; name: what it is; diff: how its text changes, where that is wanted
    """

    line: str
    name: str
    kind: Kind = "create"
    diff: tuple[str, ...] = ()


@dataclass
class OnHost:
    """What was announced of a host.

    + before: by all operations before the run began; unchanged: how many of them had nothing to do
    + during: what each operation does once it has begun, by pyinfra's key for it
    """

    before: list[Announced] = field(default_factory=list)
    unchanged: int = 0
    during: dict[str, list[Announced]] = field(default_factory=dict)

    def count(self, kind: Kind) -> int:
        """How much of a kind would be done."""
        return sum(one.kind == kind for one in self.before)

    @property
    def counts(self) -> str:
        """How much would be done, and what stays."""
        create, change = self.count("create"), self.count("change")
        return f"+ {create} to create  ~ {change} to change  - 0 to delete  = {self.unchanged} unchanged"


_hosts: dict[str, OnHost] = {}


def on(host: str) -> OnHost:
    """What was announced of a host."""
    return _hosts.setdefault(host, OnHost())


def merged(told: Mapping[str, Sequence[T]]) -> list[tuple[T, list[str]]]:
    """What several hosts have in lists of their own, once each, with the hosts that have it: what only a later one has
    stands before what comes next there. Pure.

    >>> merged({"a": ["x", "z"], "b": ["x", "y", "z"]})
    [('x', ['a', 'b']), ('y', ['b']), ('z', ['a', 'b'])]
    """
    order: list[T] = []
    where: dict[T, list[str]] = {}
    for host, items in told.items():
        for number, item in enumerate(items):
            if item not in where:
                behind = next((order.index(one) for one in items[number:] if one in where), len(order))
                order.insert(behind, item)
            where.setdefault(item, []).append(host)
    return [(item, where[item]) for item in order]


def before_lines(told: Mapping[str, OnHost]) -> list[str]:
    """The screen before a run. Pure.

    + told: what was announced of each host
    """
    lines = headline(f"Provision {named(list(told))}")
    for one, hosts in merged({name: host.before for name, host in told.items()}):
        lines += [*paragraph(f"{of(hosts, told)}{one.line}"), *one.diff]
    for count, hosts in merged({name: [host.counts] for name, host in told.items()}):
        lines.append(f"    {of(hosts, told)}{count}")
    return lines


def of(hosts: Sequence[str], among: Mapping[str, object]) -> str:
    """The hosts that something is told of, where those are not all."""
    return "" if len(hosts) == len(among) else f"[{named(hosts)}] "


def show_before(hosts: Iterable[str]) -> bool:
    """Show it, where operations have looked ahead. Returns whether there is anything to be done."""
    told = {name: _hosts[name] for name in hosts if name in _hosts}
    if not told:
        return False
    err = not command_line().dry or command_line().json_output
    click.echo(err=True)
    for number, line in enumerate(before_lines(told)):
        click.echo(line if number else click.style(line, bold=True), err=err)
    return any(host.count("create") or host.count("change") for host in told.values())
