#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: its program runs, and the filter's socket is there.
set -eu

[ -S "$DOCKER_SOCK" ]
pgrep -f docker-entrypoint >/dev/null
