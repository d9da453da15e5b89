"""What others are told of a run's end: a document, and the same as Slack takes it. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping

from agent.host.output import as_said
from agent.notify.endings import Ending
from agent.notify.noticed import visitors
from agent.text.lines import bounded, first_line
from agent.text.masking import masked_message
from agent.transaction.cost import measured_or_nothing
from agent.words.history import Cost
from agent.words.journal import Begin
from agent.words.notes import Asked

SCHEMA = 1
# How much of a reason is told, characters: it may have a program's last words in it.
REASON = 2000
# What Slack would take for its own, in what others have said.
SLACK = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
SAYS = {"committed": "committed", "fell_back": "FELL BACK", "needs_a_person": "NEEDS A PERSON", "late_end": "is over"}

Document = Mapping[str, object]


def document(deploy: str, ending: Ending, here: str) -> Document:
    """What is told of an ending.

    + here: the host's own name, where its run does not say which of the inventory it is
    """
    progress, begin = ending.progress, ending.progress.begin
    cost, host = measured_or_nothing(progress), begin.host or here
    return {
        "schema": SCHEMA,
        # Who is told twice knows it by that.
        "id": f"{deploy}/{host}/{ending.number}",
        "event": ending.name,
        "site": begin.settings.site,
        "website_url": begin.settings.website_url,
        "host": host,
        "hosts": list(begin.hosts),
        "deploy": deploy,
        "kind": begin.kind,
        "outcome": str(progress.outcome),
        "sentence": as_said(progress.ended.sentence if progress.ended else ""),
        "reason": _told(progress.reason or "") if not progress.committed else "",
        "by": _told(begin.by),
        "version": begin.version or None,
        "was": begin.was,
        **_commits(begin),
        "began": _when(progress.lines[0].at),
        "ended": _when(ending.at),
        "seconds": round(ending.at - progress.lines[0].at, 1),
        "visitors": {
            "site": _noticed(cost.site),
            "app": _noticed(cost.app),
            "maintenance_seconds": cost.maintenance,
            "says": _in_words(cost),
        },
    }


def _commits(begin: Begin) -> Document:
    parts = {"code": begin.code, "config": begin.config}
    return {name: {"ref": _told(one.ref), "sha": one.sha} if one else None for name, one in parts.items()}


def _in_words(cost: Cost) -> str:
    noticed = visitors(cost)
    return _told(f"visitors {noticed}") if noticed else ""


def _noticed(asked: Asked | None) -> Document | None:
    return {"asked": asked.asked, "failed": asked.failed, "out_seconds": asked.outage} if asked else None


def _told(text: str) -> str:
    """A text as it may leave the host: bounded, without what is secret, and without what a terminal would obey."""
    return as_said(masked_message(bounded(text, REASON, REASON)))


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def slack(told: Document) -> Document:
    """The same as Slack's incoming webhooks take it, and what understands them."""
    site, host, kind = (_escaped(str(told[key])) for key in ("site", "host", "kind"))
    head = f"*{site}* on {host}: {kind} {SAYS[str(told['event'])]}"
    why = first_line(str(told["reason"]))
    visitors = told["visitors"]
    noticed = str(visitors["says"]) if isinstance(visitors, Mapping) else ""
    about = f"{told['deploy']} by {told['by']}, {told['website_url']}"
    lines = [_escaped(line) for line in (why, str(told["sentence"]), noticed, about) if line]
    return {"text": "\n".join([head, *lines])}


def _escaped(text: str) -> str:
    return "".join(SLACK.get(one, one) for one in text)
