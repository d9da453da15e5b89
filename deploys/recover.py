"""After an outcome that needs a person: what happened, another try at the way back, and the host freed.

pyinfra inventories/prod.py deploys/recover.py
"""

from pyinfra import config, host, state

from operations import housekeeping
from switchback import preflight, report
from switchback.inventory import settings_of

config.SUDO = True
report.show_words(state)

if preflight.look().get("transaction"):
    housekeeping.recover(settings_of(host), name="Recover: finish the fallback, free the host")
