"""After an outcome that needs a person: what happened, another try at the way back, and the host freed.

pyinfra inventories/prod.py deploys/recover.py

--data database=keep leaves the database to you; --data force=true frees the host whatever could not be undone.
"""

from pyinfra import config, host, state

from operations import housekeeping
from switchback.ending import report
from switchback.hosts.inventory import options, settings_of
from switchback.live import recovery

config.SUDO = True

if recovery.open_run():
    report.follow_recovery(state)
    asked = options()
    housekeeping.recover(
        settings_of(host), asked.database, asked.force, name="Recover: finish the fallback, free the host"
    )
else:
    host.log(recovery.NOTHING_OPEN)
