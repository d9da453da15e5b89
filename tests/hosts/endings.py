"""The last screens of runs on real hosts: golden data in tests/unit/endings.

    make test-screens                 # compares them
    make test-screens WRITE_GOLDEN=1  # writes them anew, after a change that is meant; read them before you commit

What differs from run to run is left out of them: times, durations, ids, addresses, and where a test's inventory lies.
They are laid out as if those had always been as long as what stands for them.
"""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from pathlib import Path

from switchback.ending.layout import INDENT, WIDTH, WORD, command
from tests.runs import Result

GOLDEN = Path(__file__).parent.parent / "unit" / "endings"
# What is another one each time, and what stands for it.
DIFFERS = (
    (r"pyinfra \S+/stage\.py", "pyinfra inventories/prod.py"),
    (r"http://127\.0\.0\.1:\d+/", "https://www.example.com/"),
    (r"\b\d{8}-\d{6}-(deploy|build|revert|restart)-[0-9a-f]{4}\b", r"20250131-120000-\1-1a2b"),
    (r"django-\d{8}-\d{6}-", "django-20250131-120000-"),
    (r"\b(app|db)-\d{8}-\d{6}\.(?=dump|sqlite3)", r"\1-20250131-120000."),
    (r"\[?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[ ,.+\d]*\]?", "[TIME]"),
    (r"\b\d+ min \d+ s\b|\b\d+(?:\.\d+)? s\b", "N s"),
    (r"(?<=\] )\[\d+\]", "[PID]"),
    (r"\(pid: ?\d+\)", "(PID)"),
    (r"with pid \d+", "with pid N"),
    (r"0x[0-9a-f]+", "0x…"),
    (r"exit code \d+", "exit code N"),
    # How often, and whether it is one of the two web processes or both, is chance.
    (r"web:web_0\d ends [^;]*; (?=web:web_0\d ends)", ""),
    (r"web:web_0\d ends again and again, \S+ times so far( with exit code N)?", "web:web_00 ends again and again, …"),
    (r"web:web_0\d has ended or was started again, (?=web:web_0\d has)", ""),
    (r"web:web_0\d has ended or was started again", "web:web_00 has ended or was started again"),
    # On a busy machine a process may take longer to end than it has, and the app longer to be there again.
    (r"^ +WARNING: process .* did not end in time .*", ""),
    (r"(?<=page for N s), and no site for N s more", " (the app was down for N s of that)"),
    (r"\d+ of \d+ requests", "N of N requests"),
)
ROW = re.compile(rf" {{{INDENT}}}(?=\S)(.{{{WORD}}})(?<= )(\S.*)")


def compare(name: str, result: Result) -> None:
    """Compare a last screen with what is known of it; or know it from now on, where that is asked for."""
    file, said = GOLDEN / f"{name.replace('/', '-')}.txt", normalised(result.screen)
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(said)
    assert ours(said) == ours(file.read_text()), said


def normalised(screen: str) -> str:
    """A last screen without what is another one each time."""
    lines = []
    for text in texts(screen):
        said = text
        for pattern, instead in DIFFERS:
            said = re.sub(pattern, instead, said)
        lines += laid_out(said)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def ours(screen: str) -> list[str]:
    """What of a screen is ours, and not what an installer, a server or Django has printed: that is set in."""
    return [text for text in texts(screen) if not text.startswith(" " * (INDENT + 2))]


def texts(screen: str) -> list[str]:
    """The texts of a screen, each on one line, whether or not there was room for it."""
    found: list[str] = []
    last = ""
    for line in screen.splitlines():
        if found and goes_on(found[-1], last, line):
            found[-1] = " ".join([found[-1].removesuffix(" \\"), line.strip()])
        else:
            found.append(line)
        last = line
    return found


def goes_on(text: str, last: str, line: str) -> bool:
    """Whether a line goes on with a text: it is set in further, and its first word had no room on the last line."""
    if last.endswith(" \\"):
        return True
    # How long it took ends the first of all.
    over = text.startswith("--> ") and re.search(r"[\dN] s$", text)
    word = line.split(maxsplit=1)[0]
    return not over and depth(line) > depth(text) and len(last) + 1 + len(word) > WIDTH


def depth(line: str) -> int:
    """How far a line is set in."""
    return len(line) - len(line.lstrip())


def laid_out(text: str) -> list[str]:
    """A text on as many lines as it needs."""
    row = ROW.fullmatch(text)
    if row and row[2].startswith("pyinfra "):
        return command(row[1].strip(), shlex.split(row[2]))
    behind = INDENT + WORD if row else INDENT if text.startswith("-") else depth(text) + 2
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * behind, break_on_hyphens=False)
