#!/bin/sh
# Lets visitors back in: removes the flag that start_maintenance.sh has set.
set -eu

rm -f -- "$HOME/maintenance"
