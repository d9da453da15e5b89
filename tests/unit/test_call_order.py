"""What pyinfra knows of the order of operations without reading their source."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import cast

import pyinfra
import pytest
from pyinfra.api import State, util

from switchback.hosts.call_order import read_no_source


def order() -> list[int]:
    """By which pyinfra sorts an operation that is called here."""
    state = cast(State, SimpleNamespace(current_deploy_filename=__file__, current_op_file_number=3))
    return list(util.get_operation_order_from_stack(state))


def test_the_order_is_that_of_the_lines_and_their_source_is_not_read_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyinfra, "is_cli", True)
    monkeypatch.setattr(util, "stack", inspect.stack)
    monkeypatch.setattr(util, "getframeinfo", inspect.getframeinfo)
    read, real = [0], inspect.findsource

    def counted(code: object) -> tuple[list[str], int]:
        read[-1] += 1
        return real(code)  # type: ignore[arg-type]

    monkeypatch.setattr(inspect, "findsource", counted)
    orders = []
    for less in (False, True):
        if less:
            read_no_source()
        read.append(0)
        orders.append(order())
    assert orders[0] == orders[1]
    assert orders[0][0] == 3
    assert read[1] > 0
    assert read[2] == 0
