"""Of a program's output a person is told the lines that say why it failed."""

from __future__ import annotations

import pytest

from agent.host.command import CommandFailed
from agent.text.lines import quoted
from agent.text.tracebacks import reason, telling_line

PSYCOPG = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
psycopg.OperationalError: connection failed

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "b.py", line 2, in connect
    connect(
    ~~~~~~~^
        name,
        ^^^^^
    )
    ^
django.db.utils.OperationalError: connection failed: FATAL:  password authentication failed for user "app"
Multiple connection attempts failed. All failures were:
- host: 'localhost', port: 5432, hostaddr: '127.0.0.1'
"""


def test_a_database_that_does_not_let_us_in_says_so_in_the_first_line_of_what_was_raised() -> None:
    assert reason(PSYCOPG).endswith('FATAL:  password authentication failed for user "app"')


def test_what_was_raised_is_told_also_where_no_line_of_code_leads_to_it() -> None:
    assert reason("Traceback (most recent call last):\nMemoryError\nStopped\n") == "MemoryError"


def test_without_a_traceback_the_last_line_says_it() -> None:
    assert reason("collected\nerror: no such file\n\n") == "error: no such file"
    assert reason("") == ""


def test_what_might_help_is_no_reason() -> None:
    assert reason("error: no such package\n\n  hint: look elsewhere,\n  or not\n") == "error: no such package"
    assert reason("hint: look elsewhere\n") == "hint: look elsewhere"


def test_markers_below_lines_of_code_take_no_room_among_the_last_lines() -> None:
    told = str(CommandFailed("manage.py migrate ended with exit code 1", PSYCOPG * 2))
    assert told.count('File "b.py"') == 2
    assert "^" not in told
    assert "    )" not in told
    assert "        name," in told


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("it broke", "it broke"),
        ("migrate failed: manage.py ended with exit code 1\n  Applying…\n  no such table", "no such table"),
        (f"manage.py ended with exit code 1\n{quoted(PSYCOPG)}", PSYCOPG.split("\n")[-4]),
        # Of one whose beginning was cut off, too.
        ('manage.py did not finish\n    File "a.py", line 3, in b\n      c()\n  KeyError: 1', "KeyError: 1"),
        ('it ended\n    File "a.py", line 3\n      c()\n  KeyError: 1\n  [ERROR] Shutting down', "KeyError: 1"),
        (f"not healthy: it answers 500\n/srv/web.log:\n{quoted(PSYCOPG)}", PSYCOPG.split("\n")[-4]),
        ("not healthy: 502\njournal of django:\n  started\n/srv/web.log:\n  [INFO] Booting", "not healthy: 502"),
    ],
)
def test_the_line_that_tells_most(text: str, line: str) -> None:
    assert telling_line(text) == line
