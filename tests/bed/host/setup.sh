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
systemctl disable apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
systemctl mask console-getty.service getty.target getty-static.service systemd-logind.service \
    systemd-udevd.service systemd-udev-trigger.service systemd-update-utmp.service systemd-timesyncd.service \
    e2scrub_reap.service systemd-remount-fs.service systemd-tmpfiles-clean.timer \
    dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount systemd-firstboot.service

# The cluster is made and filled here, so that a boot has nothing to do but start it.
version=$(ls /etc/postgresql)
cp /etc/postgresql-bed.conf "/etc/postgresql/$version/main/conf.d/bed.conf"
rm /etc/postgresql-bed.conf
pg_ctlcluster "$version" main start
su postgres -c 'createuser app && createdb --owner app app'
pg_ctlcluster "$version" main stop
