"""A preview as lines for a person, an aspect of the site each. Pure: a model in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from agent.versions.marks import NAME
from agent.words.outcomes import Outcome
from switchback.plan.database_lines import count_of, left_lines, migration_lines
from switchback.plan.model import Disk, Fallback, HostPreview, Preview, Script, Service
from switchback.plan.parts import Changes, Names, Package, Shared

# Of files in the commit that visitors don't get.
STAYS = "what is shared stays; it lacks, or has otherwise, what the commit has there"
# How wide the names of the aspects are.
WIDTH = 10

WAYS = {
    "none": "the database is not changed, so there is nothing to undo in it",
    "reverse": "the migrations are reversed, with the new version's code",
    "restore": "this run's own backup is restored",
    "reapply": "the migrations are applied again, with the code of the version that is left",
    "keep": "the database STAYS as the migrations have left it",
    "refused": "none: see below",
}


def preview_lines(preview: Preview) -> list[str]:
    """The preview of all hosts, one after the other, each line with its host's name."""
    several = len(preview.hosts) > 1
    return [f"[{one.host}] {line}" for one in preview.hosts for line in host_lines(preview.kind, one, several)]


def host_lines(kind: str, host: HostPreview, several: bool = False) -> list[str]:
    """The preview of one host.

    + several: whether the run has other hosts, too
    """
    if host.idle and not host.deletions:
        return [host.idle, *_notices(host), *_refusals(host)]
    lines = [_headline(kind, host)]
    for name, told in _aspects(kind, host):
        for number, line in enumerate(told):
            lines.append(f"  {name if number == 0 else '':{WIDTH}}{line}".rstrip())
    if several and host.primary and kind not in ("clean", "restart"):
        lines.append("  migrates and backs up for all hosts")
    lines += [*_notices(host), *_refusals(host)]
    return [*lines, f"  {summary(host)}"] if host.looked_ahead else lines


def summary(host: HostPreview) -> str:
    """The line that counts."""
    told = host.summary
    return (
        f"+ {told.create} to create  ~ {told.change} to change  - {told.delete} to delete  = {told.unchanged} unchanged"
    )


def _headline(kind: str, host: HostPreview) -> str:
    if kind == "clean":
        return f"clean: {len(host.deletions)} of {host.kept_versions + len(host.deletions)} versions to be deleted"
    if kind == "restart":
        return f"restart {host.version}"
    live = f"live now: {host.was}" if host.was else "live now: no version"
    sick = "" if host.healthy or not host.was else ", NOT healthy"
    where = host.version or "a new version"
    built = " (it is built already)" if kind == "deploy" and host.version else ""
    return f"{kind} {where}{built} ({live}{sick})"


def _aspects(kind: str, host: HostPreview) -> Iterator[tuple[str, list[str]]]:
    """What is told of each aspect of the site: nothing where there is nothing to tell."""
    told = {
        "code": _change_lines(host.code),
        "config": _made_lines(host.config)
        if host.config and host.config.made is not None
        else _change_lines(host.config),
        "env": _environment_lines(host),
        "schedule": list(host.schedule),
        "packages": _package_lines(host),
        "database": left_lines(host) if kind == "revert" else migration_lines(host),
        "static": _static_lines(host),
        "shared": _shared_lines(host.shared),
        "links": _link_lines(host),
        "service": _service_lines(host.service),
        "window": _window_lines(host),
        "scripts": _script_lines(host.scripts),
        "hooks": list(host.hooks),
        "deletes": _deletion_lines(host) if kind in ("deploy", "clean") or host.deletions or host.old_backups else [],
        "disk": _disk_lines(host.disk),
        "fallback": _fallback_lines(host.fallback),
        "steps:": [", ".join(step.name for step in host.steps if step.does)] if host.steps else [],
    }
    short = () if host.looked_ahead else ("links", "window", "scripts", "hooks", "disk", "fallback")
    return ((name, lines) for name, lines in told.items() if lines and name not in short)


