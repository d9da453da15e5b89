"""What whatever the gateway starts finds in its environment: the owner's own, and nothing that came with a key."""

from __future__ import annotations

import os
import pwd

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment() -> dict[str, str]:
    """The variables of the user who we are, as a login would set them."""
    user = pwd.getpwuid(os.geteuid())
    return {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name, "PATH": PATH, "LANG": "C.UTF-8"}
