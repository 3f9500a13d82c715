# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says and removes when a service is not in the stack any more, by Ansible's own templating."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent))

from rendered_households import value

OWN: dict[str, Any] = {
    "mediaserver_extra_services": [{"name": "bazarr", "image": "owner/bazarr:1", "namespace": "lan", "port": 6767}]
}
ACTIONS = [
    {"what": "container", "id": "mediaserver-sonarr-tv-1", "status": "Removing"},
    {"what": "container", "id": "mediaserver-bazarr-1", "status": "Recreating"},
    {"what": "container", "id": "mediaserver-vpn-1", "status": "Removing"},
    {"what": "network", "id": "mediaserver_own_x", "status": "Removing"},
]


def test_a_service_that_is_removed_is_named_with_the_folder_that_stays() -> None:
    given = {**OWN, "__stack_up": {"changed": True, "actions": ACTIONS}, "ansible_check_mode": False}
    assert value("__stack_removed", **given) == ["sonarr-tv"]
    assert value("__stack_removed_texts", **given) == [
        "Service sonarr-tv is not in the stack any more. Its container and its published port are removed. Its"
        " configuration stays in /opt/mediaserver/config/sonarr-tv, and secrets that it had in"
        " /opt/mediaserver/secrets/sonarr-tv."
    ]


def test_check_mode_predicts_from_the_containers_that_were_measured() -> None:
    rows = [
        {"name": f"{project}-{service}-1", "project": project, "service": service, "folder": "/opt/mediaserver"}
        for project, service in (("mediaserver", "vpn"), ("mediaserver", "sonarr"), ("mine", "plex"))
    ]
    (text,) = value("__stack_removed_texts", {"docker_containers": rows}, **OWN, ansible_check_mode=True)
    assert text.startswith("Service sonarr ")
    assert "would be removed" in text
    override = {"existing": ["/opt/mediaserver/compose.override.yml"], "docker_containers": rows}
    assert value("__stack_removed", override, **OWN, ansible_check_mode=True) == [], "it may be the household's own"


def test_where_compose_has_done_nothing_nothing_is_said() -> None:
    for done in ({}, {"skipped": True}, {"changed": False, "actions": []}):
        assert value("__stack_removed", **OWN, __stack_up=done) == []
    assert value("__stack_removed", **OWN) == []


def test_only_networks_of_own_services_that_are_gone_are_removed() -> None:
    networks = [
        {"name": "mediaserver_vpn", "project": "mediaserver", "bridge": "br-vpn", "subnets": []},
        {"name": "mediaserver_own_bazarr", "project": "mediaserver", "bridge": "br-own-bazarr", "subnets": []},
        {"name": "mediaserver_own_sonarr", "project": "mediaserver", "bridge": "br-own-sonarr", "subnets": []},
        {"name": "mediaserver_own_mine", "project": "", "bridge": "br-0", "subnets": []},
    ]
    assert value("__stack_networks_left", {"docker_networks": networks}, **OWN) == ["mediaserver_own_sonarr"]
    assert value("__stack_networks_left", **OWN) == []
