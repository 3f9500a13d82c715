# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's gateway program: from settings and state to what containers and barrier get."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mediaserver._core import files
from mediaserver._core.errors import GatewayError
from mediaserver.monitor import hold
from mediaserver.tunnel import command_line, configuration
from mediaserver.tunnel.configuration import Settings, State
from mediaserver.tunnel.gateway import Gateway

KEYS = {name: name * 43 + "=" for name in "abp"}
WANTED: dict[str, Any] = {
    "subnet": "172.31.254.0/24",
    "lan": ["192.168.1.0/24"],
    "ui_ports": [9091],
    "published_ports": [9091],
    "containers": ["172.30.0.0/16"],
    "forwarded_port": 0,
    "natpmp_server": "",
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
    first = configuration.next_state(settings(), State("", {}), resolve)
    assert first == State("vpn.example:51820", {"vpn.example": "198.18.0.20", "198.18.0.21": "198.18.0.21"})
    assert resolve.asked == ["vpn.example"]
    assert configuration.next_state(settings(), first, resolver({})) == first


def test_a_failover_is_not_reverted_by_a_second_run() -> None:
    failed_over = State("198.18.0.21:443", {"vpn.example": "198.18.0.20", "198.18.0.21": "198.18.0.21"})
    assert configuration.next_state(settings(), failed_over, resolver({})) == failed_over


def test_another_order_of_the_peers_keeps_the_one_in_use() -> None:
    state = State("vpn.example:51820", {"vpn.example": "198.18.0.20", "198.18.0.21": "198.18.0.21"})
    turned = settings(peers=WANTED["peers"][::-1])
    assert configuration.next_state(turned, state, resolver({})) == state
    before = configuration.container_files(settings(), state, "k")
    assert configuration.container_files(turned, state, "k") == before
    assert configuration.outer_table(turned, state) == configuration.outer_table(settings(), state)


def test_an_active_peer_that_is_gone_gives_way_to_the_first() -> None:
    state = configuration.next_state(settings(), State("gone:1", {"gone": "198.18.0.99"}), resolver({}))
    assert state.active == "vpn.example:51820"
    assert "gone" not in state.addresses


def test_a_name_that_cannot_be_resolved_opens_nothing() -> None:
    state = configuration.next_state(settings(), State("", {}), resolver({}))
    assert configuration.endpoints(settings(), state) == [("198.18.0.21", 443)]
    assert "Endpoint" not in configuration.tunnel_configuration(settings(), state, "k")
    assert configuration.container_files(settings(), state, "k")["tunnel/tunnel.env"].splitlines()[1] == "ENDPOINT=''"


def test_the_tunnel_is_configured_for_the_active_peer() -> None:
    state = State("vpn.example:51820", {"vpn.example": "198.18.0.20"})
    assert configuration.tunnel_configuration(settings(), state, "secret") == (
        "[Interface]\nPrivateKey = secret\nFwMark = 51820\n\n[Peer]\n"
        f"PublicKey = {KEYS['a']}\nPresharedKey = {KEYS['p']}\nEndpoint = 198.18.0.20:51820\n"
        "AllowedIPs = 0.0.0.0/0\nPersistentKeepalive = 25\n"
    )


def test_a_peer_s_own_keepalive_and_networks_are_used() -> None:
    own = {**WANTED["peers"][0], "keepalive": 15, "allowed_ips": ["0.0.0.0/0", "2000::/3"]}
    text = configuration.tunnel_configuration(settings(ipv6=True, peers=[own]), State("", {}), "secret")
    assert "AllowedIPs = 0.0.0.0/0, 2000::/3\nPersistentKeepalive = 15\n" in text


@pytest.mark.parametrize(("ipv6", "allowed"), [(False, "0.0.0.0/0"), (True, "0.0.0.0/0, ::/0")])
def test_one_variable_decides_on_ipv6(ipv6: bool, allowed: str) -> None:
    text = configuration.tunnel_configuration(settings(ipv6=ipv6), State("", {}), "secret")
    assert f"AllowedIPs = {allowed}\n" in text


@pytest.mark.parametrize(("configured", "used"), [(0, 1420), (1280, 1280)])
def test_the_mtu_is_the_providers_or_the_uplinks_less_the_overhead(configured: int, used: int) -> None:
    assert settings(mtu=configured).mtu == used


def test_only_the_tunnels_configuration_holds_a_secret() -> None:
    state = State("vpn.example:51820", {"vpn.example": "198.18.0.20"})
    contents = configuration.container_files(settings(), state, "secret")
    assert {path for path, text in contents.items() if "secret" in text or KEYS["p"] in text} == {"tunnel/wg0.conf"}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", pytest.param("[" * 200_000, id="nested"), json.dumps(WANTED | {"subnet": "x"})]
)
def test_settings_that_cannot_be_used_are_refused_by_name(text: str) -> None:
    with pytest.raises(GatewayError, match=r"gateway\.json cannot be used .*run the playbook again"):
        Settings.from_json(text)


@pytest.mark.parametrize("text", [None, "", "{", "[]", "3", pytest.param("[" * 200_000, id="nested")])
def test_a_corrupt_state_is_an_empty_one(text: str | None) -> None:
    assert State.from_json(text) == State("", {})


def test_the_state_survives_its_file() -> None:
    state = State("a:1", {"a": "198.18.0.20"})
    assert State.from_json(state.to_json()) == state


def test_missing_settings_name_the_file_and_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["plan"], root=tmp_path) == 1
    assert capsys.readouterr().err == (
        f"vpn-gateway: {tmp_path}/gateway/gateway.json is missing; run the playbook again\n"
    )


