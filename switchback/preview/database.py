"""What is told of the database: the migrations that a run applies, reverses or leaves. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from switchback.plan.model import HostPreview
from switchback.plan.parts import Migration, Migrations
from switchback.preview.folding import Fold
from switchback.preview.row import Row
from switchback.preview.text import ROOM, columns, count_of, cut, listed

REVERT_DATABASE = {
    "keep": "stays as it is",
    "reverse": "the migrations that the older version does not have are reversed",
    "restore": "is restored from an older backup, after a fresh one is taken",
}
CAN = {True: "can be reversed", False: "can NOT be reversed", None: "whether it can be reversed isn't known"}


def database_rows(kind: str, host: HostPreview, by: str) -> Iterator[Row]:
    """What becomes of the database.

    + by: the host that migrates for all of them; empty where there is one
    """
    migrations = host.migrations
    if kind == "revert":
        yield _revert_row(host, migrations)
    elif migrations and migrations.source != "unknown":
        yield _deploy_row(host, migrations, by)


def _deploy_row(host: HostPreview, migrations: Migrations, by: str) -> Row:
    head = _what_is_migrated(host, migrations, by)
    recorded = Counter(one.database for one in migrations.pending) - Counter(one.database for one in migrations.shown)
    rest = [f"{number} more only recorded in {name}: none makes anything there" for name, number in recorded.items()]
    rest += [f"applied, and not in the new code: {', '.join(migrations.missing)}"] if migrations.missing else []
    shown = migrations.shown
    ways = (
        (head, *(_fitted(one) for one in shown), *rest),
        (head, *_by_app(shown), *(cut(one, ROOM) for one in rest)),
        (head, *([_counted(shown)] if shown else []), *(cut(one, ROOM) for one in rest)),
        (head,),
    )
    whole = (head, *(f"+ {one.label}: {_what(one)} {_can(one)}" for one in shown), *rest)
    nothing = not shown and not rest and migrations.applied is not None
    return Row("database", tuple(dict.fromkeys(ways)), Fold.MIGRATIONS, nothing, whole)


def _what_is_migrated(host: HostPreview, migrations: Migrations, by: str) -> str:
    number = count_of(len(migrations.shown), "migration") if migrations.shown else ""
    read = "" if migrations.source == "django" else ", read from the files"
    who = _by(host, by)
    if migrations.applied is None and host.was is None:
        # Django itself and what the project uses bring most of them, and no file of the project's tells of those.
        own = f"{number} of the project's own to apply, in this order{who}" if number else "none of the project's own"
        return f"{own}{read}; those of Django and the packages are known when built"
    if migrations.applied is None:
        read += "; what is applied already is known when built"
        number = f"at most {number}" if number else ""
    order = ", in this order" if migrations.applied is not None else ""
    return f"{number} to apply{order}{who}{read}" if number else f"nothing to migrate{read}"


def _by(host: HostPreview, by: str) -> str:
    """Who applies the migrations, where it is not this run on its one host."""
    if not host.primary or any(step.name == "migrate" for step in host.steps):
        return f", by {by}" if by else ""
    return ", by a deploy of it"


def _what(migration: Migration) -> str:
    return "; ".join(one.says for one in migration.operations) or migration.unread or "makes nothing"


def _can(migration: Migration) -> str:
    return f"({CAN[migration.reversible]}{'' if migration.atomic else '; not atomic'})"


def _fitted(migration: Migration) -> str:
    """A migration on one line, whatever it does: its name and whether it can be reversed are told in any case."""
    name, can = f"+ {migration.label}: ", f" {_can(migration)}"
    return f"{name}{cut(_what(migration), max(ROOM - columns(name) - columns(can), 20))}{can}"


def _by_app(migrations: Sequence[Migration]) -> list[str]:
    """The same, an app each."""
    lines = []
    for app, told in _apps(migrations).items():
        names = ", ".join(dict.fromkeys((told[0].name, told[-1].name))).replace(", ", " to ")
        lines.append(cut(f"+ {app}: {len(told)} ({names})" if len(told) > 1 else f"+ {app}: {names}", ROOM))
    return lines


def _counted(migrations: Sequence[Migration]) -> str:
    apps = _apps(migrations)
    return f"+ {listed([f'{app} {len(told)}' for app, told in apps.items()], ROOM - 2)}"


def _apps(migrations: Sequence[Migration]) -> dict[str, list[Migration]]:
    apps: dict[str, list[Migration]] = {}
    for one in migrations:
        apps.setdefault(one.app, []).append(one)
    return apps


def _revert_row(host: HostPreview, migrations: Migrations | None) -> Row:
    """What a revert leaves of the database as it is, and what it takes back."""
    offers = " or ".join(f"--data database={one}" for one in host.database_offers)
    head = REVERT_DATABASE[host.database or "keep"] + (f" ({offers} takes it back)" if offers else "")
    lines = [f"from: {host.backup}"] if host.backup else []
    told: list[str] = []
    if migrations and migrations.source == "unknown":
        lines.append(f"what is applied isn't known: {migrations.why}")
    elif migrations:
        if host.database == "reverse":
            told = [f"- {one.label}: takes back: {_what(one)} {_can(one)}" for one in migrations.leaving]
        elif migrations.leaving:
            lines.append(f"applied, and not in the older version: {', '.join(one.label for one in migrations.leaving)}")
        if migrations.unknown:
            lines.append(f"applied, and in neither version, so that it stays: {', '.join(migrations.unknown)}")
        lines += [migrations.why] if migrations.why else []
    ways = (
        (head, *(cut(one, ROOM) for one in told), *lines),
        (head, *(cut(one, ROOM) for one in lines)),
        (cut(head, ROOM),),
    )
    return Row("database", tuple(dict.fromkeys(ways)), Fold.MIGRATIONS, whole=(head, *told, *lines))
