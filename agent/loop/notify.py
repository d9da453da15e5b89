"""What the runner tells systemd: that it is ready, and that its loop still goes round."""

from __future__ import annotations

import contextlib
import os
import socket


class Systemd:
    """The way to systemd, where it is who has started us."""

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        # Half of what it waits for, seconds; None where it watches nobody.
        watchdog = os.environ.pop("WATCHDOG_USEC", "")
        self.every = int(watchdog) / 2e6 if watchdog else None

    def tell(self, what: str) -> None:
        """Tell it; nobody waits for an answer."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way, contextlib.suppress(OSError):
            way.setblocking(False)
            way.sendto(what.encode(), address)
