"""What there is to know of a kind of database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# The first words of a query, as far as they are no values.
WORDS = re.compile(r"\s*((?:(?:\"?[A-Za-z_`][\w.\"`]*[,;]?|\*)(?:\s+|$)){1,6})")
# What stands before a statement of ours where a session has no name.
SIGN = re.compile(r"/\* switchback [^*]*\*/ ")


class Engine:
    """A kind of database, as locks and sessions have to do with it.

    + vendor: as Django names it
    + whole: whether a migration that got no lock is rolled back as a whole; else the one statement is
    + in_session: whether how long is waited is said of a session, and not of a transaction
    """

    vendor: ClassVar[str]
    whole: ClassVar[bool] = True
    in_session: ClassVar[bool] = True

    def limit(self, connection: BaseDatabaseWrapper, seconds: float) -> object:
        """Let a connection wait no longer, in the transaction that it is in if that can be said.

        Returns what others know it by who are asked who keeps it waiting.
        """
        raise NotImplementedError

    def gives_up(self, problem: BaseException) -> bool:
        """Whether an error says that there was no lock to be had, or that each waits for the other."""
        raise NotImplementedError

    def again(self, problem: BaseException) -> bool:
        """Whether the statement alone, that has got no lock, may be tried again."""
        return self.gives_up(problem)

    def holders(self, connection: BaseDatabaseWrapper) -> Holders:
        """Who is asked who keeps a connection waiting."""
        raise NotImplementedError

    def ends(self, holder: str) -> str:
        """What a person does to end the one that is described so; nothing where nobody can tell."""
        return ""

    def name_sessions(self, connection: BaseDatabaseWrapper, name: str) -> None:
        """Have its sessions say whose they are, from the next one on."""

    def left(self, connection: BaseDatabaseWrapper, name: str) -> Iterator[tuple[int, str]]:
        """The sessions of that name which are still at work, each with what it does."""
        return iter(())

    def end(self, connection: BaseDatabaseWrapper, session: int) -> None:
        """End a session."""


class Holders:
    """Who keeps a connection waiting: looked at beside it, since it waits itself."""

    def seen(self, waiting: object) -> list[str]:
        """Who it is, as words.

        + waiting: what `limit` has returned
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what was opened to look."""


def first_words(query: str | None) -> str:
    """How a query begins: six words at most, and none that could be a value."""
    found = WORDS.match((query or "") + " ")
    words = found.group(1).split() if found else []
    # What is set may stand there without quotes.
    setting = next((number for number, word in enumerate(words) if word.upper() == "SET"), len(words))
    return " ".join(words[: setting + 1])


def causes(problem: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it was raised from."""
    seen = set()
    while problem is not None and id(problem) not in seen:
        seen.add(id(problem))
        yield problem
        problem = problem.__cause__ or problem.__context__
