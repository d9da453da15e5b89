#!/bin/sh
# Backs the app's databases up and prints the path of the backup as the last line.
# Run by a deploy as the app's user; to be changed as the site needs it, as long as it fails when there is no backup.
# Run by hand or by cron, it backs up what the live version uses.
set -eu

# Which databases there are, a version's own settings say: of the one that a deploy is about, else of the live one.
version=$(readlink -f -- "${SWITCHBACK_VERSION:-$HOME/django-current}")
python=${SWITCHBACK_PYTHON:-$version/venv/bin/python}
manage=${SWITCHBACK_MANAGE:-$version/config/manage.py}

# What does it, for each kind of database, is beside this file.
set -- "$python" "$(dirname -- "$0")/databases.py" "$manage" backup "${BACKUPS:-$HOME/backups}"
if [ -x "$version/run" ]; then set -- "$version/run" "$@"; fi
exec "$@"
