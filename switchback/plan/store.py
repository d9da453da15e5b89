"""Plan files: a preview that is kept, and a run that does exactly what it says or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from switchback import typed
from switchback.plan.model import SCHEMA, HostPreview, Preview
from switchback.settings.errors import OfHost, Refused
from switchback.whole import write_whole


def save(preview: Preview, path: Path) -> None:
    """Write a plan, whole or not at all. Raises Refused when it can't be written."""
    try:
        write_whole(path, preview.model_dump_json(indent=2) + "\n")
    except OSError as problem:
        raise Refused(f"--data save_plan={path}: it can't be written: {problem.strerror}") from None


def load(path: Path) -> Preview:
    """Read a plan. Raises Refused when it is none, or one of another schema."""
    try:
        return Preview.model_validate_json(path.read_bytes())
    except OSError as problem:
        raise Refused(f"{typed.plan(str(path))}: it can't be read: {problem.strerror}") from None
    except ValidationError as problem:
        wrong = problem.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"])
        raise Refused(
            f"{typed.plan(str(path))}: this is no plan of schema version {SCHEMA} ({where or 'the file'}: "
            f"{wrong['msg']}); {typed.look_again()}"
        ) from None


def differences(plan: Preview, now: Preview) -> Sequence[str]:
    """What is no longer what a plan was made for, each in a sentence; none where it can be done as it is. Pure.

    + now: the same run as it would be now
    """
    if plan.kind != now.kind:
        return [f"the plan is for a {plan.kind}, and this is a {now.kind}"]
    then, here = {one.host: one for one in plan.hosts}, {one.host: one for one in now.hosts}
    found = [OfHost(name, "is in the plan, and not in this run") for name in then.keys() - here.keys()]
    found += [OfHost(name, "is in this run, and not in the plan") for name in here.keys() - then.keys()]
    for name, host in here.items():
        if name in then:
            found += [OfHost(name, text) for text in _of_host(then[name], host)]
    return found


def _of_host(then: HostPreview, now: HostPreview) -> Iterator[str]:
    if then.was != now.was:
        yield f"{now.was or 'no version'} is live, and the plan was made for {then.was or 'none'}"
    yield from _applied(then, now)
    if then.hotfixes != now.hotfixes:
        yield f"hotfixes: {_lines(now.hotfixes)}, and in the plan {_lines(then.hotfixes)}"
    for key in sorted(then.settings.keys() | now.settings.keys()):
        if then.settings.get(key) != now.settings.get(key):
            yield f"setting {key}: {now.settings.get(key)!r}, and in the plan {then.settings.get(key)!r}"
    if then.primary != now.primary:
        yield f"{'migrates' if now.primary else 'does not migrate'} for all hosts, unlike in the plan"
    for part in ("code", "config"):
        one, other = getattr(then, part), getattr(now, part)
        if one and other and one.sha != other.sha:
            yield f"{part}: {other.sha[:7]} would be deployed, and in the plan {one.sha[:7]}"
    if then.version and then.version != now.version:
        yield f"{then.version} is to go live in the plan, and {now.version or 'a new version'} would"
    if bool(then.idle) != bool(now.idle):
        yield f"{'there is nothing to do any more' if now.idle else 'there was nothing to do'}: {now.idle or then.idle}"
    elif not then.idle:
        yield from _to_do(then, now)


def _applied(then: HostPreview, now: HostPreview) -> Iterator[str]:
    before = None if then.migrations is None else then.migrations.applied
    after = None if now.migrations is None else now.migrations.applied
    if before == after:
        return
    if before is None or after is None:
        yield "which migrations are applied can't be compared with the plan: it is known of only one of them"
        return
    more, less = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    if more:
        yield f"migrations applied since: {', '.join(more)}"
    if less:
        yield f"migrations taken back since: {', '.join(less)}"


def _to_do(then: HostPreview, now: HostPreview) -> Iterator[str]:
    """What would be done otherwise, though the host is the same: a package index has moved, a version is built."""
    if _labels(then) != _labels(now):
        yield f"migrations to apply: {_labels(now) or 'none'}, and in the plan {_labels(then) or 'none'}"
    if then.packages and now.packages and _packages(then) != _packages(now):
        yield f"packages would change otherwise: {_packages(now)}, and in the plan {_packages(then)}"
    if then.environment != now.environment:
        yield f"variables would change otherwise: {_variables(now)}, and in the plan {_variables(then)}"
    if {one.name for one in then.deletions} != {one.name for one in now.deletions}:
        yield f"deletes {_names(now)}, and in the plan {_names(then)}"


def _labels(host: HostPreview) -> str:
    return ", ".join(one.label for one in host.migrations.pending) if host.migrations else ""


def _packages(host: HostPreview) -> str:
    told = host.packages
    if told is None:
        return ""
    changed = [one for kind in (told.added, told.removed, told.up, told.down) for one in kind]
    return ", ".join(f"{one.name} {one.was or '-'} → {one.version or '-'}" for one in changed) or "none"


def _variables(host: HostPreview) -> str:
    return ", ".join(host.environment) or "none"


def _names(host: HostPreview) -> str:
    return ", ".join(one.name for one in host.deletions) or "no version"


def _lines(hotfixes: dict[str, tuple[str, ...]]) -> str:
    return "; ".join(f"{part}: {', '.join(lines)}" for part, lines in hotfixes.items()) or "none"
