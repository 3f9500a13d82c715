#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A Jellyfin whose wizard is not done belongs to whoever comes first.
set -eu

. /entrypoints/last-good.sh

# A whole document, after the wizard.
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
                print "is cut off or no XML"
                exit 1
            }
        }
    ' "$1" || return 1
    if [ "$(grep -c '<IsStartupWizardCompleted>' "$1")" != 1 ] ||
        ! grep -q '<IsStartupWizardCompleted>true</IsStartupWizardCompleted>' "$1"; then
        echo "says that the first-run wizard is not done"
        return 1
    fi
}

last_good jellyfin /config/config/system.xml is_claimed
if [ "$(head -c 15 /config/data/jellyfin.db 2>/dev/null)" != "SQLite format 3" ]; then
    echo "jellyfin: /config/data/jellyfin.db is missing or damaged, and with it all users, so it does not start." \
        "Restore it from a backup, or remove /config/config/system.xml with its copy and run the playbook again." >&2
    exit 1
fi
exec /jellyfin/jellyfin
