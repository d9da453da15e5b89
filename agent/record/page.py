"""The page of a run, beside its journal: written once the run has ended, and gone with its folder."""

from __future__ import annotations

import re

from agent.host.files import write_whole
from agent.record.why import PAGE
from agent.state import State
from agent.transaction.transaction import Transaction
from agent.words.outcomes import Refused
from agent.words.requests import KeepPage

# What a run may be called, and how long its page may be, bytes.
ID, MOST = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII), 4_000_000


def keep(state: State, request: KeepPage) -> str:
    """Write it, and return where. Raises Refused where there is no such run, it has not ended, or whatever is wrong."""
    if not ID.fullmatch(request.deploy):
        raise Refused(f"{request.deploy!r} is no run's id")
    transaction = Transaction(state, request.deploy)
    if transaction.folder.is_symlink() or not transaction.folder.is_dir():
        raise Refused(f"there is no run {request.deploy} any more")
    path = transaction.folder / PAGE
    try:
        if transaction.progress.outcome is None:
            raise Refused(f"{request.deploy} has not ended")
        if len(request.page.encode()) > MOST:
            raise Refused(f"the page is longer than {MOST} bytes")
        write_whole(path, request.page, mode=0o600)
    except (OSError, ValueError) as problem:
        # A runner is asked that as well, which has more to do than to keep pages.
        raise Refused(f"the page can't be written: {problem}") from None
    return str(path)
