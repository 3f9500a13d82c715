#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Holder of the VPN namespace. The barrier stands before anything else does, and is never taken down.
set -eu

. /gateway/holder.env

listing() {
    nft list table inet mediaserver_inner | sed 's/packets [0-9]* bytes [0-9]*//'
}

load() {
    nft -f /gateway/inner.nft
    listing > /run/inner.listing
}

if ! load; then
    echo "vpn: the inner barrier could not be loaded; nothing may start in this namespace" >&2
    exit 1
fi

# The only way out is the tunnel's; replies to the house have a table of their own.
ip -4 route flush default
ip route replace "$SUBNET" dev eth0 src "$ADDRESS" table 100
ip route replace default via "$GATEWAY" dev eth0 table 100
ip rule del from "$ADDRESS" lookup 100 2>/dev/null || true
ip rule add from "$ADDRESS" lookup 100 priority 100

echo "vpn: the barrier stands"
trap 'load && echo "vpn: the barrier was loaded again"' HUP
trap 'exit 0' TERM INT
while :; do
    sleep 86400 &
    wait $! || true
done
