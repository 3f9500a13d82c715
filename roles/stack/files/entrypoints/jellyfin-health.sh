#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: alive. Degraded is a migration, which may last for hours, and 503 with a text of any language a server that
# loads; a restart would only begin both again. Only Unhealthy says that the start has failed.
set -eu

answer=$(curl --silent --max-time 4 --write-out '\n%{http_code}' http://127.0.0.1:8096/health)
case $answer in
Unhealthy*) exit 1 ;;
Healthy*200 | Degraded*200 | *503) ;;
*) exit 1 ;;
esac
