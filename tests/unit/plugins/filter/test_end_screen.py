# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run: the tunnel or its likely cause, the addresses to open, and the next step; on one screen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.filter.end_screen import end_screen

PORTS = {"Transmission": 9091, "Jackett": 9117, "Jellyfin": 8096}
PAGES = [{"title": title, "port": port} for title, port in PORTS.items()]
STEPS = ["add your indexers in Jackett"]
OPEN = "Open: Transmission http://192.168.1.5:9091, Jackett http://192.168.1.5:9117, Jellyfin http://192.168.1.5:8096"
UP: dict[str, Any] = {
    **{"version": 1, "up": True, "online": None, "peer": "vpn.example:51820", "endpoint": "198.18.0.20"},
    **{"must_act": False, "problems": []},
}
KEY = {"code": "key-or-endpoint", "text": "the tunnel does not carry: a wrong key"}
DOWN = UP | {"up": False, "online": True, "must_act": True, "problems": [KEY]}


def screen(report: dict[str, Any], user: str = "family") -> dict[str, Any]:
    return end_screen(json.dumps(report), "192.168.1.5", PAGES, STEPS, user)


def test_a_tunnel_that_is_up_is_told_with_its_server_the_addresses_and_the_next_step() -> None:
    shown = screen(UP)
    assert not shown["must_act"]
    assert shown["lines"][:2] == ["Tunnel: up, through server vpn.example:51820 (198.18.0.20).", OPEN]
    assert shown["lines"][2].startswith(
        "Next: log in as family, add your indexers in Jackett, and run playbooks/verify"
    )
    assert screen(UP, user="")["lines"][2].startswith("Next: add your indexers")


def test_a_service_that_the_household_does_not_have_is_not_named() -> None:
    shown = end_screen(json.dumps(UP), "192.168.1.5", PAGES[:1], [], "family")["lines"]
    assert shown[1:] == [
        "Open: Transmission http://192.168.1.5:9091",
        "Next: log in as family, and run playbooks/verify.yml to see that nothing leaves past the tunnel.",
    ]
    assert end_screen(json.dumps(UP), "192.168.1.5", [], [])["lines"][1:] == [
        "Next: run playbooks/verify.yml to see that nothing leaves past the tunnel."
    ]


def test_a_cause_that_the_household_can_correct_fails_the_run() -> None:
    shown = screen(DOWN)
    assert shown["must_act"]
    assert shown["lines"] == [
        "Tunnel: NOT up. The tunnel does not carry: a wrong key.",
        OPEN,
        "Next: correct that and run the playbook again. Until then torrents stand still, and nothing leaves past the "
        "tunnel.",
    ]


def test_a_host_without_internet_is_a_warning() -> None:
    offline = {"code": "offline", "text": "the host has no internet"}
    shown = screen(DOWN | {"must_act": False, "online": False, "problems": [offline]})
    assert not shown["must_act"]
    assert shown["lines"][0] == "Tunnel: NOT up. The host has no internet."
    assert "vpn-monitor goes on trying" in shown["lines"][-1]


def test_what_else_is_wrong_is_told_too() -> None:
    lost = {"code": "mtu", "text": "set gateway_mtu: 1232"}
    assert screen(UP | {"problems": [lost]})["lines"][1] == "Also to be put right: Set gateway_mtu: 1232."
    assert screen(DOWN | {"problems": [KEY, lost]})["lines"][1] == "Also to be put right: Set gateway_mtu: 1232."


@pytest.mark.parametrize("text", ["", "usage: vpn-gateway", "[]", "{}"])
def test_programs_of_another_version_are_said_to_be_so(text: str) -> None:
    shown = end_screen(text, "192.168.1.5", PAGES, STEPS)
    assert not shown["must_act"]
    assert shown["lines"][0].startswith("Tunnel: not checked, because the programs on this host are of another version")
    assert shown["lines"][1] == OPEN
