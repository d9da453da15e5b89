"""What becomes another one with a version: code, config, packages and static files."""

from __future__ import annotations

from switchback.plan.known import Facts, commit_of
from switchback.plan.model import Changes, Names, Packages, Static
from switchback.runs.run import Run

# How many names of files are told; all of them are counted.
SHOWN = 20


def changes_of(run: Run, seen: Facts, found: Facts, part: str) -> Changes | None:
    """From which commit a part goes to which; None where it stays or is not known."""
    if run.kind == "restart":
        return None
    going = run.about.get(part) or {"ref": run.version, "sha": commit_of(seen, run.version, part)}
    if not going["sha"]:
        return None
    was = commit_of(seen, run.was, part)
    read = {key: value for key, value in (found.get(part) or {}).items() if value is not None}
    return Changes(ref=going["ref"], sha=going["sha"], was=was, **read)


def packages_of(found: Facts) -> Packages | None:
    """The packages that are added, changed and removed."""
    if "packages" not in found:
        return None
    told = {key: value for key, value in found["packages"].items() if key != "same_text"}
    told["unsure"] = tuple(one["name"] for one in told.get("unsure", ()))
    told["added"] = tuple({"name": one["name"], "version": one["version"]} for one in told.get("added", ()))
    told["removed"] = tuple({"name": one["name"], "was": one["version"]} for one in told.get("removed", ()))
    return Packages.model_validate(told)


def static_of(found: Facts) -> Static | None:
    """The static files that are added, changed and removed."""
    if "static" not in found:
        return None
    told = dict(found["static"])
    for key in ("added", "changed", "removed"):
        told[key] = Names(count=len(told.get(key, ())), names=tuple(told.get(key, ())[:SHOWN]))
    return Static.model_validate(told)
