# SPDX-License-Identifier: GPL-3.0-or-later
"""Summary at the end of a run: the tunnel or the likely cause, the addresses to open, and the next step."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.filter.end_screen import end_screen

PORTS = {"Transmission": 9091, "Jackett": 9117, "Jellyfin": 8096}
WEB_INTERFACES = [{"title": title, "port": port} for title, port in PORTS.items()]
STEPS = ["add your indexers in Jackett"]
OPEN = "Open: Transmission http://192.168.1.5:9091, Jackett http://192.168.1.5:9117, Jellyfin http://192.168.1.5:8096"
UP: dict[str, Any] = {
    **{"version": 1, "up": True, "online": None, "peer": "vpn.example:51820", "endpoint": "198.18.0.20"},
    **{"must_act": False, "problems": []},
}
KEY = {"code": "key-or-endpoint", "text": "the tunnel carries no traffic: a wrong key"}
DOWN = UP | {"up": False, "online": True, "must_act": True, "problems": [KEY]}


def screen(report: dict[str, Any], user: str = "family") -> dict[str, Any]:
    return end_screen(json.dumps(report), "192.168.1.5", WEB_INTERFACES, STEPS, user)


def test_shows_server_addresses_and_next_step_while_the_tunnel_is_up() -> None:
    shown = screen(UP)
    assert not shown["must_act"]
    assert shown["lines"][:2] == ["Tunnel: up, through server vpn.example:51820 (198.18.0.20).", OPEN]
    assert shown["lines"][2] == (
        "Next: log in as family, add your indexers in Jackett, and run `make verify HOUSE=inventory/<household>` to "
        "check that no traffic bypasses the tunnel."
    )
    assert screen(UP, user="")["lines"][2].startswith("Next: add your indexers")


def test_service_that_the_household_does_not_have_is_not_named() -> None:
    shown = end_screen(json.dumps(UP), "192.168.1.5", WEB_INTERFACES[:1], [], "family")["lines"]
    assert shown[1:] == [
        "Open: Transmission http://192.168.1.5:9091",
        "Next: log in as family, and run `make verify HOUSE=inventory/<household>` to check that no traffic bypasses "
        "the tunnel.",
    ]
    assert end_screen(json.dumps(UP), "192.168.1.5", [], [])["lines"][1:] == [
        "Next: run `make verify HOUSE=inventory/<household>` to check that no traffic bypasses the tunnel."
    ]


def test_shows_jellyfin_s_https_address_when_it_is_published() -> None:
    https = {"title": "Jellyfin", "port": 8920, "scheme": "https"}
    shown = end_screen(json.dumps(UP), "192.168.1.5", [*WEB_INTERFACES, https], STEPS, "family")
    assert shown["lines"][1] == f"{OPEN}, Jellyfin https://192.168.1.5:8920"


def test_names_the_household_in_the_command_that_tests_for_leaks() -> None:
    shown = end_screen(json.dumps(UP), "192.168.1.5", WEB_INTERFACES, STEPS, household="inventory/home")
    assert "run `make verify HOUSE=inventory/home` to check" in shown["lines"][-1]


def test_cause_that_the_household_can_correct_fails_the_run() -> None:
    shown = screen(DOWN)
    assert shown["must_act"]
    assert shown["lines"] == [
        "Tunnel: NOT up. The tunnel carries no traffic: a wrong key.",
        OPEN,
        "Next: correct that and run the playbook again. Until then torrents do not run, and no traffic bypasses the "
        "tunnel.",
    ]


def test_host_without_internet_does_not_fail_the_run() -> None:
    offline = {"code": "offline", "text": "the host has no internet"}
    shown = screen(DOWN | {"must_act": False, "online": False, "problems": [offline]})
    assert not shown["must_act"]
    assert shown["lines"][0] == "Tunnel: NOT up. The host has no internet."
    assert "Next: wait. vpn-monitor retries until the tunnel is up" in shown["lines"][-1]


def test_shows_further_problems() -> None:
    lost = {"code": "mtu", "text": "set gateway_mtu: 1232"}
    assert screen(UP | {"problems": [lost]})["lines"][1] == "Also to correct: Set gateway_mtu: 1232."
    assert screen(DOWN | {"problems": [KEY, lost]})["lines"][1] == "Also to correct: Set gateway_mtu: 1232."


@pytest.mark.parametrize("text", ["", "usage: vpn-gateway", "[]", "{}"])
def test_reports_programs_of_another_version(text: str) -> None:
    shown = end_screen(text, "192.168.1.5", WEB_INTERFACES, STEPS)
    assert not shown["must_act"]
    assert shown["lines"][0].startswith("Tunnel: not checked, because the programs on this host are of another version")
    assert shown["lines"][1] == OPEN
