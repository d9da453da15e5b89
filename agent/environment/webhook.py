"""The web address that is told how a site's runs end. Whoever knows it may tell there, so it is root's alone: it is in
no journal, and the app's user, whom the site's other secrets are for, can't read it."""

from __future__ import annotations

from urllib.parse import urlsplit

from agent.host.asking import get_path
from agent.host.files import sync_folder, write_whole
from agent.host.reading import read_text
from agent.state import State


def read(state: State) -> str:
    """The address; empty where a site has none. Raises OSError, ValueError."""
    try:
        return read_text(state.webhook).strip()
    except FileNotFoundError:
        return ""


def keep(state: State, address: str) -> None:
    """Have the site know it, or none where it is empty. Done twice it does no more than done once. Raises OSError."""
    if address:
        write_whole(state.webhook, address + "\n", 0o600)
    elif state.webhook.exists():
        state.webhook.unlink()
        sync_folder(state.root)


def secret_of(address: str) -> list[str]:
    """What of an address nobody is to see: all of it, and what stands behind the host by itself."""
    behind = get_path(urlsplit(address)) if address else ""
    return [address, behind] if len(behind) > 1 else []
