"""Pages of runs, read as a browser reads them."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

# What a page is made of: nothing that loads, runs, or leads anywhere.
OURS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer", "h1", "h2", "h3"),
    *("p", "dl", "div", "dt", "dd", "span", "svg", "rect", "i", "table", "thead", "tbody", "tr", "th", "td"),
    *("details", "summary", "small", "pre"),
}


class Tags(HTMLParser):
    """The tags of a page, with the names of their attributes; and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Take one."""
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for name, value in attrs if name in ("class", "style", "href", "src")]

    def handle_comment(self, data: str) -> None:
        """There is none."""
        raise AssertionError(f"a comment: {data!r}")

    def handle_data(self, data: str) -> None:
        """Take text."""
        self.text += data


def assert_nobody_elses(page: str) -> Tags:
    """Check that nothing in a page is more than text, but what we have put there. Returns what is in it."""
    told = Tags(page)
    assert {tag for tag, _ in told.tags} <= OURS
    assert not [name for _, names in told.tags for name in names if name.startswith("on")]
    return told
