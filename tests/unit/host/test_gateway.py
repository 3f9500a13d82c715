"""The host's gateway program: from settings and state to what containers and barrier get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mediaserver import files, gateway, tunnel
from mediaserver.tunnel import GatewayError, Settings, State

KEYS = {name: name * 43 + "=" for name in "abp"}
WANTED: dict[str, Any] = {
    "subnet": "172.31.254.0/24",
    "lan": ["192.168.1.0/24"],
    "ui_ports": [9091],
    "forwarded_port": 0,
    "ipv6": False,
    "mtu": 0,
    "addresses": ["10.66.0.11/32"],
    "resolvers": ["10.66.0.1"],
    "peers": [
        {"host": "vpn.example", "port": 51820, "public_key": KEYS["a"], "preshared_key": KEYS["p"]},
        {"host": "198.18.0.21", "port": 443, "public_key": KEYS["b"]},
    ],
}


def settings(**changes: Any) -> Settings:
    return Settings.from_json(json.dumps(WANTED | changes))


def resolver(answers: dict[str, str]) -> Any:
    asked: list[str] = []

    def resolve(host: str) -> str | None:
        asked.append(host)
        return answers.get(host)

    resolve.asked = asked  # type: ignore[attr-defined]
    return resolve


def test_a_new_name_is_resolved_and_a_known_one_is_not() -> None:
    resolve = resolver({"vpn.example": "198.18.0.20"})
    first = tunnel.next_state(settings(), State("", {}), resolve)
    assert first == State("vpn.example:51820", {"vpn.example": "198.18.0.20", "198.18.0.21": "198.18.0.21"})
    assert resolve.asked == ["vpn.example"]
    assert tunnel.next_state(settings(), first, resolver({})) == first


def test_a_failover_is_not_reverted_by_a_second_run() -> None:
    failed_over = State("198.18.0.21:443", {"vpn.example": "198.18.0.20", "198.18.0.21": "198.18.0.21"})
    assert tunnel.next_state(settings(), failed_over, resolver({})) == failed_over


def test_an_active_peer_that_is_gone_gives_way_to_the_first() -> None:
    state = tunnel.next_state(settings(), State("gone:1", {"gone": "198.18.0.99"}), resolver({}))
    assert state.active == "vpn.example:51820"
    assert "gone" not in state.addresses


def test_a_name_that_cannot_be_resolved_opens_nothing() -> None:
    state = tunnel.next_state(settings(), State("", {}), resolver({}))
    assert tunnel.endpoints(settings(), state) == [("198.18.0.21", 443)]
    assert "Endpoint" not in tunnel.tunnel_configuration(settings(), state, "k")
    assert tunnel.container_files(settings(), state, "k")["tunnel/tunnel.env"].splitlines()[1] == "ENDPOINT=''"


def test_the_tunnel_is_configured_for_the_active_peer() -> None:
    state = State("vpn.example:51820", {"vpn.example": "198.18.0.20"})
    assert tunnel.tunnel_configuration(settings(), state, "secret") == (
        "[Interface]\nPrivateKey = secret\nFwMark = 51820\n\n[Peer]\n"
        f"PublicKey = {KEYS['a']}\nPresharedKey = {KEYS['p']}\nEndpoint = 198.18.0.20:51820\n"
        "AllowedIPs = 0.0.0.0/0\nPersistentKeepalive = 25\n"
    )


@pytest.mark.parametrize(("ipv6", "allowed"), [(False, "0.0.0.0/0"), (True, "0.0.0.0/0, ::/0")])
def test_one_variable_decides_on_ipv6(ipv6: bool, allowed: str) -> None:
    text = tunnel.tunnel_configuration(settings(ipv6=ipv6), State("", {}), "secret")
    assert f"AllowedIPs = {allowed}\n" in text


@pytest.mark.parametrize(("configured", "used"), [(0, 1420), (1280, 1280)])
def test_the_mtu_is_the_providers_or_the_uplinks_less_the_overhead(configured: int, used: int) -> None:
    assert settings(mtu=configured).mtu == used


def test_only_the_tunnels_configuration_holds_a_secret() -> None:
    state = State("vpn.example:51820", {"vpn.example": "198.18.0.20"})
    contents = tunnel.container_files(settings(), state, "secret")
    assert {path for path, text in contents.items() if "secret" in text or KEYS["p"] in text} == {"tunnel/wg0.conf"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps(WANTED | {"subnet": "x"})])
def test_settings_that_cannot_be_used_are_refused_by_name(text: str) -> None:
    with pytest.raises(GatewayError, match=r"gateway\.json cannot be used .*run the playbook again"):
        Settings.from_json(text)


@pytest.mark.parametrize("text", [None, "", "{", "[]", "3"])
def test_a_corrupt_state_is_an_empty_one(text: str | None) -> None:
    assert State.from_json(text) == State("", {})


def test_the_state_survives_its_file() -> None:
    state = State("a:1", {"a": "198.18.0.20"})
    assert State.from_json(state.to_json()) == state


def test_missing_settings_name_the_file_and_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway.main(["plan"], root=tmp_path) == 1
    assert capsys.readouterr().err == (
        f"vpn-gateway: {tmp_path}/gateway/gateway.json is missing; run the playbook again\n"
    )


def test_a_file_is_replaced_whole_and_with_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "file"
    files.write(target, "one", mode=0o600)
    files.write(target, "two", mode=0o600)
    assert files.stands(target, "two", mode=0o600)
    assert not files.stands(target, "two", mode=0o644)
    assert [path.name for path in target.parent.iterdir()] == ["file"]
