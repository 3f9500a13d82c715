#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# aria2's JSON-RPC at port 6800, with the secret of the file rpc. It downloads to where Transmission does.
set -eu

umask 077
printf 'rpc-secret=%s\n' "$(cat /run/secrets/rpc)" >/tmp/aria2.conf
umask 002
exec aria2c --conf-path=/tmp/aria2.conf --enable-rpc --rpc-listen-all --rpc-listen-port=6800 \
    --dir=/data/downloads/complete --async-dns=false --disable-ipv6 --console-log-level=warn
