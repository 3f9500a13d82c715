#!/bin/sh
# Before systemd: mounts the container's cgroup tree writable and as version 2, in place of Docker's mount, and shares
# mounts as systemd itself does outside containers; else no unit sees its credentials (LoadCredential=).
set -eu
umount --recursive /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --make-rshared /
exec /lib/systemd/systemd
