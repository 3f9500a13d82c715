#!/bin/sh
# Hides the house (LAN) behind its one address, as a home router does. GATEWAY is the next hop on the internet.
# MSS is what fits through the machine to what is not of the LAB: its uplink may be narrower than our networks.
set -eu
ip route replace default via "$GATEWAY"
nft -f - <<RULES
table ip house
delete table ip house
table ip house {
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
