"""Whether the app is well: it answers, from the version that it should, and stays up."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

from agent.host.http import PROTO, ask
from agent.service import systemd, verdicts
from agent.service.last_words import LastWords
from agent.service.supervisor import UP, Told
from agent.versions.layout import Layout
from agent.words.settings import Settings

# One question may take this long, seconds; the whole check has the settings' limit.
ANSWER_TIMEOUT = 10.0
PAUSE = 0.05
# How often it is asked while it is watched, seconds: it has visitors to serve.
ASKS = 0.5
TICKS = os.sysconf("SC_CLK_TCK")
BORN_AGAIN = "a process of the service has ended or was started again"


class Unhealthy(Exception):
    """The app is not well, and why."""


def app_problem(
    layout: Layout, version: str, timeout: float = ANSWER_TIMEOUT, known: Collection[str] = ()
) -> str | None:
    """What is wrong with the app right now, at its own address and with each of its programs, or None.

    + known: names of programs that nobody expects to be well
    """
    return _seen(layout, version, timeout, known)[0]


def _seen(
    layout: Layout,
    version: str,
    timeout: float,
    known: Collection[str],
    looks_on: Callable[[], object] | None = None,
) -> tuple[str | None, str | None]:
    """The same, and why supervisord could not be asked; None where it was.

    + looks_on: called while an answer is waited for; it may raise, so as to wait no longer
    """
    settings = layout.settings
    wrong = systemd.not_from(_to_be_proven(layout), version)
    if wrong:
        return wrong, None
    found = list[str | None]()

    def asks() -> None:
        found.append(ask(settings.health_url, headers_for(settings), settings.health_status, timeout))

    if looks_on:
        asking = threading.Thread(target=asks, daemon=True)
        asking.start()
        asking.join(verdicts.LOOK)
        while asking.is_alive():
            looks_on()
            asking.join(verdicts.LOOK)
    else:
        asks()
    if found[0]:
        return found[0], None
    seen = verdicts.look(layout)
    return "; ".join(verdicts.as_now(seen.ailing, known)) or None, seen.unasked


def _to_be_proven(layout: Layout) -> list[systemd.Process]:
    """The service's processes that have to run from the live version. Rolling leaves supervisord itself running."""
    unit = layout.settings.systemd_service
    found = systemd.processes(unit, layout.versions)
    if layout.settings.restart != "rolling":
        return found
    main = systemd.main_pid(unit)
    return [process for process in found if process.pid != main] or found


def headers_for(settings: Settings) -> dict[str, str]:
    """The headers that the app's own address is asked with: those that a web server would send for a visitor."""
    site = urlsplit(settings.website_url)
    proto = {PROTO: "https"} if site.scheme == "https" else {}
    return {"Host": site.netloc, **proto, **(settings.health_headers or {})}


def prove_healthy(layout: Layout, version: str, patience: int = 0, known: Collection[str] = ()) -> str:
    """Wait until the app is well. Returns a warning. Raises Unhealthy.

    + version: the one that every process must run from
    + patience: how many times the settings' health_timeout it is waited for, whatever it looks like meanwhile; what has
      been given up is started again. 0 for once, and no longer than it may yet come
    + known: names of programs that nobody expects to be well
    """
    words, limit = LastWords(layout, version), (patience or 1) * layout.settings.health_timeout
    looks_on = verdicts.Reviver(layout, known).revive if patience else verdicts.Watcher(layout).verdict
    try:
        unasked = _wait_until_well(layout, version, known, began=time.monotonic(), limit=limit, looks_on=looks_on)
    except Unhealthy as problem:
        raise Unhealthy(f"{problem}{words.told()}") from None
    return f"whether each program runs is not known: {unasked}" if unasked else ""


