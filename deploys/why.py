"""Show why a run went as it did: what went wrong, what was undone, and the evidence.

pyinfra inventories/prod.py deploys/why.py --data deploy=ID

Without an id: the open run, else the last one that did not commit, else the last one. --data show=all shows all of it,
--data report=PATH writes its page here. Changes nothing, but keeps that page on the host, if it was never made.
"""

from pyinfra import config

from switchback.screen import afterwards

config.SUDO = True

afterwards.why()