def _service_lines(service: Service | None) -> list[str]:
    if service is None or not service.restart:
        return []
    how = "one process after the other" if service.restart == "rolling" else ""
    first, *lines = (service.why or "").split("\n")
    untried = [f"! no trial start before: {service.no_trial}"] if service.no_trial else []
    return [", ".join(word for word in (f"{service.unit} is restarted", how, first) if word), *lines, *untried]


def _change_lines(changes: Changes | None) -> list[str]:
    if changes is None:
        return []
    to = f"{changes.sha[:7]}" + (
        "" if changes.sha.startswith(changes.ref) or NAME.match(changes.ref) else f" ({changes.ref})"
    )
    if changes.was is None:
        return [to]
    if changes.sha.startswith(changes.was):
        return [f"{to}: as it is live"]
    way = f"{changes.was[:7]} → {to}"
    if changes.unknown:
        return [f"{way}: what changes can't be told: {changes.unknown}"]
    steps = [text for number, text in ((changes.back, "back"), (changes.forward, "forward")) if number]
    counts = [count_of(number, "commit") for number in (changes.back, changes.forward) if number]
    moves = ", ".join(f"{count} {word}" for count, word in zip(counts, steps, strict=True))
    if not moves:
        return [way]
    size = f"{count_of(changes.files, 'file')}, +{changes.insertions} -{changes.deletions}"
    if not changes.forward:
        moves = f"GOING BACK {count_of(changes.back, 'commit')}"
    lines = [f"{way}: {moves}; {size}"]
    lines += [f"  - {one.sha} {one.author}: {one.subject}" for one in changes.left]
    lines += _more(changes.back - len(changes.left))
    lines += [f"  + {one.sha} {one.author}: {one.subject}" for one in changes.commits]
    lines += _more(changes.forward - len(changes.commits))
    return lines + [f"  {line}" for line in changes.diff or ()]


def _environment_lines(host: HostPreview) -> list[str]:
    return [", ".join(host.environment)] if host.environment else []


def _made_lines(config: Changes) -> list[str]:
    """A config that is made of the code and the settings."""
    is_first = config.was is None
    says = (
        "new" if is_first else "as it is live" if not config.made else f"{count_of(len(config.made), 'file')} changed"
    )
    lines = [f"made of the code and the settings: {says}", *config.says]
    return [*lines, *(config.made or ()), *(f"  {line}" for line in config.diff or ())]


def _more(number: int) -> list[str]:
    return [f"  … and {number} more"] if number > 0 else []


def _package_lines(host: HostPreview) -> list[str]:
    packages = host.packages
    if packages is None:
        return []
    if packages.source == "unknown":
        return [("" if packages.refused else "known when built: ") + packages.why]
    lines = [f"+ {_versions(packages.added)}"] if packages.added else []
    lines += [f"- {_versions(packages.removed)}"] if packages.removed else []
    lines += [f"↑ {_versions(packages.up)}"] if packages.up else []
    lines += [f"↓ {_versions(packages.down)}"] if packages.down else []
    lines += (
        [f"? {', '.join(packages.unsure)}: from a repository or a file, known when built"] if packages.unsure else []
    )
    found = [f"found: {packages.found}"] if packages.found else []
    by_script = [f"installed by build_script, as before: {', '.join(packages.by_script)}"] if packages.by_script else []
    if packages.source == "pins":
        first = ("can't be resolved: " if packages.refused else "known when built: ") + packages.why
        return [
            *found,
            first,
            *(["pinned by the requirements; all else is known when built:"] if lines else []),
            *lines,
            *by_script,
        ]
    return [*found, *(lines or [_as_live(host, "as they are live")]), *by_script]


def _as_live(host: HostPreview, words: str) -> str:
    """Where nothing changes: there may be nothing, too."""
    return words if host.was else "none"


def _versions(packages: Sequence[Package]) -> str:
    return ", ".join(f"{one.name} {' → '.join(v for v in (one.was, one.version) if v)}" for one in packages)


