"""What is told of what a version is made of: commits, config, variables, packages, static files. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.versions.marks import NAME
from switchback.plan.model import HostPreview
from switchback.plan.parts import Changes, Names, Package, Packages, Shared, Static
from switchback.preview.folding import Fold
from switchback.preview.row import Row
from switchback.preview.text import ROOM, count_of, cut, either, listed

# How many commits are told of by their subjects: at first, and where it is tight.
COMMITS, FEW = 8, 3
# Of files in the commit that visitors don't get.
STAYS = "what is shared stays; it lacks, or has otherwise, what the commit has there"


def content_rows(kind: str, host: HostPreview) -> Iterator[Row]:
    """What becomes another one, an aspect each."""
    yield _version_row(host)
    if host.code:
        yield _changes_row("code", host.code)
    if host.config:
        yield _made_row(host.config) if host.config.made is not None else _changes_row("config", host.config)
    if host.environment:
        yield Row("env", ((", ".join(host.environment),), (f"{len(host.environment)} come, change or go",)))
    if host.schedule:
        yield Row("schedule", (host.schedule, (f"{count_of(len(host.schedule), 'command')} at times",)))
    if host.packages:
        yield from _package_rows(host.packages, bool(host.was))
    if host.static:
        yield from _static_rows(host.static, bool(host.was))
    if host.shared:
        yield _shared_row(host.shared)


def _version_row(host: HostPreview) -> Row:
    """The names of the versions: of use where the one to come has its name already."""
    live = host.was or "none"
    return Row("version", ((f"{live} → {host.version or 'a new one'}",),), quiet=host.version in (None, host.was))


def known_later(host: HostPreview) -> Iterator[Row]:
    """What can't be known before the version is built, and why not: once where that is the same."""
    found: dict[str, list[str]] = {}
    for what, why in _unknown(host):
        found.setdefault(why, []).append(what)
    if found:
        lines = tuple(f"{either(what)}: {why}" for why, what in found.items())
        yield Row("unknown", (lines, tuple(cut(one, ROOM) for one in lines)))


def _unknown(host: HostPreview) -> Iterator[tuple[str, str]]:
    packages, migrations, static = host.packages, host.migrations, host.static
    if packages and packages.why and not packages.refused:
        yield ("packages" if packages.source == "unknown" else "other packages"), packages.why
    if migrations and migrations.why:
        some = "whether these are all migrations" if migrations.shown else "whether there are migrations"
        yield ("migrations" if migrations.source == "unknown" else some), migrations.why
    if static and static.why:
        yield ("static files" if static.source == "unknown" else "static files for certain"), static.why


def way(changes: Changes) -> str:
    """From which commit to which."""
    to = changes.sha[:7] + (
        "" if changes.sha.startswith(changes.ref) or NAME.match(changes.ref) else f" ({changes.ref})"
    )
    return to if changes.was is None or is_live(changes) else f"{changes.was[:7]} → {to}"


def is_live(changes: Changes) -> bool:
    """Whether the commit to come is the one that is live."""
    return bool(changes.was) and changes.sha.startswith(str(changes.was))


def moves(changes: Changes) -> str:
    """How many commits lie between, and which way."""
    if changes.back and not changes.forward:
        return f"GOING BACK {count_of(changes.back, 'commit')}"
    steps = ((changes.back, "back"), (changes.forward, "forward"))
    return ", ".join(f"{count_of(number, 'commit')} {word}" for number, word in steps if number)


def _changes_row(name: str, changes: Changes) -> Row:
    head = way(changes)
    if is_live(changes):
        return Row(name, ((f"{head}: as it is live",),), quiet=True)
    if changes.unknown and changes.was:
        return Row(name, ((f"{head}: what changes can't be told: {changes.unknown}",), (head,)))
    if moves(changes):
        size = f"{count_of(changes.files, 'file')}, +{changes.insertions} -{changes.deletions}"
        head = f"{head}: {moves(changes)}; {size}"
    ways = [(head, *_commits(changes, most)) for most in (COMMITS, FEW, 0)]
    return Row(name, tuple(dict.fromkeys(ways)), Fold.COMMITS, whole=(head, *_commits(changes, None)))


