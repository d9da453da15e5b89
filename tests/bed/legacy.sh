#!/bin/sh
# What an administrator did by hand, long before Switchback: two versions, their links, scripts and a service.
# Run as root on a bare host; prints the names of the versions, the older one first.
set -eu

useradd --create-home --shell /bin/bash app
chmod 755 /home/app
install -d -o app -g app /home/app/scripts /home/app/deployment /home/app/backups

cat >/home/app/scripts/backup_database.sh <<'END'
#!/bin/sh
set -eu
backup=$HOME/backups/app-$(date +%Y%m%d-%H%M%S-%N).dump
pg_dump --format=custom --file="$backup" app
echo "$backup"
END
cat >/home/app/scripts/restore_database.sh <<'END'
#!/bin/sh
set -eu
psql --quiet --dbname=app --command='DROP SCHEMA public CASCADE; CREATE SCHEMA public' 2>&1
pg_restore --no-owner --exit-on-error --dbname=app "$1"
END
cat >/home/app/scripts/start_maintenance.sh <<'END'
#!/bin/sh
touch "$HOME/maintenance"
END
cat >/home/app/scripts/stop_maintenance.sh <<'END'
#!/bin/sh
rm -f "$HOME/maintenance"
END
chown app: /home/app/scripts/*
chmod 755 /home/app/scripts/*

# A version with its static files, which become the current one's; its name is printed.
build() {
    su app -s /bin/sh -c '
        set -eu
        git clone --quiet /srv/git/code.git "$HOME/new/code"
        git clone --quiet /srv/git/config.git "$HOME/new/config"
        cd "$HOME/new"
        git -C code checkout --quiet "$2"
        name=django-$1-$(git -C code rev-parse --short=7 HEAD)-$(git -C config rev-parse --short=7 HEAD)
        cd "$HOME"
        mv new "$name"
        rm -f django-current
        ln -s "$name" django-current
        python3 -m venv --without-pip "$name/venv"
        uv pip install --quiet --offline --no-index --find-links /srv/wheelhouse \
            --python "$name/venv/bin/python" --requirement "$name/code/requirements.txt"
        "$name/venv/bin/python" "$name/config/manage.py" migrate --verbosity 0
        "$name/venv/bin/python" "$name/config/manage.py" collectstatic --noinput --verbosity 0
        echo "$name"
    ' -- sh "$1" "$2"
}
older=$(build 20250106-100000 origin/feature/with/slashes)
newer=$(build 20250113-100000 good-1)

cd /home/app
ln -s "$older" django-previous
ln -s "$newer" django-working
ln -s "$older" django-previous-working
ln -s /home/app/django-current/venv venv
ln -s /home/app/django-current/code django
for name in settings.py supervisord.conf wsgi.py manage.py django; do
    ln -s "/home/app/django-current/config/$name" "deployment/$name"
done
chown -h app: django* venv deployment/*

cat >/etc/systemd/system/django.service <<'END'
[Unit]
Description=The Django site
After=network.target postgresql.service

[Service]
User=app
WorkingDirectory=/home/app/deployment
ExecStart=/home/app/venv/bin/supervisord --configuration /home/app/deployment/supervisord.conf
Restart=on-failure

[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl --quiet enable --now django

echo "$older"
echo "$newer"
