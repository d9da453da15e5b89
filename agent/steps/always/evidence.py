"""Keep what the failed version has left to say: the unit's journal, and the app's logs."""

from __future__ import annotations

import re
from pathlib import Path

from agent.host.command import ANY_CODE, LOGGED, CommandFailed, ours
from agent.host.files import put
from agent.host.output import emit
from agent.service.last_words import app_logs, end_of_log
from agent.steps.kind import Turn, Undo
from agent.steps.order import touched
from agent.text.lines import bounded
from agent.text.masking import masked_urls
from agent.transaction.step import StepContext
from agent.words.notes import Undone

# What a name is made of that nobody has to mind; and how much of one is kept, characters.
NOT_PLAIN, LONGEST = re.compile(r"[^\w.-]", re.ASCII), 100


class KeepEvidence(Undo):
    """Keep what the failed version has left to say: the unit's journal, and the app's logs."""

    name = "evidence"
    turn = Turn.EVIDENCE
    before_the_database = True
    looks = "keep the evidence"
    tidies = True
    says = "kept: the evidence"

    def do(self, step: StepContext) -> Undone:
        """Copy it, as far as it goes."""
        folder = step.transaction.evidence
        try:
            folder.mkdir(exist_ok=True)
            if touched(step.progress):
                _copy_logs(step, folder)
        except OSError as problem:
            # A site that works again must not wait for a person because of this.
            emit(f"  not all of the evidence could be kept: {problem}")
        return Undone()


def _copy_logs(step: StepContext, folder: Path) -> None:
    since = f"@{int(step.progress.lines[0].at)}"
    unit = step.settings.systemd_service
    argv = ["journalctl", "--unit", unit, "--since", since, "--lines", "500", "--no-pager"]
    try:
        shown = ours(argv, 30, ANY_CODE)
    except (OSError, CommandFailed) as problem:
        shown = f"could not be read: {problem}\n"
    put(folder / "unit.log", bounded(masked_urls(shown), most=LOGGED).encode(errors="replace"))
    taken = {"unit.log"}
    for log in app_logs(step.layout, step.version):
        # Its name is the app's to choose, also one that a terminal obeys, or that another has.
        name = NOT_PLAIN.sub("_", log.name)[-LONGEST:]
        name = name if name not in taken else f"{len(taken)}-{name}"
        taken.add(name)
        put(folder / name, masked_urls(end_of_log(step.layout, log)).encode(errors="replace"))
