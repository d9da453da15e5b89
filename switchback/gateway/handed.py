"""What a key has asked for, as it comes to its owner's side: checked anew, whoever has handed it over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from switchback.gateway.rules import is_name
from switchback.gateway.words import NotAsked

# As much as the longest that may be asked for takes in a frame, and more; bytes.
LARGEST = 32_768


@dataclass(frozen=True)
class Handed:
    """What was handed over.

    + name: the key's; asked: its words; came_from: the address, as it was told
    """

    name: str
    asked: str
    came_from: str = "here"


def read_frame(data: bytes) -> Handed:
    """Read what `ask` hands over. Raises NotAsked for anything else."""
    try:
        told = json.loads(data) if len(data) <= LARGEST else None
    except (ValueError, RecursionError):
        told = None
    fields = [told.get(key) for key in ("name", "asked", "from")] if isinstance(told, dict) else []
    texts = [one for one in fields if isinstance(one, str)]
    if len(texts) != 3 or not is_name(texts[0]):
        raise NotAsked("what was handed over is none of what a key asks for")
    return Handed(texts[0], texts[1], texts[2])


def from_environment(name: str, environ: Mapping[str, str]) -> Handed:
    """What a forced command finds, which the owner's own key has. Raises NotAsked for what can't be a key's name."""
    if not is_name(name):
        raise NotAsked("the word in the key's line must be letters, digits, _ . @ - alone")
    came_from = environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return Handed(name, environ.get("SSH_ORIGINAL_COMMAND", ""), came_from or "here")
