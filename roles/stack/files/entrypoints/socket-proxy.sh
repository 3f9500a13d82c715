#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A filter before Docker's socket: one socket for each client, with the calls that its file names.
set -eu

rm -f /sockets/*/docker.sock
case $WATCHTOWER_MODE in
update) set -- /entrypoints/docker-watchtower-update.cfg ;;
*) set -- /entrypoints/docker-watchtower-monitor.cfg ;;
esac
exec haproxy -db -f /entrypoints/docker-filter.cfg -f /entrypoints/docker-autoheal.cfg -f "$1"
