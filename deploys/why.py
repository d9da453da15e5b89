"""Show why a run went as it did: what went wrong, what was undone, and the evidence. Changes nothing.

pyinfra inventories/prod.py deploys/why.py --data deploy=ID

Without an id: the open run, else the last one that did not commit, else the last one. --data show=all shows all of it.
"""

from pyinfra import config

from switchback.screen import afterwards

config.SUDO = True

afterwards.why()
