#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: alive, and in a namespace that still has the house's side. Its indexers are another question.
set -eu

[ -e /sys/class/net/eth0 ]
curl --silent --max-time 4 http://127.0.0.1:9117/health | grep -q '"status":"OK"'
