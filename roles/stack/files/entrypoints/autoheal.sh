#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The image's own program, behind the filter. It gives WEBHOOK_URL to curl as an argument, which every account of the host
# could read in the list of processes. So the address stays in a file, and the argument names that file.
set -eu

until [ -S "$DOCKER_SOCK" ]; do
    sleep 1
done
umask 077
address=$(cat /run/secrets/webhook)
if [ -n "$address" ]; then
    printf 'url = "%s"\n' "$address" >/tmp/webhook.conf
    WEBHOOK_URL=-K/tmp/webhook.conf
    export WEBHOOK_URL
fi
unset address
exec /docker-entrypoint autoheal
