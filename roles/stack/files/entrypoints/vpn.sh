#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Holder of the VPN namespace. The barrier stands before anything else does, and is never taken down.
set -eu

. /gateway/holder.env

# Chained, because the shell does not stop at a failure inside a condition or a trap.
load() {
    nft -f /gateway/inner.nft &&
        nft list table inet mediaserver_inner >/run/inner.raw &&
        sed 's/packets [0-9]* bytes [0-9]*//' /run/inner.raw >/run/inner.listing
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
# A reload is one transaction: when it fails, the old table stands, and the health check says that it is not as wanted.
trap 'if load; then echo "vpn: the barrier was loaded again"; else echo "vpn: the barrier could not be loaded again" >&2; rm -f /run/inner.listing; fi' HUP
trap 'exit 0' TERM INT
while :; do
    sleep 86400 &
    wait $! || true
    kill $! 2>/dev/null || true
done
