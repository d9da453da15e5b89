"""What every project goes through, on a host as a provider hands it out: it is provisioned and deployed; a second
version replaces the first while visitors come; a third is switched to and fails, so that the second is back; somebody
goes back to the first; the host is rebooted. At each point all that visitors have left is there, pages and their styles
are, and nothing is of the version that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.bed.hosts import Host
from tests.bed.legacy import wait_for_site
from tests.hosts.visitors import visitors
from tests.projects.record import Record
from tests.projects.traces import Traces, assert_as_before, assert_only_live, look
from tests.projects.visitor import styles, upload, visit
from tests.runs import SETTINGS, Result, Runs

# The test's own, no part of what a project's user writes: how long that may take which fails at last, and, on a busy
# machine, what does not.
LIMITS: Mapping[str, Any] = {
    **{key: value for key, value in SETTINGS.items() if not key.startswith(("config_", "code_branch"))},
    "site_timeout": 8,
    "health_timeout": 40,
    "restart_timeout": 60,
    "script_timeout": 120,
    "build_timeout": 300,
    "migrate_timeout": 300,
}
# Requests a second at each page: a busy machine answers no more of them, of two processes with a database.
RATE = 4
FRONT = "/"


def leave_note(host: Host, word: str) -> None:
    """Leave a note, with a file."""
    assert word in upload(host, "/notes/", word).text


def notes_are_there(host: Host, words: Sequence[str]) -> None:
    """Assert that all notes are there, in their order, and the files, for the app and for its web server."""
    assert visit(host, "/notes/").text == f"{len(words)} notes: {', '.join(words)}"
    assert visit(host, "/files/").text == ",".join(words)
    for word in words:
        page = visit(host, f"/media/notes/{word}.txt")
        assert (page.status, page.text) == (200, word)


@dataclass(frozen=True)
class Story:
    """A project, as its user sees it.

    + name: what it is, for the page that a run of all of them writes
    + settings: what its user writes, besides host, website_url and code_repo_url
    + pages: where visitors come all the time, and get an answer of 200
    + leave: leaves something under a word, as a visitor does; there: asserts that all that was left is there
    + styled: a page whose styles are to be there; front: what the front page's own answer is
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    pages: tuple[str, ...] = (FRONT, "/notes/")
    leave: Callable[[Host, str], None] = leave_note
    there: Callable[[Host, Sequence[str]], None] = notes_are_there
    styled: str = "/admin/login/"
    front: int = 200

    @property
    def lines(self) -> list[str]:
        """All that its user writes, as lines of the settings."""
        needed = {
            "host": "www.example.com",
            "website_url": "https://www.example.com/",
            "code_repo_url": "git@git.example.com:site.git",
        }
        return yaml.safe_dump({**needed, **self.settings}, sort_keys=False, width=200).splitlines()


@dataclass
class Played:
    """A story that goes on; what its runs have said is kept for what is special about its project."""

    story: Story
    host: Host
    run: Runs
    record: Record
    results: dict[str, Result] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def go_on(self, point: str) -> Traces:
        """Assert that the site is as it should be, and leave something more."""
        story = self.story
        story.there(self.host, self.left)
        story.leave(self.host, point)
        self.left.append(point)
        story.there(self.host, self.left)
        assert visit(self.host).status == story.front
        assert visit(self.host, "/admin/login/").status == 200
        found = styles(self.host, story.styled)
        assert set(found.values()) == {200}, found
        seen = self.look()
        assert_only_live(seen)
        return seen

    def look(self) -> Traces:
        """Look at the host."""
        asked = self.story.settings
        return look(self.host, str(asked.get("app_username", "app")), str(asked.get("systemd_service", "django")))

    def does(self, point: str, verb: str, **data: str) -> Result:
        """Run one of the runs."""
        result = self.run(verb, self.host, data=data)
        self.results[point] = result
        self.record.seconds[point] = round(result.seconds, 1)
        return result

    @contextmanager
    def visited(self, point: str) -> Iterator[None]:
        """Have visitors come, and note how many were let down."""
        pages = [self.host.website_url + page.lstrip("/") for page in self.story.pages]
        with visitors(self.host, RATE, *pages) as got:
            yield
        assert len(got) == len(pages)
        assert all(one["asked"] > RATE for one in got)
        self.record.failed[point] = [sum(one[count] for one in got) for count in ("failed", "asked")]
        # The front page of the version that fails lets its visitors down; nothing else does.
        allowed = {self.host.website_url} if point == "late" else set()
        assert [one for one in got if one["failed"] and one["url"] not in allowed] == []


def play(story: Story, host: Host, run: Runs) -> tuple[dict[str, Result], Record]:
    """Have a project go through all of it; what its runs have said, by the points of the story, and the record.

    + host: one that was provisioned, with the project's repository, whose tags are `first`, `second` and `late`
    """
    played = Played(story, host, run, Record(story.name, story.lines))
    played.does("first", "deploy", code="first").worked()
    first = played.go_on("first")
    with played.visited("second"):
        played.does("second", "deploy", code="second").worked()
    second = played.go_on("second")
    assert second.live != first.live
    with played.visited("late"):
        late = played.does("late", "deploy", code="late")
    assert late.code == 1, late.output
    assert "fell back at site" in late.told, late.told
    assert_as_before(second, played.look())
    played.go_on("late")
    with played.visited("revert"):
        played.does("revert", "revert").worked()
    assert played.go_on("revert").live == first.live
    host.reboot()
    wait_for_site(host)
    assert played.go_on("reboot").live == first.live
    return played.results, played.record
