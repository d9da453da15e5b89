"""Show the app's and its unit's last lines, on all hosts, and go on as they come. Changes nothing.

pyinfra inventories/prod.py deploys/logs.py --data lines=200 --data process=web --data follow=true
"""

from pyinfra import config

from switchback.live.logs import logs

config.SUDO = True

logs()
