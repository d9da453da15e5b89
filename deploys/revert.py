"""Go back to the newest healthy version before the live one, or to a named one.

    pyinfra inventories/prod.py deploys/revert.py --data version=NAME --data database=keep

A revert that fails goes back to where it was.
"""

from pyinfra import config

from operations import hooks, transaction, version, window
from switchback.screen import preflight

config.SUDO = True

run = preflight.revert()

transaction.agent(run, name="Install the agent, if it is not this one")
transaction.begin(run, name="Begin: take the lock, open the journal")

# Before anything is touched.
version.checks(run, name="Find out what the older version lacks, and whether it can be taken back if asked to")

window.start_maintenance(run, name="Window: start maintenance")
window.pause(run, name="Window: pause what else writes, if the database is taken back")
window.backup(run, name="Window: back up, if the database is taken back")
window.migrate(run, name="Window: take the database back, if asked to")
window.swap(run, name="Window: swap the links")
hooks.at("after_switch", run)
window.restart(run, name="Window: restart")
window.health(run, name="Window: prove that the app is healthy")
window.stop_maintenance(run, name="Window: stop maintenance")
window.schedule(run, name="Set what runs at times")
window.site(run, name="Prove that the site is up")
window.watch(run, name="Watch whether it stays well")

transaction.all_well(run, name="Commit: all hosts are well")
transaction.commit(run, name="Commit")
