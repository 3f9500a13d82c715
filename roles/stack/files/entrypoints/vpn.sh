#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Holder of the VPN namespace. The barrier stands before anything else does, and is never taken down.
set -eu

again=
sleeper=
# First of all, so that no word to reload is lost; it is heeded below, where everything has been loaded once.
trap 'again=1; [ -z "$sleeper" ] || kill -KILL "$sleeper" 2>/dev/null || true' HUP
trap 'exit 0' TERM INT

# Chained, because the shell does not stop at a failure inside a condition.
load() {
    nft -f /gateway/inner.nft &&
        nft list table inet mediaserver_inner >/run/inner.raw &&
        sed 's/packets [0-9]* bytes [0-9]*//' /run/inner.raw >/run/inner.listing
}

# The only way out is the tunnel's; replies to the house have a table of their own.
route() {
    # The shell would end at a missing file.
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
# Whoever lives here waits for this word (namespace.sh).
ip link set dev eth0 alias "the inner barrier stands"
echo "vpn: the barrier stands"

while :; do
    if [ -n "$again" ]; then
        again=
        # One transaction: when it fails the old table stands, and the health check says that it is not as wanted.
        if load && route; then
            echo "vpn: barrier and routes were loaded again"
        else
            echo "vpn: barrier or routes could not be loaded again" >&2
            rm -f /run/inner.listing
        fi
    fi
    sleep 60 &
    sleeper=$!
    # A word that came since the look above is seen here; a later one ends the sleep, by KILL, because a child that is
    # not yet the sleep loses any other signal; the shell's word about that is not for the log.
    [ -n "$again" ] || wait "$sleeper" 2>/dev/null || true
    kill -KILL "$sleeper" 2>/dev/null || true
    sleeper=
done
