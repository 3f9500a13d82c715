#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Healthy: the inner barrier is as it was loaded, and the only default route is the tunnel's.
set -eu

nft list table inet mediaserver_inner >/run/inner.now
[ -s /run/inner.listing ]
sed 's/packets [0-9]* bytes [0-9]*//' /run/inner.now | cmp -s - /run/inner.listing
if ip -4 route show default | grep -v 'dev wg0'; then
    exit 1
fi
