"""What is done once nobody waits any more, after old versions were moved out of the way. It runs as the app's user."""

from __future__ import annotations

from pathlib import Path

from agent.host.command import CommandFailed, ours
from agent.host.files import alone_in
from agent.host.output import emit
from agent.inside.lean import dataclass
from agent.versions import venvs

# The folders of a version can't be written to, and so not be emptied either. Its files may be a newer version's as
# well, and stay as they are.
DELETE = 'find "$@" -type d -exec chmod u+w -- {} +; rm -rf -- "$@"'

# How long that may take, seconds: nobody waits for it.
LIMIT = 6 * 3600.0


@dataclass(frozen=True)
class Chore:
    """What is to be done, all of it paths.

    + trash: what is to be deleted
    + spare, version, venv: what is to be made ready, for which version, and its environment; none of them, or all
    """

    trash: tuple[str, ...] = ()
    spare: str = ""
    version: str = ""
    venv: str = ""


def tidy(what: Chore) -> int:
    """Make the spare environment ready for the next version, and delete what was moved away. Returns an exit code."""
    if what.spare:
        _make_ready(Path(what.spare), Path(what.version), Path(what.venv))
    if not what.trash:
        return 0
    try:
        ours(["sh", "-c", DELETE, "sh", *what.trash], LIMIT)
    except CommandFailed as problem:
        emit(str(problem))
        return 1
    return 0


def _make_ready(spare: Path, version: Path, venv: Path) -> None:
    """Make the spare ready. Where it can't be, the next deploy compares all of it, or makes its own."""
    try:
        # One at a time: a clean that comes soon after this one starts another.
        with alone_in(spare.parent):
            venvs.make_ready(spare, version, venv)
    except Exception as problem:  # noqa: BLE001 - whatever it is, what was moved away has to be deleted
        emit(f"the spare environment is not ready: {problem}")