def test_a_file_is_replaced_whole_and_with_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "file"
    files.write(target, "one", mode=0o600)
    files.write(target, "two", mode=0o600)
    assert files.matches(target, "two", mode=0o600)
    assert not files.matches(target, "two", mode=0o644)
    assert [path.name for path in target.parent.iterdir()] == ["file"]


PEERS = [{"host": host, "port": 51820, "public_key": KEYS["a"]} for host in ("one.example", "two.example", "3.example")]
KNOWN = {"one.example": "198.18.0.1", "two.example": "198.18.0.2", "3.example": "198.18.0.3"}


@pytest.mark.parametrize(
    ("active", "unknown", "then"),
    [
        ("one.example", "", "two.example"),
        ("two.example", "", "3.example"),
        ("3.example", "", "one.example"),
        ("one.example", "two.example", "3.example"),
        ("two.example", "two.example", "one.example"),
        ("gone.example", "", "one.example"),
    ],
)
def test_a_failover_goes_round_the_peers_that_have_an_address(active: str, unknown: str, then: str) -> None:
    known = {host: address for host, address in KNOWN.items() if host != unknown}
    after = configuration.failed_over(settings(peers=PEERS), State(f"{active}:51820", known))
    assert after == State(f"{then}:51820", known)


def test_a_failover_without_any_address_changes_nothing() -> None:
    state = State("one.example:51820", {})
    assert configuration.failed_over(settings(peers=PEERS), state) == state


def test_resolving_again_asks_for_every_name_and_keeps_what_has_no_answer_now() -> None:
    resolve = resolver({"one.example": "198.18.0.91"})
    after = configuration.resolved_again(settings(peers=PEERS), State("two.example:51820", KNOWN), resolve)
    assert after == State("two.example:51820", KNOWN | {"one.example": "198.18.0.91"})
    assert resolve.asked == ["one.example", "two.example", "3.example"]


def test_resolving_again_does_not_take_an_address_in_the_lan_for_a_known_one() -> None:
    resolve = resolver({"one.example": "192.168.1.5"})
    after = configuration.resolved_again(settings(peers=PEERS), State("one.example:51820", KNOWN), resolve)
    assert after == State("one.example:51820", KNOWN)
    assert after.rejected == {"one.example": "192.168.1.5"}


NOT_PUBLIC = "not a public address"
FORBIDDEN = {
    "192.168.1.7": "in the LAN 192.168.1.0/24 (mediaserver_lan)",
    "172.31.254.1": "in the VPN namespace's own network 172.31.254.0/24 (gateway_subnet)",
    "127.0.0.1": NOT_PUBLIC,
    "127.255.0.9": NOT_PUBLIC,
    "0.0.0.0": NOT_PUBLIC,
    "0.0.0.1": NOT_PUBLIC,
    "172.30.4.1": "in a network of Docker's on this host (docker_address_pools)",
    "169.254.1.1": NOT_PUBLIC,
    "224.0.0.251": NOT_PUBLIC,
    "255.255.255.255": NOT_PUBLIC,
}


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_leads_into_the_lan_is_forbidden(address: str) -> None:
    assert configuration.forbidden(settings(), address) == FORBIDDEN[address]


@pytest.mark.parametrize("address", ["", "198.18.0.20", "192.168.2.1", "172.31.253.255", "10.9.8.7"])
def test_any_other_address_is_not(address: str) -> None:
    assert configuration.forbidden(settings(), address) == ""


