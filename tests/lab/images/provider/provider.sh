#!/bin/sh
# ADDRESS and ADDRESS_IPV6 are the server's addresses in the tunnel with their prefix lengths, RESOLVER is the upstream
# resolver, PUBLIC the server's public address, FIRST_PORT the first of the ports that it forwards.
set -eu
ip link add wg0 type wireguard 2>/dev/null || WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 wireguard-go wg0
wg setconf wg0 /lab/wg0.conf
ip address add "$ADDRESS" dev wg0
ip address add "$ADDRESS_IPV6" dev wg0
ip link set wg0 up
nft -f - <<'RULES'
table ip provider
delete table ip provider
table ip provider {
    chain outwards {
        type nat hook postrouting priority srcnat;
        iifname "wg0" oifname "eth0" masquerade
    }
}
RULES
python3 /natpmp_responder.py >/var/log/natpmp 2>&1 &
exec dnsmasq --keep-in-foreground --no-hosts --no-resolv --server="$RESOLVER" --listen-address="${ADDRESS%/*}" \
    --bind-interfaces --log-queries --log-facility=/var/log/queries --user=root
