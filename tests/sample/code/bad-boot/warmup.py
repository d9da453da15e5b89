"""What a web process does before it takes its first request."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.template.loader import get_template


def warm_up() -> None:
    get_template("items/index.html")
    if "PAYMENT_KEY" not in os.environ:
        raise ImproperlyConfigured("PAYMENT_KEY is not set: no payment can be taken.")
