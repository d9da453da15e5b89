"""One run as its folder tells of it: what happened, what steps have printed, and the evidence."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from agent.environment.variables import conceal
from agent.host.reading import end_of, matching
from agent.record import story
from agent.record.past import bounded_run
from agent.state import State
from agent.text.lines import bounded
from agent.text.masking import masked_message
from agent.transaction.bounds import past_runs
from agent.transaction.end import as_past
from agent.transaction.lock import lock_holder
from agent.transaction.transaction import Transaction
from agent.words.history import Evidence, PastRun, Record, Text
from agent.words.journal import JournalUnreadable
from agent.words.outcomes import Outcome
from agent.words.requests import Why

PAGE = "page.html"
# What is told of one run in all, bytes; of how many texts; and how long a line of one may be, characters.
MOST, TEXTS, LINE = 1_500_000, 60, 2_000
# How many ids are named.
NAMED = 50


def why(state: State, request: Why) -> Evidence:
    """The record of a run."""
    conceal(state)
    ids = [folder.name for folder in matching(state.transactions, "*")][::-1]
    wanted = request.deploy or _telling(state, ids)
    found = [wanted] if wanted in ids else [one for one in ids if wanted and wanted in one]
    if len(found) != 1:
        return Evidence(None, tuple((found or ids)[:NAMED]))
    return Evidence(record(state, found[0], request.most), tuple(ids[:NAMED]))


def told_at_its_end(state: State, deploy: str) -> Record | None:
    """The record of a run that has just ended, for who asks its runner; None where that can't be read.

    Who lacks it asks for it by another process, and is told there what is wrong.
    """
    try:
        return why(state, Why(deploy)).record
    except (OSError, ValueError):
        return None


def _telling(state: State, ids: list[str]) -> str:
    """The run that somebody most likely asks about: the open one, the last one that did not commit, or the last one."""
    failed = (run.deploy for run in reversed(past_runs(state)) if run.outcome != Outcome.COMMITTED)
    return lock_holder(state) or next((one for one in failed if one in ids), ids[0] if ids else "")


def record(state: State, deploy: str, most: int) -> Record:
    """A run as its folder tells of it.

    + most: how much is told of each text, bytes
    """
    transaction = Transaction(state, deploy)
    folder, now = str(transaction.folder), time.time()
    texts = _texts(transaction.folder, most)
    try:
        progress = transaction.progress
        run = bounded_run(as_past(deploy, progress))
        told = tuple(_safe(line) for line in story.tell(progress))
    except (JournalUnreadable, KeyError) as problem:
        unread = PastRun(deploy, Outcome.UNKNOWN, sentence=_safe(f"its journal can't be read: {problem}"))
        return Record(unread, False, now, folder, texts=texts)
    asked, site, app = story.probed(progress)
    return Record(
        run=run,
        ended=progress.ended is not None,
        now=now,
        folder=folder,
        hosts=progress.begin.hosts,
        primary=progress.begin.primary,
        parts=tuple(story.parts(progress.lines)),
        shut=story.shut(progress),
        asked=asked,
        site=site,
        app=app,
        story=told,
        texts=texts,
        page=_is_of(transaction.folder / PAGE, run.ended),
    )


def _is_of(page: Path, ended: float) -> bool:
    """Whether there is a page, made since the run has ended: one that needed a person has ended once more."""
    try:
        return os.lstat(str(page)).st_mtime >= ended
    except OSError:
        return False


def _safe(text: str) -> str:
    return bounded(masked_message(text), LINE)


def _texts(folder: Path, most: int) -> tuple[Text, ...]:
    """What is kept of a run besides its journal. The app has written what stands in it."""
    found, left = list[Text](), MOST
    # What was kept of the app itself comes first.
    for path in [*matching(folder, "evidence/*"), *matching(folder, "output/*")][:TEXTS]:
        name = f"{path.parent.name}/{path.name}"
        try:
            info = os.lstat(str(path))
            if not stat.S_ISREG(info.st_mode):
                continue
            told = min(most, left)
            end = _safe(end_of(path, told, os.O_NOFOLLOW))
        except OSError as problem:
            found.append(Text(name, 0, f"could not be read: {problem}"))
            continue
        left = max(0, left - len(end.encode(errors="replace")))
        found.append(Text(name, info.st_size, end, cut=info.st_size > told))
    return tuple(found)
