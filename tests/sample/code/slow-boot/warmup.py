"""What a web process does before it takes its first request."""

import time

from django.template.loader import get_template


def warm_up() -> None:
    get_template("items/index.html")
    time.sleep(12)  # The time that a large search index takes to load.
