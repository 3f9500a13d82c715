#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# lighttpd at port 8080: the library as files, and below /jsonrpc the service aria2, which is in the VPN namespace.
set -eu

cat >/tmp/lighttpd.conf <<'END'
server.port = 8080
server.document-root = "/data/media"
server.modules = ("mod_proxy")
$HTTP["url"] == "/jsonrpc" {
    proxy.server = ("" => (("host" => "aria2", "port" => 6800)))
}
END
exec lighttpd -D -f /tmp/lighttpd.conf
