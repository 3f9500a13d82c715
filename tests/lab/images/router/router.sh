#!/bin/sh
# Masquerades the LAN behind one public address, as a home router does. GATEWAY is the next hop on the internet.
# MSS is for connections to hosts outside of the LAB: the machine's uplink may have a smaller MTU than the lab's networks.
set -eu
ip route replace default via "$GATEWAY"
nft -f - <<RULES
table ip household
delete table ip household
table ip household {
    chain outwards {
        type nat hook postrouting priority srcnat;
        ip saddr $LAN ip daddr != $LAN masquerade
    }
    chain narrow {
        type filter hook forward priority mangle;
        ip saddr $LAB ip daddr $LAB accept
        tcp flags syn tcp option maxseg size > $MSS tcp option maxseg size set $MSS
    }
}
RULES
exec sleep infinity
