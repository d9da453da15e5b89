"""Prove that hosts are fit for a deploy, and find what was changed on them by hand. Changes nothing.

pyinfra inventories/prod.py deploys/check.py

All problems of all hosts at once, each with what to do; ends with 1 when there are any.
"""

from pyinfra import config

from switchback.screen import inspection

config.SUDO = True

inspection.check()
