"""No text, however it is made, takes more time than it is long: who looks for secrets or marks in it reads it once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.host.http import _words
from agent.restart.trial_start import _filled
from agent.service.obstacles import obstacles
from agent.service.supervisor_config import Unreadable, parse, programs
from agent.text.lines import bounded, cut, shown
from agent.text.masking import masked, masked_message, masked_urls, secrets_in, url_secrets
from agent.text.tracebacks import last_traceback, telling_lines
from agent.transaction.step import StepFailed
from agent.visitors.site import _title

# What a text of this length may take, seconds; what takes the square of it takes minutes.
LENGTH, LIMIT = 50_000, 2.0
TEXTS = (
    "a", "aB3", "a-", "a.", "-a ", "a=", "key=", "key: ", "key==", "--key ", '["key"] ', "key=None ", "'", '"a', "a ",
    "a-a.a@a/", "http://", "http://a:b", "https://a:", "://", "://:", "/", "<", "<title>", "<title ", "<script", "<!--",
    "~", " ~", ")", " ", "\n", "\r", "\\", "{", "1a", "Error", "Error: ", "\x1b[",
    "Traceback (most recent call last):\n",
    "-----BEGIN PRIVATE KEY-----", "%(here)s", "… and 999999999999 more characters",
)  # fmt: skip
READS: tuple[Callable[[str], object], ...] = (
    masked, masked_message, masked_urls, secrets_in, url_secrets, telling_lines, shown, bounded, cut,
    lambda text: last_traceback(text.split("\n")),
    lambda text: _title(text.encode()[:64_000]),
    lambda text: _words(text.encode()[:4096]),
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("ends", ["", "x", "!", "=", "\x00"])
def test_no_text_takes_the_square_of_its_length(text: str, ends: str) -> None:
    whole = (text * LENGTH)[:LENGTH] + ends
    for read in READS:
        began = time.process_time()
        read(whole)
        assert time.process_time() - began < LIMIT


@pytest.mark.parametrize(
    "text", ["a-a-" * 30 + "=", '"' + "a.b-" * 30 + '!"', "'" + "a-" * 60 + "='", "~" + "a:" * 40 + "+="]
)
def test_nor_more_than_that(text: str) -> None:
    began = time.process_time()
    for read in READS:
        read(text)
    assert time.process_time() - began < LIMIT


def test_a_width_that_a_config_asks_for_fills_no_memory() -> None:
    for text in ("%(here)999999999s", "%(here)09999999999d", "%(here)99999999999999999999s", "%(here)-999999999s"):
        with pytest.raises(StepFailed):
            _filled(text, {"here": 1})
    assert _filled("web_%(process_num)02d", {"process_num": 3}) == "web_03"


def test_defaults_of_a_config_are_not_multiplied_by_its_sections() -> None:
    defaults = "".join(f"a{n}=1\n" for n in range(20_000))
    with pytest.raises(Unreadable):
        parse(f"[DEFAULT]\n{defaults}" + "".join(f"[{n}]\n" for n in range(20_000)))


@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", "1e9", "", "0x10"])
def test_numbers_of_a_config_are_numbers_or_the_usual_ones(number: str) -> None:
    text = f"[fcgi-program:web]\nsocket=tcp://127.0.0.1:8000\nnumprocs={number}\nstopwaitsecs={number}\nnumprocs_start={number}\n"
    sections = parse(f"{text}command=/x/bin/python -m gunicorn --graceful-timeout {number}\n")
    (web,) = programs(sections).values()
    assert web.count < 2_000_000
    assert web.stop_seconds < 2_000_000
    assert web.first < 2_000_000
    assert obstacles(sections, "http://127.0.0.1:8000/", "/home/app", "/c", str(Path("/x")))
