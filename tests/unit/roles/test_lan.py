# SPDX-License-Identifier: GPL-3.0-or-later
"""mediaserver_lan and the published ports, as the roles pass them to the outer barrier and to Jellyfin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

sys.path.append(str(Path(__file__).resolve().parents[2] / "doubles"))

from jellyfin_double.network import lets_in

ROLES = Path(__file__).resolve().parents[3] / "roles"
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
ALL = ["vpn", "wireguard", "transmission", "jackett", "jellyfin"]


def value(name: str, role: str, **given: Any) -> Any:
    known: dict[str, Any] = {}
    for path in ("mediaserver/defaults", "mediaserver/vars", f"{role}/defaults", f"{role}/vars"):
        known |= DataLoader().load_from_file(str(ROLES / path / "main.yml"), trusted_as_template=True)
    return Templar(DataLoader(), variables={**known, "stack_services": ALL, **given}).template(
        trust_as_template(f"{{{{ {name} }}}}")
    )


@pytest.mark.parametrize(
    ("given", "ports"),
    [
        ({}, [8096, 9091, 9117]),
        ({"jellyfin_https_port": 8920}, [8096, 8920, 9091, 9117]),
        ({"stack_services": ALL, "jellyfin_https_port": "443"}, [443, 8096, 9091, 9117]),
        ({"stack_services": ["vpn", "wireguard", "transmission"], "jellyfin_https_port": 8920}, [9091]),
        ({"mediaserver_ports": {"transmission": 1, "jackett": "2", "jellyfin": 3}}, [1, 2, 3]),
    ],
    ids=["by default", "with https", "https as text", "a stack without Jellyfin", "other ports"],
)
def test_filters_every_published_port_of_the_stack_and_no_other(given: dict[str, Any], ports: list[int]) -> None:
    assert value("__gateway_published", "gateway", **given) == ports


def test_containers_of_the_host_are_in_docker_s_pools() -> None:
    docker = yaml.safe_load((ROLES / "docker/defaults/main.yml").read_text(encoding="utf-8"))["docker_address_pools"]
    assert value("__gateway_settings.containers", "gateway") == [pool["base"] for pool in docker]
    own = [{"base": "10.9.0.0/16", "size": 24}]
    assert value("__gateway_settings.containers", "gateway", docker_address_pools=own) == ["10.9.0.0/16"]


@pytest.mark.parametrize(
    ("lan", "client", "let_in"),
    [
        (PRIVATE, "100.64.0.7", False),
        ([*PRIVATE, "100.64.0.0/10"], "100.64.0.7", True),
        (["192.168.1.0/24", "100.64.0.0/10"], "100.64.0.7", True),
        (["192.168.1.0/24", "100.64.0.0/10"], "172.30.0.1", True),
        (["192.168.1.0/24", "100.64.0.0/10"], "192.168.1.20", True),
        (["192.168.1.0/24", "100.64.0.0/10"], "203.0.113.7", False),
        (["172.32.0.0/16"], "172.32.0.9", True),
    ],
)
def test_jellyfin_treats_each_network_of_the_list_as_local(lan: list[str], client: str, let_in: bool) -> None:
    """By its own rule, without remote access. The host's programs connect through Docker's proxy."""
    found = value("__jellyfin_local_networks", "jellyfin", mediaserver_lan=lan)
    assert lets_in(client, {"EnableRemoteAccess": False, "LocalNetworkSubnets": [], **found}) is let_in


def test_private_networks_do_not_change_jellyfin_s_setting() -> None:
    assert value("__jellyfin_local_networks", "jellyfin", mediaserver_lan=PRIVATE) == {}


def test_vpn_monitor_s_address_of_transmission_is_the_gateway_s_default_without_the_role() -> None:
    default = yaml.safe_load((ROLES / "gateway/defaults/main.yml").read_text(encoding="utf-8"))["gateway_subnet"]
    assert value("__transmission_access_url", "transmission") == value(
        "__transmission_access_url", "transmission", gateway_subnet=default
    )


def test_the_example_does_not_narrow_the_list() -> None:
    example = ROLES.parent / "inventory" / "example" / "host_vars" / "livingroom" / "main.yml"
    assert "mediaserver_lan" not in yaml.safe_load(example.read_text(encoding="utf-8"))
