#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: Transmission answers, in a namespace that still has eth0. Any status will do. The method is OPTIONS, because
# Transmission counts other requests without a password as failed logins, and locks all clients out after a hundred.
set -eu

[ -e /sys/class/net/eth0 ]
curl --request OPTIONS --silent --output /dev/null --max-time 4 http://127.0.0.1:9091/transmission/rpc
