"""What a run was given of variables and secrets: kept with the run, root's alone, until that has ended. Neither is in
its journal."""

# No `from __future__ import annotations`: see shapes.

from dataclasses import field, replace
from typing import Optional

from agent.environment import secrets
from agent.host.files import write_whole
from agent.host.reading import read_text
from agent.inside.lean import dataclass
from agent.transaction.transaction import Transaction
from agent.words.shapes import from_json, to_json


@dataclass(frozen=True)
class Given:
    """What it was given.

    + env: the variables of the version that it builds
    + secrets: those that the site is to have; None where the run leaves them as they are
    + before: the text of the file with those that the site has had, None where there was none
    """

    env: dict[str, str] = field(default_factory=dict)
    secrets: Optional[dict[str, str]] = None
    before: Optional[str] = None


def keep(transaction: Transaction, one: Given) -> None:
    """Keep it, before anything is done with it, with what the site has had until then. Raises OSError."""
    write_whole(transaction.given, to_json(replace(one, before=secrets.text(transaction.state))), 0o600)


def of(transaction: Transaction) -> Given:
    """What it was given. An older agent's run was given nothing."""
    try:
        return from_json(Given, read_text(transaction.given))
    except FileNotFoundError:
        return Given()
