#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: wg0 is as the files say, and the way out goes through it. Whether the provider answers is another question.
set -eu

cat /gateway/tunnel.env /gateway/wg0.conf | sha256sum | cmp -s - /run/tunnel.loaded
[ "$(wg show wg0 public-key)" != "(none)" ]
ip -4 route show default | grep -q 'dev wg0'
