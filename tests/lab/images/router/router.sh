#!/bin/sh
# Hides the house (LAN) behind its one address, as a home router does. GATEWAY is the next hop on the internet.
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
}
RULES
exec sleep infinity
