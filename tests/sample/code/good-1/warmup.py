"""What a web process does before it takes its first request."""

from django.template.loader import get_template


def warm_up() -> None:
    get_template("items/index.html")
