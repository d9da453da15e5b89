"""What it takes to set the gateway up, as commands: they are shown, and done where that is asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from switchback.gateway.rules import Rule
from switchback.gateway.setup.texts import Places, ask_text, keys_text, run_text, sudoers_line

NEW_USER = (
    *("sudo", "useradd", "--system", "--user-group", "--no-create-home"),
    *("--shell", "/bin/sh", "--password", "*"),
)


@dataclass(frozen=True)
class Step:
    """One command, and what it is for.

    + given: its standard input
    """

    says: str
    argv: tuple[str, ...]
    given: str = ""


def steps(places: Places, rules: Mapping[str, Rule], *, has_user: bool) -> Iterator[Step]:
    """All that is to be done, in order; doing it again changes nothing."""
    home = str(places.home)
    if not has_user:
        yield Step(
            f"the user {places.user}, whom no password lets in, with a home that is root's",
            (*NEW_USER, "--home-dir", home, places.user),
        )
    folders = [str(places.programs), home, str(places.keys.parent)]
    yield Step("its folders", ("sudo", "install", "-d", "-m", "755", "-o", "root", "-g", "root", *folders))
    yield _file("what a key's line starts: it hands over what was asked for", places.programs / "ask", ask_text(), 755)
    yield _file(f"what {places.owner} runs then", places.programs / "run", run_text(places), 755)
    line = sudoers_line(places)
    yield Step("sudo understands the line", ("sudo", "visudo", "-c", "-q", "-f", "-"), line)
    yield _file(f"it lets {places.user} start that, and nothing else: {line.strip()}", places.sudoers, line, 440)
    names = ", ".join(name for name, rule in rules.items() if rule.key)
    yield _file(f"the keys: {names}", places.keys, keys_text(places, rules), 644)
    yield Step(f"nobody else gets into {places.checkout}", ("chmod", "o-rwx", str(places.checkout)))


def _file(says: str, path: Path, text: str, mode: int) -> Step:
    argv = ("sudo", "install", "-m", str(mode), "-o", "root", "-g", "root", "/dev/stdin", str(path))
    return Step(says, argv, text)
