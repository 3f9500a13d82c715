#!/bin/sh
# Hides the house behind its one address, as a home router does.
set -eu
nft -f - <<'RULES'
table ip house
delete table ip house
table ip house {
    chain outwards {
        type nat hook postrouting priority srcnat;
        oifname "eth0" masquerade
    }
}
RULES
exec sleep infinity
