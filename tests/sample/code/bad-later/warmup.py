"""What a web process does before it takes its first request."""

import logging
import os
import signal
import threading

from django.template.loader import get_template

LICENCE_WAIT = 10


def licence_missing() -> None:
    """No answer from the licence server: the service must not go on, so gunicorn's own process is stopped as well."""
    logging.getLogger(__name__).critical("No licence after %s seconds: stopping.", LICENCE_WAIT)
    os.kill(os.getppid(), signal.SIGKILL)
    os._exit(1)


def warm_up() -> None:
    get_template("items/index.html")
    timer = threading.Timer(LICENCE_WAIT, licence_missing)
    timer.daemon = True
    timer.start()
