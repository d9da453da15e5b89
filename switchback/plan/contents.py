"""What becomes another one with a version (code, config, packages, static files), and by which commands of its own."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from agent.steps.hooks import AFTER
from agent.text.lines import one_line
from agent.text.masking import masked
from agent.words import foreseen
from agent.words.facts import Site
from agent.words.settings import Hook, Timed
from switchback.plan.known import commit_of
from switchback.plan.model import Step
from switchback.plan.parts import Changes, Names, Packages, Shared, Static
from switchback.runs.run import Run

# How many names of files are told; all of them are counted.
SHOWN = 20


def changes_of(run: Run, seen: Site, found: foreseen.Changes | None, part: str) -> Changes | None:
    """From which commit a part goes to which; None where it stays or is not known."""
    if run.kind == "restart":
        return None
    going = run.about.commit(part)
    ref, sha = (going.ref, going.sha) if going else (run.version, commit_of(seen, run.version, part))
    if not sha:
        return None
    unknown = found.unknown if found else ""
    read = vars(found.between) if found and found.between else {}
    return Changes(ref=ref, sha=sha, was=commit_of(seen, run.was, part), unknown=unknown, **read)


def config_of(run: Run, seen: Site, found: foreseen.Foreseen | None) -> Changes | None:
    """The same of the config: from a commit of its own, or made of the code's."""
    if run.kind == "restart" or not found or not found.made or not run.about.code:
        return changes_of(run, seen, found.config if found else None, "config")
    made, code = found.made, run.about.code
    signs = (("+", made.added), ("~", made.changed), ("-", made.removed))
    return Changes(
        ref=code.ref,
        sha=code.sha,
        was=commit_of(seen, run.was, "config" if commit_of(seen, run.was, "config") else "code"),
        diff=made.diff,
        made=tuple(f"{sign} {name}" for sign, names in signs for name in names),
        says=(*(f"found: {one}" for one in made.found), *(f"set: {one}" for one in found.app.filled)),
    )


def environment_of(run: Run, seen: Site, env: Mapping[str, str]) -> tuple[str, ...]:
    """What becomes of variables, as far as a look has told, and of the site's secrets, which a build only meets.

    + env: the names of variables, each with what becomes of it
    """
    secrets = seen.secrets if "swap" in run.steps else {}
    own = [f"{name} {what}" for name, what in env.items()]
    return (*own, *(f"{name} {what} (secret)" for name, what in secrets.items()))


def schedules_of(run: Run, seen: Site) -> tuple[dict[str, Timed], dict[str, Timed]]:
    """What runs at times on this host while the version is live that is, and while the one is that a run goes to."""
    was, comes = seen.version(run.was), seen.version(run.version)
    built = comes.schedule if comes else run.settings.schedule
    found = (was.schedule if was else {}, built if "code" in run.steps or comes else {})
    before, after = ({name: one for name, one in told.items() if run.single or not one.once} for told in found)
    return before, after


def schedule_of(run: Run, seen: Site) -> tuple[str, ...]:
    """What becomes of what runs at times, a line for each that does not stay as it is."""
    if "schedule" not in run.steps:
        return ()
    before, after = schedules_of(run, seen)
    lines = []
    for name in sorted({*before, *after}):
        one, was = after.get(name), before.get(name)
        if one is None:
            lines.append(f"- {name}")
        elif one != was:
            lines.append(f"{'~' if was else '+'} {name} {one.says}: {_shown_words(one.run)}")
    return tuple(lines)


def packages_of(found: foreseen.Packages) -> Packages:
    """The packages that are added, changed and removed."""
    return Packages(
        source=found.source,
        found=found.found,
        why=found.why,
        refused=found.refused,
        by_script=found.by_script,
        **vars(found.changes),
    )


def static_of(found: foreseen.Static) -> Static:
    """The static files that are added, changed and removed."""
    added, changed, removed = map(_names, (found.added, found.changed, found.removed))
    return Static(source=found.source, why=found.why, added=added, changed=changed, removed=removed)


def _names(names: Sequence[str]) -> Names:
    return Names(count=len(names), names=tuple(names[:SHOWN]))


def hooks_of(run: Run, steps: Sequence[Step]) -> tuple[str, ...]:
    """The commands that a run has, each with its point, in the order in which they run.

    + steps: those of the run, and whether each has anything to do on its host
    """
    after = [kind.name for kind in AFTER if run.kind in kind.runs]
    return (
        *_shown(run, ["before_build"] if "code" in run.steps else [], "controller"),
        *_shown(run, [*(step.name for step in steps if step.does), *after], "host"),
        *_shown(run, after, "controller"),
    )


def _shown(run: Run, points: Sequence[str], on: str) -> Iterator[str]:
    """What runs at some points on the host, or on the controller, which has it once for all of them."""
    settings, is_primary = run.settings.for_host(), run.host == run.primary
    for point in points:
        for one in settings.hooks_at(point, on):
            if is_primary or (on == "host" and not one.primary):
                yield f"{point}{'' if on == 'host' else ' on the controller'}: {command(one)}"


def command(hook: Hook) -> str:
    """A command as it is shown: on one line, without its secrets."""
    return _shown_words(hook.run)


def _shown_words(words: Sequence[str]) -> str:
    return one_line(masked(shlex.join(words)))


def shared_of(found: Sequence[foreseen.SharedPlace]) -> tuple[Shared, ...]:
    """What outlives the versions, as far as nothing is in its way."""
    return tuple(
        Shared(path=one.path, place=one.place, how=one.how, says=one.says, notice=one.notice, differing=one.differing)
        for one in found
        if not one.problem
    )
