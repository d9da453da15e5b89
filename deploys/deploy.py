"""Deploy a version: build it beside the live one, switch to it, and prove that it works.

    pyinfra inventories/prod.py deploys/deploy.py --data code=REF --data config=REF

Whatever fails, the host goes back to the version that was live, in that same step.
"""

from pyinfra import config

from operations import housekeeping, transaction, version, window
from switchback import preflight

config.SUDO = True

run = preflight.deploy()

transaction.agent(run)
transaction.begin(run)

# Beside the live version, which goes on serving.
version.code(run)
version.config(run)
version.venv(run)
version.build_script(run)
version.static(run)
version.checks(run)
version.seal(run)

# The window: from here on, a failure means the way back.
window.backup_before(run)
window.start_maintenance(run)
window.backup(run)
window.migrate(run)
window.swap(run)
window.install_script(run)
window.restart(run)
window.health(run)
window.stop_maintenance(run)
window.site(run)

transaction.commit(run)

housekeeping.clean(preflight.cleaning(run), _ignore_errors=True)
