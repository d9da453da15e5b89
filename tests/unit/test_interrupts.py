"""A controller that is asked to stop, in whichever way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from switchback.ended import STOPPED
from switchback.screen.interrupts import Interrupts

ROOT = Path(__file__).resolve().parents[2]
PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
ASKS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The handlers of the tests' own process stay."""
    handlers = {number: signal.getsignal(number) for number in ASKS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ASKS, ids=lambda number: number.name)
def test_a_run_is_no_success_whichever_signal_asks_it_to_stop(number: signal.Signals) -> None:
    Interrupts(cast("Any", SimpleNamespace(is_executing=False)), []).catch()
    with pytest.raises(SystemExit) as end:
        signal.raise_signal(number)
    assert end.value.code == STOPPED


@pytest.mark.parametrize("number", ASKS, ids=lambda number: number.name)
def test_each_signal_has_the_hosts_fall_back_and_a_second_one_leaves(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[Any] = []
    monkeypatch.setattr("switchback.screen.interrupts.gevent.spawn", began.append)
    left: list[bool] = []
    interrupts = Interrupts(cast("Any", SimpleNamespace(is_executing=True)), [])
    monkeypatch.setattr(interrupts, "_leave", lambda: left.append(True))
    interrupts.catch()
    signal.raise_signal(number)
    assert (len(began), left) == (1, [])
    signal.raise_signal(number)
    assert (len(began), left) == (1, [True])


# Presses Ctrl-C as a run loads one of its modules.
PRESSES = """
import importlib.abc, os, signal, sys


class Presses(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "switchback.typed":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)


sys.meta_path.insert(0, Presses())
"""


def test_ctrl_c_while_a_run_is_loaded_is_no_success_and_has_its_document(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(PRESSES)
    inventory = tmp_path / "nowhere.py"
    inventory.write_text("from switchback.hosts.inventory import inventory\n\napp = inventory(__file__, hosts=[])\n")
    argv = [PYINFRA, str(inventory), "deploys/status.py", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (130, "stopped"), done.stderr
    assert "Interrupted." in done.stderr
