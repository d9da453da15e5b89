"""A version's static files: that the app finds them where it looks for them, and that a visitor gets them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from agent.host.files import put
from agent.host.http import ask
from agent.host.output import emit
from agent.host.reading import names
from agent.host.users import acting_as
from agent.inside.protocol import Collected, StaticPlace
from agent.service import health
from agent.service.health import Unhealthy
from agent.service.startable import led
from agent.transaction.step import StepContext, StepFailed
from agent.versions import assets
from agent.versions.layout import Layout
from agent.versions.marks import read_seal
from agent.versions.static_files import MANIFEST
from agent.words.notes import MaintenanceStarted

# Links that lead to links: as many as the kernel follows.
LINKS = 40
# What visitors ask for most, and what is small.
TELLING = (".css", ".js", ".svg", ".png")
# How many files are looked at for one that is telling.
LOOKS_AT = 1000
# Answers that show that a file is there, or that it is elsewhere.
SERVED = (200, 301, 302, 307, 308)
# How long one may take before the switch, how long none may be there after it, and how often one is asked for, seconds.
BEFORE, SETTLES, PAUSE = 3.0, 5.0, 0.1


def lead_app_there(step: StepContext, found: Collected) -> str:
    """Have the app find what was collected. Returns a warning. Raises StepFailed where it would not find it."""
    told = found.place or StaticPlace()
    if told.kept_by:
        emit(f"static: kept by {told.kept_by}, as the project has it: none of them is in the version")
        return ""
    if found.listed and not found.files:
        raise StepFailed(
            "0 static files were collected into the version, though the project has some: does a collectstatic of its "
            "own write elsewhere?"
        )
    place = told.looked_for_in
    if not found.files or not (place or told.read):
        return ""
    with acting_as(step.layout.app):
        where = once_live(place, step.layout.once_live(step.version)) if place else ""
        if where and _leads(step.layout, step.version, where):
            return ""
    return _not_led(step.layout, place, told.read)


def _leads(layout: Layout, version: str, where: str) -> bool:
    """Whether a place leads to the version's static files; one in the version that is free is made to."""
    path = Path(where)
    if not is_led(layout, version, where):
        return False
    if path != layout.part(version, "static") and not os.path.lexists(where):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(os.path.relpath(str(layout.part(version, "static")), str(path.parent)), where)
        for part in ("code", "config"):
            _no_hotfix(layout.part(version, part), path)
        emit(f"static: {where}, where the app looks for its static files, leads to the version's")
    return True


def is_led(layout: Layout, version: str, where: str) -> bool:
    """Whether a place leads to a version's static files, or is free and in the version, so that it can be made to."""
    static, path = layout.part(version, "static"), Path(where)
    if path == static:
        return True
    if layout.version(version) not in path.parents or static in path.parents:
        return False
    name = sample(static)
    # A script of the project's own may have collected there.
    return not os.path.lexists(where) or (name is not None and (path / name).is_file())


def _no_hotfix(checkout: Path, path: Path) -> None:
    """Have git not take a link of ours for a file that somebody has added; nothing where it is in another folder."""
    info = checkout / ".git" / "info"
    if checkout in path.parents and info.parent.is_dir():
        info.mkdir(exist_ok=True)
        put(info / "exclude", f"/{path.relative_to(checkout)}\n".encode(), os.O_APPEND)


def _not_led(layout: Layout, place: str, read: bool) -> str:
    """What to say where the app's own place is another one. Raises StepFailed where the app itself needs it."""
    is_there, right, line = place_words(layout, place)
    if read:
        raise StepFailed(
            f"{is_there} lead to the static files of this version, and the app itself reads them there (a manifest of "
            f"hashed names, or whitenoise): write\n  {line}"
        )
    return (
        f"{is_there} lead to the static files of this version: the web server has to serve {right}; better write {line}"
    )


def place_words(layout: Layout, place: str) -> tuple[str, Path, str]:
    """How to say that an app looks elsewhere: what that place does not, the right one, and the line to write."""
    right = layout.path("current_main") / layout.settings.static_subdir
    is_there = f"STATIC_ROOT is {place}, which does not" if place else "STATIC_ROOT is not set, so that it does not"
    return is_there, right, f'STATIC_ROOT = "{right}"'


