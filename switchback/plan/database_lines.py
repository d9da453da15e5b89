"""What a preview says of the database, as lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from agent.migrations.risk import BREAKS, UNKNOWN
from switchback.plan.model import HostPreview
from switchback.plan.parts import Migration, Migrations

REVERT_DATABASE = {
    "keep": "stays as it is",
    "reverse": "the migrations that the older version does not have are reversed",
    "restore": "is restored from an older backup: whatever was written since is LOST (a fresh backup is taken first)",
}


def count_of(number: int, word: str) -> str:
    """A number of things, in words."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def migration_lines(host: HostPreview) -> list[str]:
    """The migrations that a deploy or a build applies."""
    migrations = host.migrations
    if migrations is None:
        return []
    if migrations.source == "unknown":
        return [f"known when built: {migrations.why}"]
    lines = [_what_is_migrated(host, migrations)]
    for one in migrations.shown:
        lines += [f"+ {line}" if number == 0 else f"  {line}" for number, line in enumerate(_one_migration(one))]
    recorded = Counter(one.database for one in migrations.pending) - Counter(one.database for one in migrations.shown)
    lines += [
        f"{number} more only recorded in {alias}: none makes anything there" for alias, number in recorded.items()
    ]
    if migrations.missing:
        lines.append(f"applied, and not in the new code: {', '.join(migrations.missing)}")
        lines += _breaks_lines(migrations.leaving)
    if migrations.why:
        lines.append(f"for certain when built: {migrations.why}")
    return lines


def _what_is_migrated(host: HostPreview, migrations: Migrations) -> str:
    number = f"{count_of(len(migrations.shown), 'migration')}" if migrations.shown else ""
    read = "" if migrations.source == "django" else ", read from the files"
    if migrations.applied is None and host.was is None:
        # Django itself and what the project uses bring most of them, and no file of the project's tells of those.
        own = (
            f"{number} of the project's own to apply, in this order{_by(host)}"
            if number
            else "none of the project's own"
        )
        return f"{own}{read}; those of Django and the packages are known when built"
    if migrations.applied is None:
        read += "; what is applied already is known when built"
        number = f"at most {number}" if number else ""
    order = ", in this order" if migrations.applied is not None else ""
    return f"{number} to apply{order}{_by(host)}{read}" if number else f"nothing to migrate{read}"


def _by(host: HostPreview) -> str:
    """Who applies the migrations, where it is not this run on this host."""
    if not any(step.name == "migrate" for step in host.steps):
        return ", by a deploy of it"
    return "" if host.primary else ", by the primary host"


def _one_migration(migration: Migration) -> list[str]:
    can = {True: "can be reversed", False: "can NOT be reversed", None: "whether it can be reversed isn't known"}
    what = "; ".join(one.says for one in migration.operations) or migration.unread or "makes nothing"
    atomic = "" if migration.atomic else "; not atomic"
    lines = [f"{migration.label}: {what} ({can[migration.reversible]}{atomic})"]
    for operation in migration.operations:
        lines += [f"  ! {risk.kind}: {risk.says}" for risk in operation.risks]
    return lines + [f"    {line}" for line in migration.sql or () if line and line != "--"]


def left_lines(host: HostPreview) -> list[str]:
    """What a revert leaves of the database as it is, and what it takes back."""
    offers = " or ".join(f"--data database={way}" for way in host.database_offers)
    lines = [REVERT_DATABASE[host.database or "keep"] + (f" ({offers} takes it back)" if offers else "")]
    if host.backup:
        lines.append(f"from: {host.backup}")
    migrations = host.migrations
    if migrations is None:
        return lines
    if migrations.source == "unknown":
        return [*lines, f"what is applied isn't known: {migrations.why}"]
    if host.database == "reverse":
        for one in migrations.leaving:
            lines += [f"- {line}" if number == 0 else f"  {line}" for number, line in enumerate(_reversed(one))]
    elif migrations.leaving:
        labels = ", ".join(one.label for one in migrations.leaving)
        lines.append(f"applied, and not in the older version: {labels}")
        lines += _breaks_lines(migrations.leaving)
    if migrations.unknown:
        lines.append(f"applied, and in neither version, so that it stays: {', '.join(migrations.unknown)}")
    return [*lines, migrations.why] if migrations.why else lines


def _breaks_lines(migrations: Sequence[Migration]) -> list[str]:
    """What may keep the older version from working with a schema that stays."""
    return [
        f"  ! {one.label}, {operation.says}: {risk.says}"
        for one in migrations
        for operation in one.operations
        for risk in operation.risks
        if risk.kind in (BREAKS, UNKNOWN)
    ]


def _reversed(migration: Migration) -> list[str]:
    what = "; ".join(one.says for one in migration.operations)
    can = "" if migration.reversible else " (can NOT be reversed)"
    return [f"{migration.label}: takes back: {what}{can}"]
