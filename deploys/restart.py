"""Restart the service, and wait until it is healthy; refused where it serves and could not be started again.

pyinfra inventories/prod.py deploys/restart.py
"""

from pyinfra import config

from operations import transaction, version, window
from switchback.screen import preflight

config.SUDO = True

run = preflight.restart()

transaction.agent(run, name="Install the agent, if it is not this one")
transaction.begin(run, name="Begin: take the lock, open the journal")
version.trial(run, name="Prove, where no visitor comes, that it can be started again")
window.restart(run, name="Restart")
window.health(run, name="Prove that the app is healthy")
window.site(run, name="Prove that the site is up")
window.watch(run, name="Watch whether it stays well")
transaction.all_well(run, name="Commit: all hosts are well")
transaction.commit(run, name="Commit")
