#!/bin/sh
# Before systemd: mounts the container's cgroup tree writable and as version 2, in place of Docker's mount.
set -eu
umount --recursive /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec /lib/systemd/systemd
