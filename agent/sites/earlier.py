"""A host that was laid out by an agent which knew of no sites: all that it has kept is its only site's."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from agent.host.command import ANY_CODE, ours
from agent.host.files import sync_folder, text_lines, write_whole
from agent.host.reading import matching
from agent.state import LAUNCHER, LIBRARY, State, installed_agent, named_by
from agent.versions.layout import UNITS
from agent.words.settings import site_of

# The agent that it had, and what was started to run it.
CURRENT = LIBRARY / "current"
LAUNCHED = LIBRARY / LAUNCHER
# Its units; the last one says whose all of it was.
WATCH, GUARD, BOOT = "switchback-guard.path", "switchback-guard.service", "switchback-boot.service"


def as_laid_out(state: State) -> State:
    """A site's state, to be read where it is: where it was before, as long as that has not been taken over."""
    return replace(state, earlier=True) if state.site == _only_site() else state


def sites_of(base: Path) -> list[State]:
    """The sites that have something of ours on this host, each to be read where it is.

    + base: where each has its folder
    """
    found = {folder.parent.name for folder in matching(base, "*/transactions")}
    return [as_laid_out(State(name, base)) for name in sorted({*found, _only_site()} - {""})]


def _only_site() -> str:
    """The site that a host was laid out for, as its units of that time say; empty where there are none."""
    before = [line[len("Before=") :] for line in text_lines(UNITS / BOOT) if line.startswith("Before=")]
    return _site_of(before[0]) if before else ""


def _site_of(service: str) -> str:
    """The name of a site; empty where it is none."""
    try:
        return site_of(service)
    except ValueError:
        return ""


def agent_of(state: State) -> str | None:
    """The fingerprint of the agent that does a site's runs, or has done them up to now, or None."""
    return installed_agent(state) or (named_by(CURRENT) if state.earlier else None)


def take_over(state: State) -> None:
    """Move what is the site's into its folder, and take away what has been used up to now. Cut short, it is done again.

    + state: of a site that nobody holds, where it has to stay so meanwhile
    """
    state.create()
    # Where it was cut short, and the agent of before has run once more, that goes beside what is there.
    for name in ("transactions", "marks"):
        _move(state.base / name, state.root / name)
    _move_history(state.base / "history.jsonl", state.root / "history.jsonl")
    was, now = f"{state.base}/transactions/", f"{state.root}/transactions/"
    for path in (state.root / "history.jsonl", *matching(state.root / "marks", "*.json")):
        text = "\n".join(text_lines(path))
        if was in text:
            write_whole(path, text.replace(was, now))
    (state.base / "agent.lock").unlink(missing_ok=True)
    sync_folder(state.base)
    _forget()


def _move(old: Path, new: Path) -> None:
    if not old.is_dir():
        return
    try:
        old.rename(new)
    except OSError:
        for one in matching(old, "*"):
            one.rename(new / one.name)
        old.rmdir()
    sync_folder(new)


def _move_history(old: Path, new: Path) -> None:
    if new.exists() and old.exists():
        # Each once, however often this was cut short.
        lines = dict.fromkeys(line for path in (new, old) for line in text_lines(path) if line)
        write_whole(new, "".join(line + "\n" for line in lines))
        old.unlink()
    elif old.exists():
        old.rename(new)


def _forget() -> None:
    """Take away its units, and what has started it. The unit that says whose it was goes last."""
    for argv in (["stop", WATCH, GUARD, BOOT], ["disable", "--quiet", WATCH, BOOT]):
        # Some of them are gone already, where this was cut short.
        ours(["systemctl", *argv], 60, ANY_CODE)
    for path in (UNITS / WATCH, UNITS / GUARD, LAUNCHED, CURRENT):
        path.unlink(missing_ok=True)
    sync_folder(LIBRARY)
    os.unlink(UNITS / BOOT)
    ours(["systemctl", "daemon-reload"], 60)