@pytest.mark.parametrize("address", FORBIDDEN)
def test_a_forbidden_address_opens_nothing_whether_it_is_new_known_or_configured(address: str) -> None:
    by_number = settings(peers=[{"host": address, "port": 51820, "public_key": KEYS["a"]}, WANTED["peers"][1]])
    for wanted, known in (
        (settings(), State("", {})),
        (settings(), State("", {"vpn.example": address})),
        (by_number, State("", {})),
    ):
        state = configuration.next_state(wanted, known, resolver({"vpn.example": address}))
        assert configuration.endpoints(wanted, state) == [("198.18.0.21", 443)]
        assert address not in state.addresses.values()
        # Not to the file either.
        assert address not in state.to_json().replace(f"{address}:51820", "")
        contents = "".join(configuration.container_files(wanted, state, "k").values())
        assert f"{address}:" not in contents
        assert f"ENDPOINT='{address}'" not in contents


@dataclass
class FakeMachine:
    """Notes what it is asked, and which of the gateway's files lay there then."""

    root: Path
    stands: bool = False
    failing: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    found: dict[str, set[str]] = field(default_factory=dict)

    def barrier_stands(self, table: str) -> bool:
        assert "table inet" in table
        return self.stands

    def reload_barrier(self) -> None:
        self._note("barrier")
        self.stands = True

    def signal(self, container: str) -> None:
        self._note(container)

    def _note(self, what: str) -> None:
        self.asked.append(what)
        self.found[what] = {path.name for path in self.root.rglob("*") if path.is_file()}
        if what in self.failing:
            raise GatewayError(f"{what} does not listen")


GIVEN = {"gateway.json", "private.key"}
STATE_FILE = {"endpoints.json"}
CONTAINERS = {"inner.nft", "holder.env", "tunnel.env", "wg0.conf"}


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    files.write(tmp_path / "gateway" / "gateway.json", json.dumps(WANTED), mode=0o600)
    files.write(tmp_path / "gateway" / "private.key", "secret\n", mode=0o600)
    return FakeMachine(tmp_path)


def installed(machine: FakeMachine, answers: dict[str, str] | None = None, change: Any = None) -> Gateway:
    found = {"vpn.example": "198.18.0.20"} if answers is None else answers
    state = machine.root / "state" / "endpoints.json"
    pending_reloads = machine.root / "run" / "untold"
    return Gateway(machine.root, resolve=resolver(found), change=change, state=state, pending_reloads=pending_reloads)


def test_barriers_are_right_before_the_tunnel_reloads(machine: FakeMachine) -> None:
    done = installed(machine).apply(machine)
    assert machine.asked == ["barrier", "vpn", "wireguard"]
    assert machine.found["barrier"] == GIVEN | STATE_FILE
    assert machine.found["vpn"] == GIVEN | STATE_FILE | CONTAINERS | {"untold"}
    run, state = machine.root / "gateway" / "run", machine.root / "state"
    assert done == [
        f"file {state}/endpoints.json is written",
        "table inet mediaserver_barrier is loaded",
        f"file {run}/holder/inner.nft is written",
        f"file {run}/holder/holder.env is written",
        f"file {run}/tunnel/tunnel.env is written",
        f"file {run}/tunnel/wg0.conf is written",
    ]


def test_what_was_named_as_different_is_what_is_done_and_then_nothing_is(machine: FakeMachine) -> None:
    differences = installed(machine).differences(machine)
    assert machine.asked == []
    assert sorted(installed(machine).apply(machine)) == sorted(differences)
    assert installed(machine).differences(machine) == []
    machine.asked.clear()
    assert installed(machine).apply(machine) == []
    assert machine.asked == []


def test_a_failover_is_reported_to_the_tunnel_only(machine: FakeMachine) -> None:
    installed(machine).apply(machine)
    machine.asked.clear()
    installed(machine, change=configuration.failed_over).apply(machine)
    assert machine.asked == ["wireguard"]
    assert installed(machine).state.active == "198.18.0.21:443"


def test_a_barrier_that_cannot_be_loaded_ends_it_before_the_tunnel_changes(machine: FakeMachine) -> None:
    machine.failing = {"barrier"}
    with pytest.raises(GatewayError, match="barrier does not listen"):
        installed(machine).apply(machine)
    assert not (machine.root / "gateway" / "run").exists()
    assert machine.asked == ["barrier"]
    machine.failing = set()
    installed(machine).apply(machine)
    assert machine.asked == ["barrier", "barrier", "vpn", "wireguard"]


