#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: alive, and in a namespace that still has the house's side. Any answer will do. OPTIONS, because Transmission
# takes every other question without a password for a wrong one, and locks everybody out after a hundred.
set -eu

[ -e /sys/class/net/eth0 ]
curl --request OPTIONS --silent --output /dev/null --max-time 4 http://127.0.0.1:9091/transmission/rpc
