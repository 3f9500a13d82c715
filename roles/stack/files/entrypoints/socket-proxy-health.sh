#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: the sockets of both clients are there. Docker itself is not asked, because a restart of the filter would not
# help against a silent one.
set -eu

[ -S /sockets/autoheal/docker.sock ]
[ -S /sockets/watchtower/docker.sock ]
