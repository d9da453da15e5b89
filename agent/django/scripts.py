"""What a script that works with the app's databases finds in its environment: for which deploy, and whose databases."""

from __future__ import annotations

from agent.django.locks import session_name
from agent.environment.variables import for_scripts
from agent.transaction.step import StepContext
from agent.words.notes import Checked


def for_databases(step: StepContext) -> dict[str, str]:
    """How a script finds out which databases there are, by asking that version's own Django; and what its sessions are
    called, as PostgreSQL's own tools take it."""
    layout, begin = step.layout, step.begin
    # A revert changes what the version that it leaves has used.
    version = str(begin.was) if begin.kind == "revert" else step.version
    told = {
        **for_scripts(step, version),
        "PGAPPNAME": session_name(step.transaction.deploy),
        "SWITCHBACK_VERSION": str(layout.version(version)),
        "SWITCHBACK_PYTHON": str(layout.part(version, "venv") / "bin" / "python"),
        "SWITCHBACK_MANAGE": str(layout.part(version, "config") / "manage.py"),
    }
    if step.settings.database_direct_url:
        told["SWITCHBACK_DIRECT_URL"] = step.settings.database_direct_url
    databases = step.note(Checked).databases
    # Where nobody has told, or one can't be told so, the script asks.
    if databases and all(len(one.alias.split()) == 1 for one in databases):
        told["SWITCHBACK_DATABASES"] = " ".join(one.alias for one in databases)
        if not step.settings.database_direct_url:
            # With that it was not the settings' own way that was looked at.
            told["SWITCHBACK_DIRECT"] = " ".join(one.alias for one in databases if one.direct)
    return told
