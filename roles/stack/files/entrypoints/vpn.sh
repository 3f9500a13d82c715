#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Holds the VPN namespace. It loads the inner barrier before anything else, and never removes it.
set -eu

again=
sleeper=
# First, so that no signal to reload is lost. It is handled below, after the first load.
trap 'again=1; [ -z "$sleeper" ] || kill -KILL "$sleeper" 2>/dev/null || true' HUP
trap 'exit 0' TERM INT

# Chained, because "set -e" has no effect inside a condition.
load() {
    nft -f /gateway/inner.nft &&
        nft list table inet mediaserver_inner >/run/inner.raw &&
        sed 's/packets [0-9]* bytes [0-9]*//' /run/inner.raw >/run/inner.listing
}

# Only the tunnel is a default route. Replies to the LAN have their own routing table.
route() {
    # The shell exits when a sourced file is missing.
    [ -r /gateway/holder.env ] || return 1
    . /gateway/holder.env
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
# Other services in this namespace wait for this alias (namespace.sh).
ip link set dev eth0 alias "the inner barrier stands"
echo "vpn: the barrier stands"

while :; do
    if [ -n "$again" ]; then
        again=
        # One transaction: when it fails, the old table stays, and the health check reports that it is outdated.
        if load && route; then
            echo "vpn: barrier and routes were loaded again"
        else
            echo "vpn: barrier or routes could not be loaded again" >&2
            rm -f /run/inner.listing
        fi
    fi
    sleep 60 &
    sleeper=$!
    # A signal since the check above is handled here. A later one ends the sleep by KILL, because a child that has not
    # started sleep yet would lose any other signal. The shell's message about it is discarded.
    [ -n "$again" ] || wait "$sleeper" 2>/dev/null || true
    kill -KILL "$sleeper" 2>/dev/null || true
    sleeper=
done
