"""Go back to the newest healthy version before the live one, or to a named one.

    pyinfra inventories/prod.py deploys/revert.py --data version=NAME --data database=keep

A revert that fails goes back to where it was.
"""

from pyinfra import config

from operations import transaction, window
from switchback import preflight

config.SUDO = True

run = preflight.revert()

transaction.agent(run)
transaction.begin(run)

window.backup_before(run)
window.start_maintenance(run)
window.backup(run)
window.migrate(run)
window.swap(run)
window.restart(run)
window.health(run)
window.stop_maintenance(run)
window.site(run)

transaction.commit(run)
