# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invalid variables; each row changes one variable and expects one problem."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import ALL, found

OWN = {"name": "sonarr", "image": "owner/sonarr:4", "port": 8989, "published_port": 9117}
PUBLISHED = "mediaserver_extra_services.sonarr.published_port"
FROM_FILE = {"gateway_provider_config": "[Interface]", "gateway_endpoints": []}
SETTING_ROWS = [
    ("no password", {"transmission_password": ""}, "transmission_password", "not set"),
    ("no user", {"transmission_user": ""}, "transmission_user", "not set"),
    ("placeholder", {"transmission_password": "change-me-please"}, "transmission_password", "placeholder"),
    (
        "the seed's placeholder",
        {"transmission_password": "secure_password_here"},
        "transmission_password",
        "placeholder",
    ),
    ("absent disk", {"storage_uuid": "dead-beef"}, "storage_uuid", "dead-beef"),
    ("uid of root", {"mediaserver_uid": 0}, "mediaserver_uid", "not a usable uid"),
    ("name of root", {"mediaserver_user": "root"}, "mediaserver_user", "not a usable name"),
    ("relative path", {"mediaserver_root": "opt/media"}, "mediaserver_root", "not usable as a path"),
    ("path with a space", {"mediaserver_state": "/var/lib/my media"}, "mediaserver_state", "not usable"),
    ("path with ..", {"mediaserver_media": "/mnt/../etc"}, "mediaserver_media", "not usable"),
    (
        "media elsewhere",
        {"mediaserver_media": "/srv/media"},
        "mediaserver_media",
        "not below mediaserver_data",
    ),
    ("LAN not a network", {"mediaserver_lan": ["192.168.1.5/24"]}, "mediaserver_lan", "192.168.1.5/24"),
    ("LAN is the internet", {"mediaserver_lan": ["0.0.0.0/0"]}, "mediaserver_lan", "whole internet"),
    (
        "LAN is the internet in halves",
        {"mediaserver_lan": ["0.0.0.0/1", "128.0.0.0/1"]},
        "mediaserver_lan",
        "whole internet",
    ),
    (
        "LAN is the internet in quarters",
        {"mediaserver_lan": ["0.0.0.0/2", "64.0.0.0/2", "192.0.0.0/2", "128.0.0.0/2"]},
        "mediaserver_lan",
        "whole internet",
    ),
    ("LAN is half of the internet", {"mediaserver_lan": ["128.0.0.0/1"]}, "mediaserver_lan", "128.0.0.0/1 would open"),
    (
        "LAN in many small public pieces",
        {"mediaserver_lan": ["192.168.1.0/24", *(f"8.{number}.0.0/16" for number in range(0, 20, 2))]},
        "mediaserver_lan",
        "655360 addresses of the internet",
    ),
    ("LAN beside 10.0.0.0/8", {"mediaserver_lan": ["192.168.1.0/24", "10.0.0.0/7"]}, "mediaserver_lan", "16777216 add"),
    ("LAN as a text", {"mediaserver_lan": "192.168.1.0/24"}, "mediaserver_lan", "'192.168.1.0/24' is not a list"),
    ("LAN in IPv6", {"mediaserver_lan": ["fd00::/8"]}, "mediaserver_lan", "not an IPv4 network"),
    ("bind address", {"mediaserver_bind_address": "eth0"}, "mediaserver_bind_address", "not an IPv4 address"),
    (
        "port twice",
        {"mediaserver_ports": {"transmission": 8096, "jackett": 9117, "jellyfin": 8096}},
        "mediaserver_ports",
        "used twice, by transmission and jellyfin",
    ),
    ("no port", {"mediaserver_ports": {"jackett": 99999}}, "mediaserver_ports.jackett", "99999"),
    ("no number", {"mediaserver_ports": {"jackett": "web"}}, "mediaserver_ports.jackett", "'web' is not a port"),
    ("port of no service", {"mediaserver_ports": {"plex": 32400}}, "mediaserver_ports", "there is no service 'plex'"),
    ("own port taken", {"mediaserver_extra_services": [OWN | {"published_port": 22}]}, PUBLISHED, "used by sshd"),
    (
        "own port used",
        {"mediaserver_extra_services": [OWN]},
        PUBLISHED,
        f"port 9117 is used twice, by jackett and {PUBLISHED}",
    ),
    ("no such service", {"stack_services": [*ALL, "plex"]}, "stack_services", "there is no service 'plex'"),
    ("no tunnel", {"stack_services": ["vpn", "jackett"]}, "stack_services", "it lacks vpn or wireguard"),
    ("no holder", {"stack_services": []}, "stack_services", "it lacks vpn or wireguard"),
    ("a limit for no service", {"stack_memory_limits": {"plex": "1g"}}, "stack_memory_limits", "no service 'plex'"),
    ("port of ssh", {"mediaserver_ports": {"jackett": 22}}, "mediaserver_ports.jackett", "used by sshd"),
    ("no subnet", {"gateway_subnet": "172.31.254.1/24"}, "gateway_subnet", "not an IPv4 network"),
    ("subnet too small", {"gateway_subnet": "172.31.254.0/30"}, "gateway_subnet", "/16 to /29"),
    (
        "subnet on the tunnel",
        {"gateway_subnet": "10.66.0.0/24", "tunnel": {"addresses": ["10.66.0.2/32"]}},
        "gateway_subnet",
        "the tunnel's",
    ),
    (
        "the LAN's router as resolver",
        {"tunnel": {"addresses": ["10.66.0.2/32"], "dns": ["192.168.1.1"]}},
        "gateway_dns",
        "the tunnel's resolver 192.168.1.1 is inside the host's own network 192.168.1.0/24 on end0",
    ),
    (
        "the file's resolver on the LAN",
        {**FROM_FILE, "tunnel": {"dns": ["192.168.1.1"]}},
        "gateway_provider_config",
        "resolver 192.168.1.1",
    ),
    (
        "the file's address on the LAN",
        {**FROM_FILE, "tunnel": {"addresses": ["192.168.1.7/24"]}},
        "gateway_provider_config",
        "address 192.168.1.7/24",
    ),
    (
        "another resolver than the file's, on the LAN",
        {**FROM_FILE, "gateway_dns": ["192.168.1.1"], "tunnel": {"dns": ["192.168.1.1"]}},
        "gateway_dns",
        "resolver 192.168.1.1",
    ),
    ("resolver in the subnet", {"tunnel": {"dns": ["172.31.254.1"]}}, "gateway_subnet", "172.31.254.1"),
    (
        "pool on the subnet",
        {"docker_address_pools": [{"base": "172.31.0.0/16", "size": 24}]},
        "docker_address_pools",
        "gateway_subnet",
    ),
    (
        "pool on the tunnel",
        {"docker_address_pools": [{"base": "10.66.0.0/16", "size": 24}], "tunnel": {"addresses": ["10.66.0.2/32"]}},
        "docker_address_pools",
        "10.66.0.0/16 overlaps the tunnel's",
    ),
    (
        "pool without base",
        {"docker_address_pools": [{"size": 24}]},
        "docker_address_pools",
        "no IPv4 network",
    ),
    ("no provider", {"gateway_endpoints": []}, "gateway_provider_config", "neither"),
    ("both forms", {"gateway_provider_config": "[Interface]"}, "gateway_provider_config", "both"),
    (
        "unreadable file",
        {
            "gateway_provider_config": "x",
            "gateway_endpoints": [],
            "tunnel": None,
            "tunnel_faults": [
                {"variable": "gateway_provider_config", "problem": "no PrivateKey", "remedy": "Copy it again"}
            ],
        },
        "gateway_provider_config",
        "no PrivateKey",
    ),
    ("forwarded port", {"gateway_peer_port_forwarded": 70000}, "gateway_peer_port_forwarded", "70000"),
    ("forwarded word", {"gateway_peer_port_forwarded": "some"}, "gateway_peer_port_forwarded", "'some' is not a port"),
    ("forwarded non-ASCII digit", {"gateway_peer_port_forwarded": "²"}, "gateway_peer_port_forwarded", "not a port"),
    (
        "forwarded port beside NAT-PMP",
        {"gateway_peer_port_forwarded": 40000, "gateway_natpmp": True},
        "gateway_peer_port_forwarded",
        "together with gateway_natpmp",
    ),
    (
        "forwarded port of a UI",
        {"gateway_peer_port_forwarded": 9117, "gateway_ui_ports": [9091, 9117]},
        "gateway_peer_port_forwarded",
        "port 9117 is that of a web interface",
    ),
    (
        "forwarded port of a UI, as text",
        {"gateway_peer_port_forwarded": "9091", "gateway_ui_ports": [9091, 9117]},
        "gateway_peer_port_forwarded",
        "open to the internet",
    ),
]


@pytest.mark.parametrize(("settings", "variable", "words"), [pytest.param(*row[1:], id=row[0]) for row in SETTING_ROWS])
def test_invalid_variable_is_rejected(settings: dict[str, t.Any], variable: str, words: str) -> None:
    (problem,) = found(settings=settings)
    assert (problem["level"], problem["variable"]) == ("problem", variable)
    assert words in problem["problem"]
    assert problem["remedy"]
