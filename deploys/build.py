"""Build a version and switch nothing; `deploys/deploy.py --data version=NAME` puts it live later.

pyinfra inventories/prod.py deploys/build.py --data code=REF --data config=REF
"""

from pyinfra import config

from operations import transaction, version
from switchback import preflight

config.SUDO = True

run = preflight.build()

transaction.agent(run)
transaction.begin(run)

version.code(run)
version.config(run)
version.venv(run)
version.build_script(run)
version.static(run)
version.checks(run)
version.seal(run)

transaction.commit(run)
