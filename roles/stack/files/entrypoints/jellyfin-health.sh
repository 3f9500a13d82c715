#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: Jellyfin answers. Degraded means a migration, which may take hours, and 503 with a text in any language a
# server that starts; a restart would only repeat both. Unhealthy means that the start has failed.
set -eu

answer=$(curl --silent --max-time 4 --write-out '\n%{http_code}' http://127.0.0.1:8096/health)
case $answer in
Unhealthy*) exit 1 ;;
Healthy*200 | Degraded*200 | *503) ;;
*) exit 1 ;;
esac
