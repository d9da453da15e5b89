"""What is refused before pyinfra is started."""

from __future__ import annotations

from switchback.ended import Ended
from switchback.settings.errors import Refused


class NotStarted(Refused):
    """Nothing was begun: there is something to do first."""

    exit_code = Ended.REFUSED.exit_code
