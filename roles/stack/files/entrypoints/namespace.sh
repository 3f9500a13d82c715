# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the entry points of services in the holder's namespace. At boot, Docker starts these as soon as the holder's
# process exists, which may be before the inner barrier is loaded.

# until_barred NAME: waits until the holder has set the interface's alias, which every process in the namespace can read.
until_barred() {
    until_barred_told=
    until [ -n "$(cat /sys/class/net/eth0/ifalias 2>/dev/null)" ]; do
        if [ -z "$until_barred_told" ]; then
            echo "$1: waits until the inner barrier stands" >&2
            until_barred_told=1
        fi
        sleep 0.1
    done
}
