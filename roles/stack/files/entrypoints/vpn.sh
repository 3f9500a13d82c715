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

# The only way out is the tunnel's; replies to the house have a table of their own.
route() {
    ip route replace "$SUBNET" dev eth0 src "$ADDRESS" &&
        ip route replace "$SUBNET" dev eth0 src "$ADDRESS" table 100 &&
        ip route replace default via "$GATEWAY" dev eth0 table 100 || return 1
    while ip route del default dev eth0 2>/dev/null; do :; done
    ip rule show | grep -q "from $ADDRESS lookup 100" || ip rule add from "$ADDRESS" lookup 100 priority 100
}

if ! load; then
    echo "vpn: the inner barrier could not be loaded; nothing may start in this namespace" >&2
    exit 1
fi
route

echo "vpn: the barrier stands"
# A reload is one transaction: when it fails, the old table stands, and the health check says that it is not as wanted.
trap 'if load && route; then echo "vpn: barrier and routes were loaded again"; else echo "vpn: barrier or routes could not be loaded again" >&2; rm -f /run/inner.listing; fi' HUP
trap 'exit 0' TERM INT
while :; do
    sleep 86400 &
    wait $! || true
    kill $! 2>/dev/null || true
done
