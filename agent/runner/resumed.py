"""What a runner makes of a run that another one has begun."""

from __future__ import annotations

from agent.transaction.progress import Progress
from agent.transaction.transaction import this_boot


def was_rebooted(progress: Progress) -> bool:
    """Whether the host has booted since a run began."""
    return bool(progress.begin.boot) and progress.begin.boot != this_boot()


def why_resumed(progress: Progress) -> str:
    """Why a run has to fall back that another runner has begun."""
    how = "the host was rebooted" if was_rebooted(progress) else "the runner was killed"
    return f"{how} {progress.whereabouts}"
