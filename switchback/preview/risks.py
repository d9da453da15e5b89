"""What can't be undone, is risky or would be refused: told before all else, and folded last. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.migrations.risk import BREAKS, UNKNOWN
from switchback.plan.model import HostPreview
from switchback.plan.parts import Migration
from switchback.preview.contents import STAYS
from switchback.preview.folding import Fold, Part, Shorter
from switchback.preview.text import ALL, INDENT, Line, Tone, bounded, count_of, listed

# How many lines one of them has, and how many are told of, where it is tight.
LINES, TOLD = 2, 3
# How many names stand beside one, where it is tight.
NAMES = 3


@dataclass(frozen=True)
class Risk:
    """Something to know before.

    + says: what there is to say; of: the migrations that it is said of
    """

    says: str
    of: tuple[str, ...] = ()

    def __str__(self) -> str:
        """All of it."""
        return self.says + (f" ({', '.join(self.of)})" if self.of else "")

    @property
    def short(self) -> str:
        """The same with a few of the migrations by name."""
        return self.says + (f" ({listed(self.of, 60, NAMES)})" if self.of else "")


def risk_parts(hosts: Sequence[HostPreview], refusals: Sequence[str], everything: bool) -> Iterator[Part]:
    """What is to be known before, the worst first.

    + refusals: what refuses the run beside what each host has
    """
    refused = {host.host: [Risk(one) for one in host.problems] for host in hosts}
    stuck = {host.host: [Risk(one) for one in host.fallback.cannot_undo] if host.fallback else [] for host in hosts}
    risky = {host.host: list(_risks(host)) for host in hosts}
    notes = {host.host: [Risk(one) for one in host.notices] for host in hosts}
    kinds = (
        ("would be refused: ", Tone.REFUSED, "reason to refuse it", [*map(Risk, refusals), *_by_host(refused)]),
        ("! can't be undone: ", Tone.RISK, "thing that can't be undone", _by_host(stuck)),
        ("! ", Tone.RISK, "risk", _by_host(risky)),
        ("note: ", Tone.PLAIN, "note", _by_host(notes)),
    )
    for label, tone, name, found in kinds:
        if found:
            yield _part(label, tone, name, found, everything)


def _by_host(found: Mapping[str, Iterable[Risk]]) -> list[Risk]:
    """What is so on all hosts once, and the rest with the names of those where it is."""
    where: dict[Risk, list[str]] = {}
    for host, risks in found.items():
        for one in dict.fromkeys(risks):
            where.setdefault(one, []).append(host)
    return [
        one if len(hosts) == len(found) else Risk(f"[{listed(hosts, 40)}] {one.says}", one.of)
        for one, hosts in where.items()
    ]


def _part(label: str, tone: Tone, name: str, found: Sequence[Risk], everything: bool) -> Part:
    def lines(texts: Iterable[str], most: int | None = None) -> tuple[Line, ...]:
        told = [bounded(f"{label}{text}".replace("\n", "\n  "), most) for text in texts]
        return tuple(Line(f"{'':{INDENT}}{line}", tone) for one in told for line in one)

    whole = lines(map(str, found))
    if everything:
        return Part(whole)
    short = [one.short for one in found]
    some = [*lines(short[:TOLD], 1)]
    if len(found) > TOLD:
        some += lines([f"{len(found) - TOLD} more of these: {ALL} has them"], 1)
    # The number and where to find them stand first: what is cut off is at the end.
    one = lines([f"{count_of(len(found), name)}, all by {ALL}: {short[0]}"], 1) if len(found) > 1 else lines(short, 1)
    shorter = [lines(short), lines(short, LINES), lines(short, 1), tuple(some), one]
    return Part(whole, tuple(Shorter(Fold.RISKS, way) for way in shorter))


def _risks(host: HostPreview) -> Iterator[Risk]:
    if host.was and not host.healthy:
        yield Risk("the live version is NOT healthy now")
    if host.database == "restore":
        yield Risk("restores an older backup: whatever was written since is LOST")
    if host.packages and host.packages.refused and not host.problems:
        yield Risk(f"packages can't be resolved: {host.packages.why}")
    if host.hotfixes and not host.problems and host.code:
        changed = "; ".join(f"{part}: {', '.join(found)}" for part, found in host.hotfixes.items())
        yield Risk(f"what was changed by hand on the host is left behind: {changed}")
    if host.migrations:
        yield from _grouped(host.migrations.pending, None)
        if host.database != "reverse":
            # They keep older code from working with a schema that stays.
            yield from _grouped(host.migrations.leaving, (BREAKS, UNKNOWN))
    if host.service and host.service.no_trial:
        yield Risk(f"no trial start before: {host.service.no_trial}")
    for shared in host.shared:
        if shared.notice:
            yield Risk(shared.notice)
        if shared.differing:
            yield Risk(f"{shared.path}: {STAYS}: {shared.differing}")


def _grouped(migrations: Iterable[Migration], kinds: Sequence[str] | None) -> Iterator[Risk]:
    """The risks of migrations, each once, with those that have it.

    + kinds: those that count; all of them without
    """
    of: dict[str, dict[str, None]] = {}
    for migration in migrations:
        for operation in migration.operations:
            for risk in operation.risks:
                if kinds is None or risk.kind in kinds:
                    of.setdefault(f"{risk.kind}: {risk.says}", {})[migration.label] = None
    return (Risk(says, tuple(labels)) for says, labels in of.items())
