"""What a web process does before it takes its first request."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.template.loader import get_template

LIVE = Path("/home/app/django-current/code")


def warm_up() -> None:
    get_template("items/index.html")
    if os.path.realpath(__file__) == os.path.realpath(LIVE / "warmup.py"):
        raise ImproperlyConfigured("PAYMENT_KEY is not set: no payment can be taken.")