def watch(layout: Layout, version: str, since: float = 0.0, patience: int = 0, known: Collection[str] = ()) -> None:
    """See to it that the app, once it is well, stays so for the settings' health_stable. Raises Unhealthy.

    + since: when it was first well, in seconds since the host has booted: what was born later has died meanwhile
    + patience: as above; a watch that fails is begun anew once the app is well again
    """
    words, began, limit = LastWords(layout, version), time.monotonic(), patience * layout.settings.health_timeout
    revives = verdicts.Reviver(layout, known).revive
    while True:
        try:
            _wait_while_stable(layout, version, known, since)
            return
        except Unhealthy as problem:
            if time.monotonic() >= began + limit:
                raise Unhealthy(f"{problem}{words.told()}") from None
        with contextlib.suppress(Unhealthy):
            _wait_until_well(layout, version, known, began=began, limit=limit, looks_on=revives)


def _wait_until_well(
    layout: Layout,
    version: str,
    known: Collection[str],
    *,
    began: float,
    limit: float,
    looks_on: Callable[[], str | None],
) -> str | None:
    """Wait until the app is well. Returns why supervisord could not be asked.

    + looks_on: called again and again meanwhile; what it returns ends the wait
    """
    end = began + limit

    def look() -> None:
        verdict = looks_on()
        if verdict:
            after = time.monotonic() - began
            raise Unhealthy(f"not healthy after {after:.1f} s, and not going to be: {verdict}")

    while True:
        timeout = max(1.0, min(ANSWER_TIMEOUT, end - time.monotonic()))
        wrong, unasked = _seen(layout, version, timeout, known, look)
        if wrong is None:
            return unasked
        look()
        if time.monotonic() >= end:
            raise Unhealthy(f"not healthy within {limit} s: {wrong}")
        time.sleep(PAUSE)


def _wait_while_stable(layout: Layout, version: str, known: Collection[str], since: float) -> None:
    """Watch the service's own processes: one that dies and is born again is found, however well it answers. And ask it
    all the while, since visitors do."""
    unit, seconds = layout.settings.systemd_service, layout.settings.health_stable
    first, told = _main_processes(layout, unit), verdicts.look(layout).told
    end = time.monotonic() + seconds
    if since and any(int(started) / TICKS > since for _, started in first):
        raise Unhealthy(f"did not stay up: {BORN_AGAIN}")
    while time.monotonic() < end:
        time.sleep(min(ASKS, max(0.0, end - time.monotonic())))
        wrong = app_problem(layout, version, known=known)
        if _main_processes(layout, unit) != first:
            raise Unhealthy(f"did not stay up for {seconds} s: {_who_has_ended(told, verdicts.look(layout).told)}")
        if wrong:
            raise Unhealthy(f"did not stay well for {seconds} s: {wrong}")


def _who_has_ended(before: Sequence[Told], now: Sequence[Told]) -> str:
    """Which of supervisord's processes have ended, and how; that one has, where it does not tell."""
    later = {verdicts.name_of(one): one for one in now}
    ended = []
    for one in before:
        name = verdicts.name_of(one)
        found = later.get(name)
        if one.state in UP and (found is None or found.pid != one.pid):
            code = found.exitstatus if found else 0
            ended.append(f"{name} has ended" + (f" with exit code {code}" if code else " or was started again"))
    return ", ".join(ended) or BORN_AGAIN


def _main_processes(layout: Layout, unit: str) -> frozenset[tuple[int, str]]:
    return systemd.main_processes(systemd.processes(unit, layout.versions), systemd.main_pid(unit))


def prove_site(settings: Settings, words: LastWords | None = None) -> None:
    """Ask the website as a visitor would, until it answers as it should. Raises Unhealthy.

    + words: what the app says meanwhile
    """
    end = time.monotonic() + settings.site_timeout
    while True:
        wrong = ask(settings.website_url, {}, settings.site_status, ANSWER_TIMEOUT)
        if wrong is None:
            return
        if time.monotonic() >= end:
            told = words.told() if words else ""
            raise Unhealthy(f"the site is not up within {settings.site_timeout} s: {wrong}{told}")
        time.sleep(PAUSE)
