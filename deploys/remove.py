"""Take Switchback off a host, and leave the site there as it runs; what goes and what stays is shown before.

pyinfra inventories/prod.py deploys/remove.py --dry
"""

from pyinfra import config, host, state

from operations import housekeeping
from switchback.ending import report
from switchback.hosts.inventory import settings_of
from switchback.live.removal import removal

config.SUDO = True
report.show_words(state)

housekeeping.remove(settings_of(host), removal(), name="Remove what is Switchback's own")
