#!/bin/sh
# Run once inside the image: an admin, a database, and nothing that makes a boot slow.
set -eu

useradd --create-home --shell /bin/bash --password '*' admin
install -d -o admin -g admin -m 700 /home/admin/.ssh
chmod 440 /etc/sudoers.d/admin
rm -f /etc/update-motd.d/* /etc/ssh/ssh_host_*

systemd-machine-id-setup
systemctl set-default multi-user.target
systemctl enable postgresql nginx ssh
systemctl disable apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    logrotate.timer
systemctl mask console-getty.service getty.target getty-static.service systemd-logind.service \
    systemd-udevd.service systemd-udev-trigger.service systemd-update-utmp.service systemd-timesyncd.service \
    e2scrub_reap.service systemd-remount-fs.service systemd-tmpfiles-clean.timer \
    dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount systemd-firstboot.service \
    systemd-sysusers.service systemd-tmpfiles-setup-dev.service systemd-update-utmp-runlevel.service \
    systemd-random-seed.service systemd-sysctl.service systemd-modules-load.service systemd-binfmt.service \
    systemd-machine-id-commit.service systemd-pstore.service

# Of what makes units at each boot only PostgreSQL's has any to make.
find /usr/lib/systemd/system-generators -type f ! -name postgresql-generator -delete

# Most of what runs here is a Python that imports a lot, and ends soon: an eighth of that is looking for garbage.
echo 'import gc; gc.set_threshold(50_000, 50, 100)' | tee -a /etc/python3.*/sitecustomize.py >/dev/null

# The cluster is made and filled here, so that a boot has nothing to do but start it.
version=$(ls /etc/postgresql)
cp /etc/postgresql-bed.conf "/etc/postgresql/$version/main/conf.d/bed.conf"
rm /etc/postgresql-bed.conf
sed -i "s/@VERSION@/$version/" /etc/systemd/system/postgresql@.service.d/bed.conf
pg_ctlcluster "$version" main start
su postgres -c 'createuser app && createdb --owner app app'
pg_ctlcluster "$version" main stop
