"""What the settings leave to the host: what `auto`, and what nobody has said, stand for on one. Pure."""

from __future__ import annotations

from agent.versions.layout import AUTO
from agent.words.settings import restarts
from switchback.settings.model import Settings


def as_found(settings: Settings, restore_script: str | None, unnoticed: bool = False) -> Settings:
    """Settings with what `auto`, and what nobody has said, stand for on a host.

    + restore_script: where the survey has seen it, if it is there
    + unnoticed: whether supervisord's config is Switchback's own, which can replace processes one by one
    """
    found: dict[str, str | None] = {
        "maintenance": settings.maintenance or ("auto" if unnoticed else "always"),
        "restart": restarts(settings.restart, unnoticed),
    }
    if settings.restore_script == AUTO:
        found["restore_script"] = restore_script
    return settings.model_copy(update=found)
