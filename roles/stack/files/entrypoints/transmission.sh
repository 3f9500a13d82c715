#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu

if [ ! -s /config/settings.json ]; then
    echo "transmission: /config/settings.json is missing or empty; it would start without a password." \
        "Run the playbook again." >&2
    exit 1
fi
exec transmission-daemon --foreground --config-dir /config
