#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: alive, and in a namespace that still has the house's side. 401 and 409 are answers too.
set -eu

[ -e /sys/class/net/eth0 ]
curl --silent --output /dev/null --max-time 4 http://127.0.0.1:9091/transmission/rpc
