#!/usr/bin/env bash
# ADDRESS is this host's address, RESOLVER the public resolver's; /lab is shared with the machine.
set -eu
ip address add "$RESOLVER/24" dev eth0

# /lab/hosts: names that tests create and change, as files in the format of hosts(5). The root zone has a name server,
# a.lab (type 2, NS), because vpn-monitor queries it to find out whether the host is online.
mkdir -p /lab/hosts
dnsmasq --keep-in-foreground --no-hosts --hostsdir=/lab/hosts --no-resolv --local-ttl=0 --local=/test/ --server=127.0.0.11 --listen-address="$RESOLVER" \
    --dns-rr=.,2,0161036c616200 --bind-interfaces --address="/tracker.lab/$ADDRESS" --address="/address.lab/$ADDRESS" \
    --log-queries --log-facility=/var/log/queries --user=root &

python3 /pages.py >/var/log/pages 2>&1 &

mkdir -p /lab/seed /srv/seeder
if [ ! -s /lab/film.torrent ]; then
    head --bytes=4000000 /dev/urandom >/lab/seed/household-demo-film.mkv
    sha256sum </lab/seed/household-demo-film.mkv | cut -d ' ' -f 1 >/lab/film.sha256
    transmission-create --tracker "http://$ADDRESS:6969/announce" --outfile /lab/film.torrent \
        /lab/seed/household-demo-film.mkv
    chmod 0644 /lab/film.torrent
fi
# Debian's opentracker serves only torrents on its whitelist.
transmission-show /lab/film.torrent | sed -n 's/^ *Hash v1: //p' >/lab/film.hash.new
mv /lab/film.hash.new /lab/film.hash
cp /lab/film.hash /srv/whitelist
opentracker -i "$ADDRESS" -p 6969 -u nobody -d /srv -w /whitelist >/var/log/tracker 2>&1 &

cat >/srv/seeder/settings.json <<'SETTINGS'
{"dht-enabled": false, "lpd-enabled": false, "pex-enabled": false, "port-forwarding-enabled": false,
 "rpc-whitelist-enabled": false, "download-dir": "/lab/seed", "ratio-limit-enabled": false, "peer-port": 51413}
SETTINGS
transmission-daemon --foreground --config-dir /srv/seeder >/var/log/seeder 2>&1 &
until transmission-remote 127.0.0.1 --add /lab/film.torrent >/dev/null 2>&1; do sleep 0.2; done

# The container ends with the first process that ends, so that it never runs incomplete.
wait -n