def _commits(changes: Changes, most: int | None) -> list[str]:
    """The newest commits that go, and those that come, each cut to a line; with no bound, as they are."""
    lines = []
    for sign, commits, number in (("-", changes.left, changes.back), ("+", changes.commits, changes.forward)):
        told = [f"{sign} {one.sha} {one.author}: {one.subject}" for one in commits[:most]]
        lines += told if most is None else [cut(one, ROOM) for one in told]
        lines += [f"… and {number - len(told)} more"] if number > len(told) and most != 0 else []
    return lines


def _made_row(config: Changes) -> Row:
    """A config that is made of the code and the settings."""
    made = config.made or ()
    says = "new" if config.was is None else f"{count_of(len(made), 'file')} changed" if made else "as it is live"
    head = f"made of the code and the settings: {says}"
    signed: dict[str, list[str]] = {}
    for one in made:
        sign, _, name = one.partition(" ")
        signed.setdefault(sign, []).append(name)
    files = [f"{sign} {', '.join(names)}" for sign, names in signed.items()]
    return Row("config", ((head, *config.says, *files), (head,)), quiet=not made, whole=(head, *config.says, *made))


def _package_rows(packages: Packages, was_live: bool) -> Iterator[Row]:
    kinds = (("+", packages.added), ("-", packages.removed), ("↑", packages.up), ("↓", packages.down))
    signed = [(sign, list(map(_version, told))) for sign, told in kinds if told]
    signed += [("? from a repository or a file, known when built:", list(packages.unsure))] if packages.unsure else []
    lines = [f"{sign} {', '.join(names)}" for sign, names in signed]
    short = [f"{sign} {listed(names, ROOM - len(sign) - 1)}" for sign, names in signed]
    counts = ", ".join(f"{sign.partition(' ')[0]} {len(names)}" for sign, names in signed)
    found = [f"found: {packages.found}"] if packages.found else []
    by_script = [f"installed by build_script, as before: {', '.join(packages.by_script)}"] if packages.by_script else []
    if packages.source == "unknown":
        return
    if packages.source == "pins" and lines:
        lines, short = (["pinned by the requirements; all else is known when built:", *told] for told in (lines, short))
    if not lines:
        none = "as they are live" if was_live else "none"
        yield Row("packages", ((*found, none, *by_script),), quiet=packages.source != "pins" or was_live)
        return
    word = "package" if packages.changed == 1 else "packages"
    ways = ((*found, *lines, *by_script), (*short, *(cut(one, ROOM) for one in by_script)), (f"{counts} {word}",))
    yield Row("packages", tuple(map(tuple, ways)), Fold.PACKAGES)


def _version(one: Package) -> str:
    return f"{one.name} {' → '.join(version for version in (one.was, one.version) if version)}"


def _static_rows(static: Static, was_live: bool) -> Iterator[Row]:
    if static.source == "unknown":
        return
    kinds = [
        (sign, names)
        for sign, names in (("+", static.added), ("~", static.changed), ("-", static.removed))
        if names.count
    ]
    if not kinds:
        yield Row("static", (("as it is live" if was_live else "none",),), quiet=True)
        return
    lines = tuple(f"{sign} {names.count}: {_listed(names)}" for sign, names in kinds)
    number = sum(names.count for _, names in kinds)
    counts = f"{', '.join(f'{sign} {names.count}' for sign, names in kinds)} {'file' if number == 1 else 'files'}"
    yield Row("static", (tuple(cut(one, ROOM) for one in lines), (counts,)), Fold.STATIC, whole=lines)


def _listed(names: Names) -> str:
    more = names.count - len(names.names)
    return ", ".join(names.names) + (f", … and {more} more" if more else "")


def _shared_row(shared: Sequence[Shared]) -> Row:
    """What is new of what outlives the versions, a line each; the rest is as it was."""
    new = tuple(one.says for one in shared if one.how != "there")
    kept = [one.path for one in shared if one.how == "there"]
    whole = (*new, *([f"{', '.join(kept)}: as before"] if kept else []))
    return Row("shared", (new or whole, (f"{len(new)} new",)), quiet=not new, whole=whole)
