"""Show what is on the hosts: the versions, what is live and how it is, the last runs, and an open one. Changes nothing.

pyinfra inventories/prod.py deploys/status.py
"""

from pyinfra import config

from switchback.screen import inspection

config.SUDO = True

inspection.status()
