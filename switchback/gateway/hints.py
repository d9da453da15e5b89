"""What to do about a host whose key is not the one that is known here. Nothing else hangs on what a run says."""

from __future__ import annotations

import getpass

# As pyinfra and paramiko say it.
UNKNOWN, CHANGED = b"found in known_hosts", b"does not match"
_COMPARE = "compare its fingerprint with what the host itself shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)"


class Hints:
    """Overhears a run."""

    def __init__(self) -> None:
        self._tail = b""
        self._seen = dict.fromkeys((UNKNOWN, CHANGED), False)

    def __call__(self, said: bytes) -> None:
        """Overhear some more of it."""
        text = self._tail + said
        for words in self._seen:
            self._seen[words] |= words in text
        # What is cut in its middle is found next time.
        self._tail = text[-max(map(len, self._seen)) :]

    @property
    def lines(self) -> list[str]:
        """What the gateway's owner has to do, if anything."""
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
