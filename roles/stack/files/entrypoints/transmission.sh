#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu

. /entrypoints/last-good.sh
. /entrypoints/namespace.sh

# A check: a complete object that requires a password. Versions write names differently.
is_claimed() {
    is_json_object "$1" || return 1
    if [ "$(LC_ALL=C grep -Ec '"rpc[-_]authentication[-_]required"' "$1")" != 1 ] ||
        ! LC_ALL=C grep -Eq '"rpc[-_]authentication[-_]required" *: *true' "$1"; then
        echo "does not require a password"
        return 1
    fi
    if [ "$(LC_ALL=C grep -Ec '"rpc[-_]password"' "$1")" != 1 ] ||
        ! LC_ALL=C grep -Eq '"rpc[-_]password" *: *"\{[0-9a-f]{40}[^"]+"' "$1"; then
        echo "has no password"
        return 1
    fi
}

# An older copy loses only settings that were changed later.
last_good transmission /config/settings.json is_claimed
until_barred transmission
exec transmission-daemon --foreground --config-dir /config
