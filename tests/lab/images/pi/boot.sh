#!/bin/sh
# Before systemd: the container's own part of the cgroup tree, version 2 and writable, in place of Docker's view.
set -eu
umount --recursive /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec /lib/systemd/systemd
