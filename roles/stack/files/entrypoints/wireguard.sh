#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The tunnel in the holder's namespace. It exits on any failure, and Docker starts it again.
set -eu

. /entrypoints/namespace.sh

program=
again=
# First, so that no signal to reload is lost. It is handled below, when the interface exists.
trap 'again=1' HUP
trap 'ip link delete wg0 2>/dev/null; exit 0' TERM INT

configure() {
    # The health check compares this digest with the files, and so detects a signal that was lost.
    cat /gateway/tunnel.env /gateway/wg0.conf | sha256sum >/run/tunnel.loaded
    . /gateway/tunnel.env
    # Without its host route, WireGuard's packets to an endpoint would follow the default route into the tunnel. So the new
    # route is added before the endpoint is set, and the old one is removed afterwards. 77 marks the routes of this script.
    if [ -n "$ENDPOINT" ]; then
        ip route replace "$ENDPOINT/32" via "$GATEWAY" dev eth0 onlink proto 77
    else
        # syncconf keeps the endpoint of a peer that is configured without one.
        for peer in $(wg show wg0 peers); do
            wg set wg0 peer "$peer" remove
        done
    fi
    wg "$1" wg0 /gateway/wg0.conf
    for route in $(ip route show dev eth0 proto 77 | cut -d ' ' -f 1); do
        [ "${route%/32}" = "$ENDPOINT" ] || ip route del "$route" dev eth0 proto 77
    done
    ip address flush dev wg0 scope global
    for address in $ADDRESSES; do
        ip address replace "$address" dev wg0
    done
    ip link set wg0 mtu "$MTU" up
    ip route replace default dev wg0
    if [ "$IPV6" = 1 ]; then
        ip -6 route replace default dev wg0
    fi
}

until_barred wireguard
# The kernel's interface is left when the container was killed.
ip link delete wg0 2>/dev/null || true
if ip link add wg0 type wireguard 2>/dev/null; then
    echo "wireguard: uses the kernel module"
else
    # Without it, wireguard-go logs advice to use the kernel module, which is not available.
    WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 wireguard-go -f wg0 &
    program=$!
    tries=0
    until [ -e /sys/class/net/wg0 ] && wg show wg0 >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -gt 50 ] || ! kill -0 "$program" 2>/dev/null; then
            echo "wireguard: neither the kernel nor wireguard-go made wg0" >&2
            exit 1
        fi
        sleep 0.1
    done
    echo "wireguard: uses wireguard-go"
fi
configure setconf
echo "wireguard: up"

while :; do
    # A failure ends the script, and Docker starts it again.
    if [ -n "$again" ]; then
        again=
        configure syncconf
        echo "wireguard: reloaded"
    fi
    if [ -n "$program" ] && ! kill -0 "$program" 2>/dev/null; then
        echo "wireguard: wireguard-go has ended" >&2
        exit 1
    fi
    sleep 2 &
    wait $! || true
done