@pytest.mark.parametrize(
    ("failing", "first"), [("vpn", ["vpn"]), ("wireguard", ["vpn", "wireguard"])], ids=["vpn", "wireguard"]
)
def test_who_could_not_be_reported_is_reported_by_the_next_run_and_finds_its_files_meanwhile(
    machine: FakeMachine, failing: str, first: list[str]
) -> None:
    machine.stands, machine.failing = True, {failing}
    with pytest.raises(GatewayError, match=f"{failing} does not listen"):
        installed(machine).apply(machine)
    assert machine.asked == first
    # A container that starts in this moment finds all that it reads.
    assert machine.found[failing] >= GIVEN | STATE_FILE | CONTAINERS
    machine.failing, machine.asked = set(), []
    left = [f"container {name} reloads its files" for name in ("vpn", "wireguard")]
    assert installed(machine).differences(machine) == left
    assert installed(machine).apply(machine) == left
    assert machine.asked == ["vpn", "wireguard"]
    assert installed(machine).apply(machine) == []


def test_a_key_that_is_missing_is_named_and_nothing_is_written(machine: FakeMachine) -> None:
    key = machine.root / "gateway" / "private.key"
    key.unlink()
    with pytest.raises(GatewayError, match=f"{key} is missing; run the playbook again"):
        installed(machine).apply(machine)
    assert machine.asked == []
    assert not (machine.root / "state").exists()


def test_an_endpoint_in_the_lan_is_refused_with_the_reason(machine: FakeMachine) -> None:
    assert installed(machine, {"vpn.example": "192.168.1.7"}).notes() == [
        "vpn.example is not used as endpoint: its address 192.168.1.7 is in the LAN 192.168.1.0/24 (mediaserver_lan)"
    ]


def test_a_name_that_leads_into_the_lan_now_is_noted_though_its_older_address_is_used(machine: FakeMachine) -> None:
    installed(machine).apply(machine)
    inside = resolver({"vpn.example": "192.168.1.7"})
    again = installed(machine, change=lambda wanted, known: configuration.resolved_again(wanted, known, inside))
    assert again.notes() == [
        "vpn.example is used at its older address 198.18.0.20: its address 192.168.1.7 is in the LAN"
        " 192.168.1.0/24 (mediaserver_lan)"
    ]


def test_a_name_without_an_address_is_noted_and_a_good_one_is_not(machine: FakeMachine) -> None:
    assert installed(machine, {}).notes() == ["vpn.example cannot be resolved now; vpn-monitor tries again"]
    assert installed(machine).notes() == []


def test_the_server_in_use_is_named_where_it_is_not_the_first(machine: FakeMachine) -> None:
    assert installed(machine).order_note() == []
    (note,) = installed(machine, change=lambda _wanted, known: State("198.18.0.21:443", known.addresses)).order_note()
    assert note.startswith(
        "the tunnel stays with 198.18.0.21:443, which is in use; vpn.example:51820, first in the list"
    )


def test_a_file_that_is_no_text_is_a_corrupt_one(tmp_path: Path) -> None:
    (tmp_path / "endpoints.json").write_bytes(b'\xff{"active": 1}')
    assert State.from_json(files.read(tmp_path / "endpoints.json")) == State("", {})


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, '{"addresses": {"vpn.example": "nowhere"}}', "\ufffd\0"])
def test_a_state_that_cannot_be_read_is_noted_and_made_again(machine: FakeMachine, text: str) -> None:
    first = installed(machine)
    files.write(first.state_path, text, mode=0o600)
    again = installed(machine)
    assert again.notes() == [f"{first.state_path} could not be read, and is replaced"]
    assert again.state == first.state
    again.apply(machine)
    assert installed(machine).notes() == []


def test_a_run_that_was_aborted_while_holding_is_followed_by_another(tmp_path: Path) -> None:
    """Its hold neither keeps the next one from holding, nor outlives its own end."""
    path = tmp_path / "hold"
    hold.take("ansible", 600, 1000.0, path)
    assert (found := hold.read(1599.0, path)) and found.valid
    assert (found := hold.read(1600.0, path)) and (found.valid, found.why) == (False, "by ansible has expired")
    hold.take("ansible", 600, 1100.0, path)
    assert (found := hold.read(1650.0, path)) and found.valid


def test_a_file_of_an_earlier_version_lets_no_container_in() -> None:
    earlier = {key: value for key, value in WANTED.items() if key != "containers"}
    assert Settings.from_json(json.dumps(earlier)).containers == ()


def test_the_outer_barrier_knows_docker_s_networks() -> None:
    table = configuration.outer_table(settings(), State("", {}))
    assert "elements = { 172.30.0.0/16 }" in table
