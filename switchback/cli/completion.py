"""What a shell completes besides words and options: environments, and what git knows here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from switchback.cli.place import environments

# How long git may take, seconds; whoever has pressed Tab waits.
WITHIN = 2
BRANCHES = ("refs/heads", "refs/remotes/origin", "refs/tags")


def environment(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The environments whose settings are here, or above."""
    return [one for one in environments(Path.cwd()) if one.startswith(incomplete)]


def ref(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Branches and tags, as far as they are known here, the newest first."""
    command = ["git", "for-each-ref", "--sort=-creatordate", "--format=%(refname:lstrip=2)", *BRANCHES]
    try:
        done = subprocess.run(command, capture_output=True, timeout=WITHIN, check=True)
    except (OSError, subprocess.SubprocessError):
        # No repository, no git: there is nothing to complete.
        return []
    names = (one.removeprefix("origin/") for one in done.stdout.decode(errors="replace").split())
    return [one for one in dict.fromkeys(names) if one.startswith(incomplete) and one != "HEAD"]
