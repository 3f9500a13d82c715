# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the entry points of those who live in the holder's namespace. At a boot, Docker starts them as soon as the
# holder's process is there, which may be a moment before its barrier stands.

# until_barred NAME: waits for the word that the holder leaves on the interface, where everybody can read it.
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
