"""What visitors get: the website is asked as they ask it, and whether maintenance is on is seen, not believed."""

from __future__ import annotations

import hashlib
import http.client
import re
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

from agent.host.http import ask
from agent.service import health
from agent.transaction.maintenance import STILL_ON
from agent.transaction.progress import Progress
from agent.transaction.step import Step, StepFailed

Note = dict[str, Any]

# One look takes no longer, seconds; and so long a web server may need until it shows what a script has changed.
LOOK_TIMEOUT, SEEN_WITHIN = 3.0, 2.0
PAUSE = 0.05
# A page is told by its title, which stays where the rest changes with each visitor; one without by what it begins with.
TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
BYTES = 64 * 1024
# What a web server says of an app that does not run: nobody can expect these to stay the same.
NOBODY_SERVES = (None, 502, 503, 504)


def look(settings: Note) -> Note:
    """What a visitor gets now: `status` and `sign`, None where nobody answers, and what is `wrong` with it, or None."""
    wrong = ask(settings["website_url"], {}, settings["site_status"], LOOK_TIMEOUT)
    return {**_page(settings["website_url"]), "wrong": wrong}


def _page(url: str) -> Note:
    parts = urlsplit(url)
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    try:
        connection = (
            http.client.HTTPSConnection(parts.netloc, timeout=LOOK_TIMEOUT, context=ssl.create_default_context())
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=LOOK_TIMEOUT)
        )
        try:
            connection.request("GET", path, headers={"User-Agent": "switchback"})
            answer = connection.getresponse()
            body = answer.read(BYTES)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return {"status": None, "sign": None}
    title = TITLE.search(body)
    return {"status": answer.status, "sign": hashlib.sha256(title.group(1) if title else body).hexdigest()}


def same_page(one: Note, other: Note) -> bool:
    """Whether visitors got the same twice. Of what is wrong for them the status is enough."""
    both_wrong = bool(one["wrong"] and other["wrong"])
    return one["status"] == other["status"] and (both_wrong or one["sign"] == other["sign"])


def failed_alike(before: Note, now: Note) -> bool:
    """Whether what is wrong now was wrong before the deploy began."""
    if not before["wrong"]:
        return False
    served = [one["status"] for one in (before, now) if one["status"] not in NOBODY_SERVES]
    return before["status"] == now["status"] or not served


def is_shut(progress: Progress, now: Note) -> bool:
    """Whether visitors get the page that the start script has put up."""
    page = progress.notes.get("maintenance_start", {}).get("page")
    return bool(page) and same_page(page, now)


def see_shut(step: Step, before: Note) -> Note:
    """See whether the start script has shut visitors out: the page that they get is another than before.

    + before: what they got right before the script
    """
    end = time.monotonic() + SEEN_WITHIN
    now = look(step.settings)
    while same_page(before, now):
        if time.monotonic() >= end:
            return {} if before["wrong"] else {"unseen": True, "warning": _unseen(step)}
        time.sleep(PAUSE)
        now = look(step.settings)
    return {"page": now}


def _unseen(step: Step) -> str:
    url = step.settings["website_url"]
    return f"the start script has ended well, but {url} shows visitors the same page as before: they are not kept out"


def see_open(step: Step, patience: int = 1) -> Note:
    """See that the maintenance page is gone, once the stop script has run. Raises StepFailed.

    Returns nothing where that can't be seen, since nobody has seen the page.

    + patience: how many times the settings' site_timeout that may take
    """
    if not step.notes("maintenance_start").get("page"):
        return {}
    end = time.monotonic() + patience * step.settings["site_timeout"]
    while True:
        now = look(step.settings)
        if not is_shut(step.progress, now):
            # A web server that does not answer may have the page all the same.
            return {"open": now["status"] is not None}
        if time.monotonic() >= end:
            raise StepFailed(f"{STILL_ON}: {answer_of(step.settings, now)}")
        time.sleep(PAUSE)


def glance(step: Step) -> Note:
    """Whether visitors get the maintenance page now: `shut`, None where that can't be told."""
    page, before = step.notes("maintenance_start").get("page"), step.begin.get("site_before")
    now = look(step.settings)
    if page and now["status"] is not None:
        return {"shut": is_shut(step.progress, now)}
    # Nobody has seen the page; but this is what there was before.
    return {"shut": False if before and not now["wrong"] and same_page(before, now) else None}


def answer_of(settings: Note, page: Note) -> str:
    """What visitors get, in words."""
    return page["wrong"] or "{} answers {}".format(settings["website_url"], page["status"])


def prove_back(step: Step, patience: int) -> Note:
    """Prove that visitors get the site again as before the deploy. Raises Unhealthy.

    + patience: how many times the settings' site_timeout that may take
    """
    before, known = step.begin["site_before"], bool(step.notes("maintenance_start").get("page"))
    end = time.monotonic() + patience * step.settings["site_timeout"]
    while True:
        now = look(step.settings)
        shut = is_shut(step.progress, now)
        answers = known and now["status"] is not None
        if not shut and now["wrong"] is None:
            return {"answers": now["status"], "open": answers or same_page(before, now)}
        # Where no version was live there is nothing that anybody could have been served.
        expected = failed_alike(before, now) or bool(step.begin.get("bare") and now["status"] in NOBODY_SERVES)
        if not shut and expected:
            return {"as_before": now["wrong"], "open": answers}
        if time.monotonic() >= end:
            said = f"{STILL_ON}: " if shut else "visitors do not get the site: "
            raise health.Unhealthy(said + answer_of(step.settings, now))
        time.sleep(PAUSE)
