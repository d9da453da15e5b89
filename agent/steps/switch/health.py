"""The step that proves that the app is well, and what proves it of the version before."""

from __future__ import annotations

from agent.service import health, verdicts
from agent.steps.kind import PATIENCE, Note, Settings, SwitchStep, Turn, Undo
from agent.text.lines import first_line
from agent.transaction.progress import Progress
from agent.transaction.step import Step, StepFailed
from agent.versions.marks import linked_version


class ProveHealthBefore(Undo):
    """Prove that the version that was live is well again."""

    name = "health"
    turn = Turn.HEALTH
    always = True
    if_touched = True
    looks = "prove that the version before is healthy"

    def needed(self, progress: Progress) -> bool:
        """Where there was a version before."""
        return not progress.begin.get("bare", False)

    def do(self, step: Step) -> Note:
        """Ask it until it is well: with patience, where it was well before."""
        was = linked_version(step.layout, step.layout.path("current_main"))
        if was is None:
            raise StepFailed("there is no current version")
        was_well, known = step.begin.get("healthy_before", True), step.begin.get("ailing", {})
        try:
            found = health.prove_healthy(step.layout, was, patience=PATIENCE if was_well else 1, known=known)
        except health.Unhealthy as problem:
            if was_well:
                raise
            return {"version": was, "unhealthy": f"as before the deploy: {first_line(str(problem))}"}
        still = [str(one) for one in verdicts.look(step.layout).ailing if one.name in known]
        return {"version": was, **found, **({"as_before": still} if still else {})}

    def says(self, note: Note) -> str:
        """Whether it is."""
        how = "not healthy, as before" if note.get("unhealthy") else "healthy"
        return f"seen: {note.get('version', 'the version before')} is {how}"


class Health(SwitchStep):
    """Prove that the app answers, from the version, and stays up."""

    name = "health"
    runs = ("deploy", "revert", "restart")
    blames_version = True
    touches = True
    undos = (ProveHealthBefore(),)

    def limit(self, settings: Settings) -> float:
        """As long as the app may take to be well, and to prove that it stays so, seconds."""
        return float(settings["health_timeout"] + settings["health_stable"] + 30)

    def do(self, step: Step) -> Note:
        """Ask until it is well."""
        # A rolling restart has watched it for that long already.
        stable = 0 if step.notes("restart").get("way") == "rolling" else None
        return health.prove_healthy(step.layout, step.version, stable)
