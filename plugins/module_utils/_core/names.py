# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Names and numbers that several parts of the collection must agree on.

Files that cannot import this (YAML, templates, units, shell) are held to it by tests/unit/test_names.py.
"""

from __future__ import annotations

from pathlib import Path

# The compose project, and those of its services that the programs on the host treat by name.
PROJECT = "mediaserver"
HOLDER = "vpn"  # owns the VPN namespace
TUNNEL = "wireguard"
TRANSMISSION = "transmission"
JELLYFIN = "jellyfin"
# Those that control Docker, and the filter between them and its socket.
AUTOHEAL, WATCHTOWER, SOCKET_PROXY = "autoheal", "watchtower", "socket-proxy"
DOCKER_SERVICES = (AUTOHEAL, WATCHTOWER, SOCKET_PROXY)
# A household's additions to the compose file, in the order in which compose looks for them; it takes the first.
# Source: https://docs.docker.com/compose/how-tos/multiple-compose-files/merge/.
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)

# Interfaces: the bridges on the host, and those inside the VPN namespace.
VPN_BRIDGE = "br-vpn"
JELLYFIN_BRIDGE = "br-jellyfin"
OWN_BRIDGE_PREFIX = "br-own-"  # and the name of an own service outside the VPN
TUNNEL_DEVICE = "wg0"
UPLINK = "eth0"

# nftables tables, family inet: on the host and in the VPN namespace.
OUTER_TABLE = "mediaserver_barrier"
INNER_TABLE = "mediaserver_inner"
# The firewall mark that WireGuard puts on its own packets.
WIREGUARD_MARK = 51820

TRANSMISSION_PORT = 9091
JELLYFIN_PORT = 8096
TRANSMISSION_URL = f"http://127.0.0.1:{TRANSMISSION_PORT}/transmission/rpc"

# systemd's units.
BARRIER_UNIT = "mediaserver-barrier.service"
KEEPER_UNIT = "mediaserver-barrier-keeper.service"
MONITOR_UNIT = "vpn-monitor.service"
STACK_UNIT = "mediaserver.service"
DOCKER_UNIT = "docker.service"
IMPORT_UNIT = "mediaserver-import.service"
IMPORT_PATH_UNIT = "mediaserver-import.path"
IMPORT_TIMER_UNIT = "mediaserver-import.timer"
DISCOVERY_UNIT = "mediaserver-discovery.service"
UPDATES_UNIT = "mediaserver-updates.service"
# The name of the health check's lines in the journal; cron starts it, so it has no unit.
HEALTH_IDENTIFIER = "mediaserver-health"
# The same of the backup.
BACKUP_IDENTIFIER = "mediaserver-backup"

# Files of the programs on the host: in /run they end with the boot.
RUN = Path("/run/mediaserver")
# Of site.yml, backup, restore and upgrade: one of them at a time.
JOB_LOCK = RUN / "lock"
GATEWAY_LOCK = RUN / "gateway.lock"
KEEPER_LOCK = RUN / "keeper.lock"
MONITOR_LOCK = RUN / "vpn-monitor.lock"
VERIFY_LOCK = RUN / "verify.lock"
LOADED_BARRIER = RUN / "barrier.json"
PENDING_RELOADS = RUN / "untold"  # the containers that have not been made to read their new files yet
HOLD = RUN / "hold"
LEASE = RUN / "forwarded.json"
MONITOR_STATE = RUN / "monitor.json"
STATE_FILE = RUN / "vpn.json"
ENDPOINTS = Path("/var/lib/mediaserver/vpn/endpoints.json")

# Exit code of "jellyfin-unlock --ask" where a migration has locked the database.
JELLYFIN_LOCKED = 3
