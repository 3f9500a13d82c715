# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a tunnel is dead: the cause that the same evidence always leads to, and that each code is documented."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from mediaserver._core.errors import reason
from mediaserver.monitor import causes
from mediaserver.monitor.causes import Evidence, of_dead_tunnel
from mediaserver.monitor.problems import BLOCKS_TUNNEL, HOUSEHOLD_MUST_ACT, Code, Problem

DOCUMENTED = Path(__file__).resolve().parents[3] / "docs" / "vpn-monitor.md"
SILENT = Evidence(online=True, peer="vpn.example:51820", endpoint="198.18.0.20", handshakes=False)


@pytest.mark.parametrize(
    ("found", "code", "words"),
    [
        (SILENT, Code.KEY_OR_ENDPOINT, "vpn.example:51820 has never answered a handshake. A wrong or expired key"),
        (replace(SILENT, handshakes=None), Code.KEY_OR_ENDPOINT, "PrivateKey, PublicKey, PresharedKey and Endpoint"),
        (replace(SILENT, settled=False), Code.TUNNEL_DEAD, "the tunnel carries no traffic"),
        (replace(SILENT, online=False), Code.OFFLINE, "the host has no internet"),
        (replace(SILENT, online=None), Code.KEY_OR_ENDPOINT, "wrong endpoint"),
        (replace(SILENT, trusted=True), Code.TUNNEL_DEAD, "does not answer any more"),
        (replace(SILENT, handshakes=True), Code.TUNNEL_DEAD, "answers handshakes and nothing else"),
        (replace(SILENT, endpoint=""), Code.ENDPOINT_UNRESOLVED, "vpn.example:51820 has no IPv4 address now"),
        (replace(SILENT, endpoint="", online=False), Code.OFFLINE, "no internet"),
        (replace(SILENT, endpoint="", refused="its address 192.168.1.2 is in the LAN"), Code.ENDPOINT_REFUSED, "LAN"),
        (replace(SILENT, interface=False), Code.TUNNEL_DEAD, "no wg0 in the VPN namespace"),
    ],
)
def test_the_same_evidence_has_one_cause(found: Evidence, code: Code, words: str) -> None:
    cause = of_dead_tunnel(found)
    assert cause.code is code
    assert words in cause.text


@pytest.mark.parametrize("code", sorted(BLOCKS_TUNNEL))
@pytest.mark.parametrize("online", [True, False, None])
def test_a_setting_of_the_host_comes_first(code: Code, online: bool | None) -> None:
    found = replace(SILENT, online=online, obstacles=(Problem(Code.LAN_NOT_COVERED, "x"), Problem(code, "the reason")))
    assert of_dead_tunnel(found) == Problem(code, f"{causes.DEAD}: the reason")


def test_a_run_fails_for_what_the_household_can_correct_and_for_nothing_else() -> None:
    provider_or_line = {
        Code.OFFLINE,
        Code.TUNNEL_DEAD,
        Code.RESOLVER_DEAD,
        Code.MTU,
        Code.LAN_NOT_COVERED,
        Code.TORRENTS_UNREAD,
    }
    assert BLOCKS_TUNNEL < HOUSEHOLD_MUST_ACT
    assert HOUSEHOLD_MUST_ACT & provider_or_line == set()


def test_every_code_is_documented_and_nothing_else() -> None:
    table = DOCUMENTED.read_text(encoding="utf-8").partition("## The codes")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == {str(code) for code in Code}


def test_an_error_is_reported_without_its_number() -> None:
    assert reason(OSError(19, "No such device")) == "No such device"
    assert reason(FileNotFoundError(2, "No such file or directory", "/run/x")) == "No such file or directory: /run/x"
    assert reason(ValueError("unknown")) == "unknown"
