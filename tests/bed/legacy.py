"""A host as an administrator laid it out by hand, without Switchback: what provision.py has to take over untouched."""

import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.bed.hosts import Host
from tests.bed.progress import BedError

SCRIPT = Path(__file__).with_name("legacy.sh")
ANSWER_LIMIT = 30.0


def lay_out(host: Host) -> tuple[str, str]:
    """Lay out a bare host by hand, its site running at good-1; the names of its two versions, the older one first."""
    older, newer = host.run(SCRIPT.read_text()).stdout.split()
    wait_for_site(host)
    return older, newer


def wait_for_site(host: Host, seconds: float = ANSWER_LIMIT) -> None:
    """Wait until a host's site answers as it should, through nginx."""
    limit = time.monotonic() + seconds
    while not answers(host.website_url):
        if time.monotonic() > limit:
            raise BedError(f"{host.website_url} doesn't answer.")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether an address answers without an error."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False
