#!/usr/bin/env python3
"""Django's command line, with the code of the version that this file belongs to."""

import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))


def main() -> None:
    sys.path[:0] = [HERE, os.path.realpath(os.path.join(HERE, "django"))]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
