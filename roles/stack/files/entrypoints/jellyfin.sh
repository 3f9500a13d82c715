#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Until the first-run wizard is completed, any client may become administrator.
set -eu

. /entrypoints/last-good.sh
. /entrypoints/keep-whole.sh

# A check: a complete document of a server whose wizard is completed.
is_claimed() {
    LC_ALL=C awk '
        BEGIN { RS = "<" }
        NR == 1 { next }
        !/>/ { failed = 1; next }
        /^[?!]/ { next }
        closed { failed = 1 }
        {
            tag = $0
            sub(/>.*/, "", tag)
            if (tag ~ /\/$/) next
            sub(/[ \t\r\n].*/, "", tag)
            if (tag !~ /^\//) stack[++depth] = tag
            else if (stack[depth--] != substr(tag, 2)) failed = 1
            closed = !depth && $0 ~ /^\/ServerConfiguration>[ \t\r\n]*$/
        }
        END {
            if (failed || !closed) {
                print "is truncated or not XML"
                exit 1
            }
        }
    ' "$1" || return 1
    if [ "$(grep -c '<IsStartupWizardCompleted>' "$1")" != 1 ] ||
        ! grep -q '<IsStartupWizardCompleted>true</IsStartupWizardCompleted>' "$1"; then
        echo "shows that the first-run wizard is not completed"
        return 1
    fi
}

last_good jellyfin /config/config/system.xml is_claimed
if [ "$(head -c 15 /config/data/jellyfin.db 2>/dev/null)" != "SQLite format 3" ]; then
    echo "jellyfin: /config/data/jellyfin.db is missing or damaged, and with it all users, so it does not start." \
        "Restore it from a backup, or remove /config/config/system.xml with its copy and run the playbook again." >&2
    exit 1
fi
# The server's id. All sessions are lost without it, and the server never removes it.
if [ -d /config/data ] && [ ! -e /config/data/device.txt ] && [ -f "/config/$KEEP_WHOLE_FOLDER/data/device.txt" ]; then
    : >/config/data/device.txt
fi
# The type of a library is the name of an empty file in its folder. It is restored only to a library with the same options.
for type in "/config/$KEEP_WHOLE_FOLDER"/root/default/*/*.collection; do
    library=/config/${type#"/config/$KEEP_WHOLE_FOLDER/"}
    library=${library%/*}
    [ -f "$type" ] || continue
    [ -d "$library" ] || continue
    set -- "$library"/*.collection
    [ ! -e "$1" ] || continue
    if [ ! -s "$library/options.xml" ] || cmp -s "$library/options.xml" "${type%/*}/options.xml"; then
        : >"$library/${type##*/}"
        echo "jellyfin: the type of $library was missing; ${type##*/} is back" >&2
    fi
done
# A library's options before its folder entries, which can be restored from them.
keep_whole jellyfin /config /config/config/*.xml /config/data/device.txt /config/root/default/*/options.xml \
    /config/root/default/*/*.mblink /config/root/default/*/*.collection /config/config/ScheduledTasks/*.js \
    /config/data/ScheduledTasks/*.js /config/plugins/configurations/*.xml /config/plugins/*/meta.json \
    /config/data/playlists/*/*.xml /config/data/collections/*/*.xml ||
    echo "jellyfin: the settings could not be copied" >&2
exec /jellyfin/jellyfin
