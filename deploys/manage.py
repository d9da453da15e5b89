"""Run a command of manage.py's in the live version, as the app, on the primary host.

pyinfra inventories/prod.py deploys/manage.py --data command="clearsessions --verbosity 2"

It asks nobody whether to begin; --dry says what would run, and where. It ends with the command's own exit code.
"""

from pyinfra import config

from switchback.live.manage import manage

config.SUDO = True

manage()
