"""What to do about a host whose key is not the one that is known here. Nothing else hangs on what a run says."""

from __future__ import annotations

import getpass
import re

# As pyinfra says it, and that it got through to a host.
UNKNOWN = re.compile(rb"No host key for \S+ found in known_hosts")
CHANGED = re.compile(rb"SSH host key error \(Host key for \S+ does not match")
CONNECTED = re.compile(rb"\] Connected")
# No longer is any of that, with the name of a host in it, bytes.
LONGEST = 1000
_COMPARE = "compare its fingerprint with what the host itself shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)"


class Hints:
    """Overhears a run."""

    def __init__(self) -> None:
        self._tail = b""
        self._seen = dict.fromkeys((UNKNOWN, CHANGED, CONNECTED), False)

    def __call__(self, said: bytes) -> None:
        """Overhear some more of it."""
        text = self._tail + said
        for words in self._seen:
            self._seen[words] |= bool(words.search(text))
        # What is cut in its middle is found next time.
        self._tail = text[-LONGEST:]

    @property
    def lines(self) -> list[str]:
        """What the gateway's owner has to do, if anything."""
        if self._seen[CONNECTED]:
            # What is said from there on may be anybody's: the app's own, say, which may look like it.
            return []
        owner = getpass.getuser()
        lines = []
        if self._seen[UNKNOWN]:
            lines.append(
                f"a host's key is not known here, so nothing was sent to it: {owner} logs in to it once by hand from "
                f"this machine (ssh), and has to {_COMPARE}"
            )
        if self._seen[CHANGED]:
            lines.append(
                "a host shows another key than the one that is known here, so nothing was sent to it: if it was set up "
                f"anew, {owner} takes the old one out (ssh-keygen -R HOST), logs in once by hand, and has to "
                f"{_COMPARE}; if not, somebody is in between"
            )
        return lines
