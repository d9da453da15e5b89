"""Build a version and switch nothing; `deploys/deploy.py --data version=NAME` puts it live later.

pyinfra inventories/prod.py deploys/build.py --data code=REF --data config=REF
"""

from pyinfra import config

from operations import hooks, transaction, version
from switchback.screen import preflight

config.SUDO = True

run = preflight.build()

hooks.before_all(run)
transaction.agent(run, name="Install the agent, if it is not this one")
transaction.begin(run, name="Begin: take the lock, open the journal")

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

transaction.all_well(run, name="Commit: all hosts are well")
transaction.commit(run, name="Commit")
