#!/bin/sh
# Shows visitors the maintenance page: the web server answers with it while the flag is there.
# In nginx, for example:
#     if (-f /home/app/maintenance) { return 503; }
#     error_page 503 /maintenance.html;
set -eu

touch -- "$HOME/maintenance"
