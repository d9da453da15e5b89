"""Show who deployed what, from where, when, and how it ended, on all hosts. Changes nothing.

pyinfra inventories/prod.py deploys/history.py --data runs=50
"""

from pyinfra import config

from switchback.screen import afterwards

config.SUDO = True

afterwards.history()
