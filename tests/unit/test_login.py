"""As whom a run is known to others."""

from __future__ import annotations

import os
import pwd
import socket

import pytest

from switchback.runs.run import login


def test_a_user_without_a_name_is_known_by_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert login() == f"{os.getuid()}@{socket.gethostname()}"
