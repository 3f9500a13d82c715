#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: Jackett answers, in a namespace that still has eth0. It does not depend on the indexers.
set -eu

[ -e /sys/class/net/eth0 ]
curl --silent --max-time 4 http://127.0.0.1:9117/health | grep -q '"status":"OK"'
