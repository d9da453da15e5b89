"""What visitors get: the website is asked as they ask it, and whether maintenance is on is seen, not believed."""

from __future__ import annotations

import hashlib
import re
import time
from typing import ClassVar
from urllib.parse import urlsplit

from agent.host.asking import get
from agent.host.http import ask
from agent.inside.lean import dataclass
from agent.service import health
from agent.transaction.maintenance import STILL_ON
from agent.transaction.progress import Progress
from agent.transaction.step import StepContext, StepFailed
from agent.words.notes import Glance, MaintenanceStarted, Note, Page, Undone
from agent.words.settings import Settings

# One look takes no longer, seconds; and so long a web server may need until it shows what a script has changed.
LOOK_TIMEOUT, SEEN_WITHIN = 3.0, 2.0
PAUSE = 0.05
# A page is told by its title, which stays where the rest changes with each visitor; one without by what it begins with.
TITLE = re.compile(rb"<title[^<>]*>", re.IGNORECASE)
BYTES = 64 * 1024
# What a web server says of an app that does not run: nobody can expect these to stay the same.
NOBODY_SERVES = (None, 502, 503, 504)


@dataclass(frozen=True)
class Opened(Note):
    """Whether visitors were seen to get something else than the maintenance page."""

    step: ClassVar[str] = "maintenance_stop"
    open: bool = False


@dataclass(frozen=True)
class SiteSeen(Undone):
    """What visitors get on the way back.

    + answers: the status; open: whether that is not the maintenance page; as_before: what is wrong, as it was before
    """

    answers: int = 0
    open: bool = False
    as_before: str = ""

    def says(self) -> str:
        """What they get; where nobody has seen what they got before, nor the maintenance page, it may be either."""
        if self.as_before:
            return "seen: visitors get no better than before"
        return "seen: visitors get " + ("the site" if self.open else f"an answer, {self.answers}")


def look(settings: Settings) -> Page:
    """What a visitor gets now."""
    wrong = ask(settings.website_url, {}, settings.site_status, LOOK_TIMEOUT)
    status, sign = _page(settings.website_url)
    return Page(status, sign, wrong)


def _page(url: str) -> tuple[int | None, str | None]:
    try:
        answer = get(urlsplit(url), {}, time.monotonic() + LOOK_TIMEOUT, BYTES)
    except (OSError, ValueError):
        return None, None
    return answer.status, hashlib.sha256(_title(answer.body) or answer.body).hexdigest()


def _title(page: bytes) -> bytes:
    """A page's title; empty where it has none."""
    begun = TITLE.search(page)
    end = page.lower().find(b"</title>", begun.end()) if begun else -1
    return page[begun.end() : end] if begun and end >= 0 else b""


def past_page(settings: Settings) -> str | None:
    """What is wrong with the website's page as the app itself gives it, whatever visitors get; None if nothing is."""
    page, own = urlsplit(settings.website_url), urlsplit(settings.health_url)
    url = own._replace(path=page.path, query=page.query).geturl()
    return ask(url, health.headers_for(settings), settings.site_status, health.ANSWER_TIMEOUT)


def prove_past_page(step: StepContext) -> None:
    """Ask the app for the website's page, as `site` does once visitors are in. Raises Unhealthy."""
    # Where the app did not give it before, the web server does.
    wrong = past_page(step.settings) if step.note(MaintenanceStarted).past_page else None
    if wrong:
        raise health.Unhealthy(f"visitors would not get the site: {wrong}")


def same_page(one: Page, other: Page) -> bool:
    """Whether visitors got the same twice. Of what is wrong for them the status is enough."""
    both_wrong = bool(one.wrong and other.wrong)
    return one.status == other.status and (both_wrong or one.sign == other.sign)


def failed_alike(before: Page, now: Page) -> bool:
    """Whether what is wrong now was wrong before the deploy began."""
    if not before.wrong:
        return False
    served = [one.status for one in (before, now) if one.status not in NOBODY_SERVES]
    return before.status == now.status or not served


def is_shut(progress: Progress, now: Page) -> bool:
    """Whether visitors get the page that the start script has put up."""
    page = progress.note(MaintenanceStarted).page
    return page is not None and same_page(page, now)


def see_shut(step: StepContext, before: Page) -> MaintenanceStarted:
    """See whether the start script has shut visitors out: the page that they get is another than before.

    + before: what they got right before the script
    """
    end = time.monotonic() + SEEN_WITHIN
    now = look(step.settings)
    while same_page(before, now):
        if time.monotonic() >= end:
            return MaintenanceStarted() if before.wrong else MaintenanceStarted(warning=_unseen(step), unseen=True)
        time.sleep(PAUSE)
        now = look(step.settings)
    return MaintenanceStarted(page=now)


def _unseen(step: StepContext) -> str:
    url = step.settings.website_url
    return f"the start script has ended well, but {url} shows visitors the same page as before: they are not kept out"


def see_open(step: StepContext, patience: int = 1) -> bool:
    """See that the maintenance page is gone, once the stop script has run. Raises StepFailed.

    Returns whether it was seen: it can't be where nobody has seen the page.

    + patience: how many times the settings' site_timeout that may take
    """
    if not step.note(MaintenanceStarted).page:
        return False
    end = time.monotonic() + patience * step.settings.site_timeout
    while True:
        now = look(step.settings)
        if not is_shut(step.progress, now):
            # A web server that does not answer may have the page all the same.
            return now.status is not None
        if time.monotonic() >= end:
            raise StepFailed(f"{STILL_ON}: {answer_of(step.settings, now)}")
        time.sleep(PAUSE)


def glance(step: StepContext) -> Glance:
    """Whether visitors get the maintenance page now."""
    page, before, now = step.note(MaintenanceStarted).page, step.begin.site_before, look(step.settings)
    if page and now.status is not None:
        return Glance(shut=is_shut(step.progress, now))
    # Nobody has seen the page; but this is what there was before.
    return Glance(shut=False if before and not now.wrong and same_page(before, now) else None)


def answer_of(settings: Settings, page: Page) -> str:
    """What visitors get, in words."""
    return page.wrong or f"{settings.website_url} answers {page.status}"


def prove_back(step: StepContext, patience: int) -> SiteSeen:
    """Prove that visitors get the site again as before the deploy, where somebody has looked then. Raises Unhealthy.

    + patience: how many times the settings' site_timeout that may take
    """
    before, known = step.begin.site_before, step.note(MaintenanceStarted).page is not None
    end = time.monotonic() + patience * step.settings.site_timeout
    while True:
        now = look(step.settings)
        shut = is_shut(step.progress, now)
        answers = known and now.status is not None
        if not shut and now.wrong is None:
            return SiteSeen(answers=now.status or 0, open=answers or (before is not None and same_page(before, now)))
        # Where no version was live there is nothing that anybody could have been served.
        expected = bool(before and failed_alike(before, now)) or (step.begin.bare and now.status in NOBODY_SERVES)
        if not shut and expected:
            return SiteSeen(as_before=now.wrong or "", open=answers)
        if time.monotonic() >= end:
            said = f"{STILL_ON}: " if shut else "visitors do not get the site: "
            raise health.Unhealthy(said + answer_of(step.settings, now))
        time.sleep(PAUSE)