def once_live(path: str, places: Mapping[str, str]) -> str:
    """Where a path leads once a version is live, all links followed.

    + places: where each of our own links will lead then
    """
    for _ in range(LINKS):
        path = led(os.path.normpath(path), places)
        link = next((one for one in (*reversed(Path(path).parents), Path(path)) if one.is_symlink()), None)
        if link is None:
            break
        path = os.path.join(str(link.parent), os.readlink(str(link)), os.path.relpath(path, str(link)))
    return path


def sample(static: Path) -> str | None:
    """A file of a version's that visitors ask for: under its hashed name, where it has one; None where it has none."""
    hashed = (name for name in sorted(assets.hashed(static)) if assets.is_inside(name) and (static / name).is_file())
    return _most_telling(hashed) or _most_telling(_names(static))


def _most_telling(names: Iterable[str]) -> str | None:
    seen = [name for name, _ in zip(names, range(LOOKS_AT))]
    return min(seen, key=lambda name: (not name.endswith(TELLING), name), default=None)


def _names(static: Path) -> Iterable[str]:
    folders = [""] if static.is_dir() else []
    while folders:
        folder = folders.pop()
        paths = [os.path.join(folder, name) for name in names(static / folder)]
        inside = [path for path in paths if (static / path).is_dir()]
        yield from (path for path in paths if path not in inside and os.path.basename(path) != MANIFEST)
        folders += [path for path in reversed(inside) if not (static / path).is_symlink()]


def address(layout: Layout, version: str, url: str | None = None) -> str | None:
    """Where a visitor finds one static file of a version; None where it has none, or they are on another host.

    + url: what its STATIC_URL may be, where the version does not tell
    """
    url = _url_of(layout, version) or url
    with acting_as(layout.app):
        name = sample(layout.part(version, "static")) if url else None
    if not url or name is None:
        return None
    return None if other_host(layout, url) else urljoin(urljoin(layout.settings.website_url, url), quote(name))


def other_host(layout: Layout, url: str) -> str | None:
    """Which other host than the website's serves static files by their STATIC_URL; None where it is the website's."""
    site = layout.settings.website_url
    found, own = urlsplit(urljoin(site, url)), urlsplit(site)
    return None if found.netloc == own.netloc else f"{found.scheme}://{found.netloc.rpartition('@')[2]}"


def before(step: StepContext) -> str:
    """Which static file of the live version a visitor gets: what is asked of the next version is no more than that.

    Empty where they get none.
    """
    was = step.begin.was
    asked = address(step.layout, was, _url_of(step.layout, step.version)) if was else None
    return asked if asked and _problem(asked, BEFORE) is None else ""


def _url_of(layout: Layout, version: str) -> str | None:
    with acting_as(layout.app):
        return read_seal(layout.version(version)).static_url


def prove(step: StepContext) -> str:
    """Ask for a static file as a visitor would. Raises Unhealthy if there is none where there was one before.

    Returns a warning where there was none before either.
    """
    asked = address(step.layout, step.version)
    if asked is None:
        url = _url_of(step.layout, step.version)
        other = other_host(step.layout, url) if url else None
        if other:
            emit(f"site: static files are served by {other}: not asked for")
        return ""
    end, was = time.monotonic() + SETTLES, step.note(MaintenanceStarted).static_before
    while True:
        wrong = _problem(asked, health.ANSWER_TIMEOUT)
        if wrong is None:
            return ""
        if not was or time.monotonic() > end:
            break
        time.sleep(PAUSE)
    served = step.layout.path("current_main") / step.settings.static_subdir
    text = f"visitors get no static files: {wrong}"
    if was:
        raise Unhealthy(f"{text}; before the switch {was} was there")
    return f"{text}: the web server, or the app, has to serve {served}"


def _problem(url: str, timeout: float) -> str | None:
    return ask(url, {}, SERVED, timeout)
