"""What a person sees of the bed's work: a line a step, and on failure the end of its log."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bed.places import BED

TAIL = 15


class BedError(Exception):
    """What went wrong with the bed and what to do, in words for a person."""


def say(text: str) -> None:
    """Print a line at once, in order with what other programs print."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is done, and when it is over how long it took."""
    say(f"  {what} …")
    started = time.monotonic()
    yield
    say(f"  {what}: {time.monotonic() - started:.1f} s")


def log_file(name: str) -> Path:
    """A log in .bed, made empty."""
    BED.mkdir(exist_ok=True)
    path = BED / f"{name}.log"
    path.write_text("")
    return path


def tail(log: Path) -> str:
    """The last lines of a log, indented."""
    lines = log.read_text(errors="replace").splitlines()[-TAIL:]
    return "\n".join(f"    {line}" for line in lines)


def run_logged(argv: Sequence[str], log: Path, hint: str) -> None:
    """Run a command into a log; when it fails, say so with the log's end and a hint."""
    try:
        with log.open("a") as file:
            code = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False).returncode
    except FileNotFoundError as error:
        raise BedError(f"{argv[0]} is not installed. {hint}") from error
    if code != 0:
        raise BedError(f"{argv[0]} failed with exit code {code}. {hint}\n{tail(log)}\n  All of it: {log}")
