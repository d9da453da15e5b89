"""What is noted of the run of this process as it goes, for its document."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from switchback.plan.model import Preview
from switchback.runs.run import Run

if TYPE_CHECKING:
    from switchback.document.model import HostEnd, Next


@dataclass
class Noted:
    """What is known of a run, whoever has found it out.

    + began: when, seconds since the epoch
    + preview: what it is to do; runs: what it does on each host, where it is a transaction
    + looked: what check or status has found; problems: why hosts are not fit, each with its host; differences: what
      differs between them
    + next: what is left to do by host, once that is provisioned
    + warnings: of what runs on the controller
    + exit_code: that of a command which was run for its own sake; None where how the run has ended says which
    """

    began: float = field(default_factory=time.time)
    preview: Preview | None = None
    runs: Sequence[Run] = ()
    looked: Sequence[HostEnd] = ()
    problems: Sequence[str] = ()
    differences: Sequence[str] = ()
    next: dict[str, Sequence[Next]] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    exit_code: int | None = None


NOTED = Noted()
