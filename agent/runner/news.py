"""What a host is at, as data for who follows its run: at once when it is another thing, else not too often."""

from __future__ import annotations

import time

from agent.loop.conversation import Client
from agent.loop.worker import Worker
from agent.runner.run import Run
from agent.runner.script import WAY_BACK
from agent.text.lines import first_line
from agent.words.result import News

# How often who follows is told what a step prints, seconds; and how much of a line, characters.
EVERY, LONGEST = 1.0, 200


def tell(client: Client, run: Run) -> None:
    """Tell who follows a run, where there is anything new, and the last is not too young."""
    if run.crew.at_work is None:
        return
    news, before = news_of(run.crew.at_work, run.label), client.news
    is_another = (news.step, news.back) != (before.step, before.back)
    if is_another or (news.line != before.line and time.monotonic() - client.news_at >= EVERY):
        client.tell_news(news)


def news_of(worker: Worker, label: str) -> News:
    """What a worker is at.

    + label: whose the lines are that it says
    """
    # `step venv` for one, and `begin` for another.
    kind, _, name = worker.name.partition(" ")
    line = first_line(worker.last_line.strip())[:LONGEST]
    return News(name or kind, label == WAY_BACK, round(time.monotonic() - worker.since, 1), line)