def _static_lines(host: HostPreview) -> list[str]:
    static = host.static
    if static is None:
        return []
    if static.source == "unknown":
        return [f"known when built: {static.why}"]
    kinds = (("+", static.added), ("~", static.changed), ("-", static.removed))
    lines = [f"{sign} {names.count}: {_listed(names)}" for sign, names in kinds if names.count]
    return [
        *(lines or [_as_live(host, "as it is live")]),
        *([f"for certain when built: {static.why}"] if static.why else []),
    ]


def _listed(names: Names) -> str:
    more = names.count - len(names.names)
    return ", ".join(names.names) + (f", … and {more} more" if more else "")


def _shared_lines(shared: Sequence[Shared]) -> list[str]:
    """What is new of what outlives the versions, a line each; the rest is as it was."""
    kept = [one.path for one in shared if one.how == "there"]
    return [
        *(one.says for one in shared if one.how != "there"),
        *([f"{', '.join(kept)}: as before"] if kept else []),
        *dict.fromkeys(f"! {one.notice}" for one in shared if one.notice),
        *(f"! {one.path}: {STAYS}: {one.differing}" for one in shared if one.differing),
    ]


def _link_lines(host: HostPreview) -> list[str]:
    lines = [f"{len(host.links)} change, {host.kept_links} stay"] if host.links else []
    for link in host.links:
        sign = "+" if link.was is None else "-" if link.now is None else "~"
        lines.append(f"{sign} {link.path}" + (f" → {link.now}" if link.now else ""))
    return lines


def _window_lines(host: HostPreview) -> list[str]:
    window = host.window
    if window is None:
        return []
    word = {True: "maintenance is shown", False: "none", None: "maybe"}[window.shown]
    lines = [f"{word} ({window.why})"]
    if host.windows:
        took = ", ".join(
            f"{one.seconds:.1f} s" + ("" if one.outcome == Outcome.COMMITTED else f" ({one.outcome})")
            for one in host.windows
        )
        lines.append(f"the last {'one' if len(host.windows) == 1 else 'ones'} on this host took {took}")
    return lines


def _script_lines(scripts: Sequence[Script]) -> list[str]:
    # Of two steps that share a script one runs it: which of them, only the build can tell.
    return (
        [", ".join(PurePosixPath(path).name for path in dict.fromkeys(one.path for one in scripts))] if scripts else []
    )


def _deletion_lines(host: HostPreview) -> list[str]:
    backups = [f"- {path}, a backup of an earlier deploy" for path in host.old_backups]
    if not host.deletions:
        return ["no version", *backups] if host.looked_ahead else backups
    freed = sum(one.bytes or 0 for one in host.deletions)
    lines = [f"{count_of(len(host.deletions), 'version')}, which frees {_megabytes(freed)}"]
    return [*lines, *(f"- {one.name} ({_megabytes(one.bytes)})" for one in host.deletions), *backups]


def _disk_lines(disk: Disk | None) -> list[str]:
    return [f"a version needs up to {_megabytes(disk.needed)}; {_megabytes(disk.free)} are free"] if disk else []


def _megabytes(number: int | None) -> str:
    return "size unknown" if number is None else f"{number / 1e6:,.0f} MB"


def _fallback_lines(fallback: Fallback | None) -> list[str]:
    if fallback is None:
        return []
    why = f" ({fallback.why})" if fallback.why else ""
    return [f"{WAYS[fallback.way]}{why}", *(f"can't be undone: {text}" for text in fallback.cannot_undo)]


def _notices(host: HostPreview) -> list[str]:
    return [line for notice in host.notices for line in _hanging(f"note: {notice}")]


def _refusals(host: HostPreview) -> list[str]:
    return [line for problem in host.problems for line in _hanging(f"would be refused: {problem}")]


def _hanging(text: str) -> list[str]:
    return [f"  {'' if number == 0 else '  '}{line}" for number, line in enumerate(text.split("\n"))]
