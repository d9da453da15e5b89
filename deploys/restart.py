"""Restart the service, and wait until it is healthy.

pyinfra inventories/prod.py deploys/restart.py
"""

from pyinfra import config

from operations import transaction, window
from switchback import preflight

config.SUDO = True

run = preflight.restart()

transaction.agent(run)
transaction.begin(run)
window.restart(run)
window.health(run)
window.site(run)
transaction.commit(run)
