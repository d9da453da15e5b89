"""Deploy a version: build it beside the live one, switch to it, and prove that it works.

    pyinfra inventories/prod.py deploys/deploy.py --data code=REF --data config=REF

Whatever fails, the host goes back to the version that was live, in that same step.
"""

from pyinfra import config

from operations import hooks, housekeeping, transaction, version, window
from switchback.screen import preflight

config.SUDO = True

run = preflight.deploy()

hooks.before_all(run)
transaction.agent(run, name="Install the agent, if it is not this one")
transaction.begin(run, name="Begin: take the lock, open the journal")

# Beside the live version, which goes on serving.
version.code(run, name="Build: check out the code")
version.config(run, name="Build: check out the config")
version.shared(run, name="Build: link what outlives the versions")
hooks.at("before_build", run)
version.venv(run, name="Build: install the requirements")
version.build_script(run, name="Build: run the build script")
version.static(run, name="Build: collect the static files")
hooks.at("after_static", run)
version.checks(run, name="Build: run the checks, read the migrations")
hooks.at("after_build", run)
version.seal(run, name="Build: seal the version")
version.trial(run, name="Build: start it where no visitor comes")

# The window: from here on, a failure means the way back.
window.backup_before(run, name="Back up, if nothing is migrated")
window.start_maintenance(run, name="Window: start maintenance")
window.pause(run, name="Window: pause what else writes to the database")
window.backup(run, name="Window: back up")
hooks.at("after_backup", run)
hooks.at("before_migrate", run)
window.migrate(run, name="Window: migrate")
hooks.at("after_migrate", run)
hooks.at("release", run)
window.swap(run, name="Window: swap the links")
window.install_script(run, name="Window: run the install script")
hooks.at("after_switch", run)
window.restart(run, name="Window: restart")
window.health(run, name="Window: prove that the app is healthy")
window.stop_maintenance(run, name="Window: stop maintenance")
window.schedule(run, name="Set what runs at times")
window.site(run, name="Prove that the site is up")
window.watch(run, name="Watch whether it stays well")

transaction.all_well(run, name="Commit: all hosts are well")
# A host that has committed runs its hook after_commit; one that could not, after_fallback.
transaction.commit(run, name="Commit")

housekeeping.clean_after(run, name="Clean up old versions", _ignore_errors=True)
