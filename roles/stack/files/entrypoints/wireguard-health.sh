#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: wg0 is configured as in the files, and is the default route. It does not depend on the provider's server.
set -eu

cat /gateway/tunnel.env /gateway/wg0.conf | sha256sum | cmp -s - /run/tunnel.loaded
[ "$(wg show wg0 public-key)" != "(none)" ]
ip -4 route show default | grep -q 'dev wg0'
