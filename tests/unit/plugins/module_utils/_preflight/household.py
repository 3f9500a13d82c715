# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts and variables of a household without problems, and the checks of it with changes."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.household.mediaserver.plugins.filter.services import services
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.checks import find_problems

UUID = "0a3407de-014b-458b-b5c1-848e92a327a3"
FACTS: dict[str, t.Any] = {
    "architecture": "arm64",
    "machine": "aarch64",
    "os": {"id": "debian", "version_id": "13", "codename": "trixie"},
    "memory_mb": 3808,
    "filesystems": {
        "/": {"total_mb": 30000, "free_mb": 20000, "uuid": "root"},
        "/mnt": {"total_mb": 30000, "free_mb": 20000, "uuid": "root"},
    },
    "block_uuids": [UUID],
    "clock": {"synchronized": True, "year": 2026},
    "networks": [
        {"interface": "end0", "cidr": "192.168.1.0/24"},
        {"interface": "docker0", "cidr": "172.17.0.0/16"},
    ],
    "default_interface": "end0",
    "users": {"root": 0, "pi": 1000},
    "groups": {"root": 0, "pi": 1000, "docker": 990},
    "docker": {"package": "", "version": "", "compose_package": "", "compose_version": ""},
    "ports_listening": [{"port": 22, "process": "sshd", "container": "", "project": ""}],
    "timezones_known": True,
}
SETTINGS: dict[str, t.Any] = {
    "preflight_min_memory_mb": 800,
    "preflight_min_free_root_mb": 2048,
    "preflight_min_free_data_mb": 1024,
    "preflight_min_year": 2026,
    "preflight_min_docker": "26.0",
    "preflight_min_compose": "2.26.0",
    "preflight_installed": False,
    "mediaserver_user": "mediaserver",
    "mediaserver_group": "mediaserver",
    "mediaserver_uid": 2000,
    "mediaserver_gid": 2000,
    "mediaserver_root": "/opt/mediaserver",
    "mediaserver_state": "/var/lib/mediaserver",
    "mediaserver_data": "/mnt",
    "mediaserver_media": "/mnt/media",
    "mediaserver_downloads": "/mnt/downloads",
    "mediaserver_timezone": "Europe/Berlin",
    "mediaserver_lan": ["192.168.1.0/24", "10.0.0.0/8"],
    "mediaserver_bind_address": "0.0.0.0",
    "mediaserver_ports": {"transmission": 9091, "jackett": 9117, "jellyfin": 8096},
    "storage_uuid": "",
    "gateway_subnet": "172.31.254.0/24",
    "docker_address_pools": [{"base": "172.30.0.0/16", "size": 24}],
    "gateway_provider_config": "",
    "gateway_endpoints": [{"host": "203.0.113.7", "port": 51820}],
    "gateway_peer_port_forwarded": 0,
    "tunnel": {
        "addresses": ["10.66.0.2/32"],
        "dns": ["10.66.0.1"],
        "peers": [{"host": "203.0.113.7", "port": 51820}],
    },
    "transmission_user": "family",
    "transmission_password": "correct horse battery",
    "transmission_settings": {},
    "jackett_admin_password": "staple",
    "jackett_settings": {},
    "jellyfin_admin_user": "family",
    "jellyfin_admin_password": "paper clip",
    "jellyfin_libraries": [
        {"name": "Movies", "type": "movies", "paths": ["/media/movies"]},
        {"name": "Music", "type": "music", "paths": ["/media/music"]},
    ],
    "jellyfin_library_options": {"EnableRealtimeMonitor": True},
    "jellyfin_users": [{"name": "child", "password": "crayon", "libraries": ["Music"]}],
    "jellyfin_https_port": 0,
}
ALL = ["vpn", "wireguard", "transmission", "jackett", "jellyfin"]
TAKEN = {"port": 8096, "process": "jellyfin", "container": "", "project": ""}


def found(facts: dict[str, t.Any] | None = None, settings: dict[str, t.Any] | None = None) -> list[dict[str, str]]:
    """Return the problems of the household with these facts and variables replaced."""
    return find_problems({**copy.deepcopy(FACTS), **(facts or {})}, with_services({**SETTINGS, **(settings or {})}))


def with_services(settings: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the variables with those that role preflight adds: the services in their normal form."""
    project = services(settings)
    return {**settings, "preflight_services": project["services"], "preflight_registered": project["registered"]}
