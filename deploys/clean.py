"""Delete versions that nobody needs any more.

    pyinfra inventories/prod.py deploys/clean.py --data keep=5
    pyinfra inventories/prod.py deploys/clean.py --data version=NAME
    pyinfra inventories/prod.py deploys/clean.py --data pin=NAME

What a link leads to, what is pinned, and what Switchback did not build always stays.
"""

from pyinfra import config, host, state

from operations import housekeeping
from switchback.ending import report
from switchback.hosts.inventory import options, settings_of
from switchback.live.pinning import pinning
from switchback.screen import preflight

config.SUDO = True
report.show_words(state)

asked = options()
site = settings_of(host).site
if asked.pin:
    housekeeping.pin(site, pinning(asked.pin, pinned=True), pinned=True, name="Pin")
elif asked.unpin:
    housekeeping.pin(site, pinning(asked.unpin, pinned=False), pinned=False, name="Unpin")
else:
    housekeeping.clean(preflight.cleaning(), name="Clean up old versions")
