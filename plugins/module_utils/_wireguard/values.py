# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks and normalises single values of a WireGuard configuration (wg(8), wg-quick(8)). Private to the collection.

Every function raises InvalidField. Its text never contains the value: a private key that was pasted into the wrong
place must not appear in a log.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from . import x25519

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Interface: TypeAlias = "ipaddress.IPv4Interface | ipaddress.IPv6Interface"
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

KEEPALIVE_S = 25
MTU_MIN, MTU_MIN_IPV6, MTU_MAX = 576, 1280, 1500
DEFAULT_ROUTE = ipaddress.IPv4Network("0.0.0.0/0")
# Only these are repeated in a message: another word may be a secret.
SCHEMES = ("http", "https", "udp", "tcp", "wg", "wireguard")
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class InvalidField(ValueError):
    """A value that cannot be used: the problem, and the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}.")
        self.problem = problem
        self.remedy = remedy


def key_bytes(text: str) -> bytes:
    """Return the 32 bytes of a base64 key (private, public or preshared)."""
    remedy = "Copy the whole key again: 44 characters, the last one is ="
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise InvalidField("the key is not base64", remedy) from None
    if len(raw) != x25519.KEY_BYTES:
        raise InvalidField(f"the key has {len(raw)} bytes, a WireGuard key has {x25519.KEY_BYTES}", remedy)
    if encode(raw) != text:
        raise InvalidField("the key's last characters cannot occur in base64 of 32 bytes", remedy)
    if not any(raw):
        raise InvalidField("the key is all zeros, which for WireGuard means no key", "Write the real key")
    return raw


def key(text: str) -> str:
    """Return a valid base64 key unchanged."""
    key_bytes(text)
    return text


def encode(raw: bytes) -> str:
    """Return bytes in base64."""
    return base64.b64encode(raw).decode("ascii")


def public_key(private_key: str) -> str:
    """Return the public key of a private key, both base64; the same as ``wg pubkey``."""
    return encode(x25519.public_key(key_bytes(private_key)))


def new_private_key(random: Callable[[int], bytes] = os.urandom) -> str:
    """Return a new private key in base64. ``random`` returns the given number of random bytes."""
    return encode(x25519.clamp(random(x25519.KEY_BYTES)))


def new_preshared_key(random: Callable[[int], bytes] = os.urandom) -> str:
    """Return a new preshared key in base64."""
    return encode(random(x25519.KEY_BYTES))


def interface(text: str) -> Interface:
    """Parse an address of the tunnel; without prefix length it is a single host, as in wg-quick(8)."""
    try:
        value = ipaddress.ip_interface(text)
    except ValueError:
        raise InvalidField("this is not a valid IP address", "Write the provider's, like 10.66.0.2/32") from None
    _reject_special(value.ip, "the address")
    if value.network.prefixlen == 0:
        raise InvalidField("the address has prefix length 0", "Write the provider's, like 10.66.0.2/32")
    return value


def resolver(text: str) -> Address | None:
    """Parse a resolver's address; None for a search domain (wg-quick(8) allows both in DNS)."""
    try:
        value = ipaddress.ip_address(text)
    except ValueError:
        if _is_name(text):
            return None
        raise InvalidField(
            "the resolver is neither an address nor a search domain", "Write its address, like 10.66.0.1"
        ) from None
    _reject_special(value, "the resolver")
    return value


def networks(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the IPv4 and the IPv6 networks of AllowedIPs, collapsed. They must contain 0.0.0.0/0."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise InvalidField("an entry is not a network", "Write AllowedIPs = 0.0.0.0/0") from None
    four = list(ipaddress.collapse_addresses(net for net in found if isinstance(net, ipaddress.IPv4Network)))
    six = ipaddress.collapse_addresses(net for net in found if isinstance(net, ipaddress.IPv6Network))
    if DEFAULT_ROUTE not in four:
        raise InvalidField(
            "there is no default route in AllowedIPs, so the peer would carry only a part of the traffic",
            "Write AllowedIPs = 0.0.0.0/0 (or 0.0.0.0/1 and 128.0.0.0/1 together)",
        )
    return [str(net) for net in four], [str(net) for net in six]


def endpoint(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port``."""
    _reject_decoration(text)
    if _is_ipv6(text) or _is_ipv6(text.rpartition(":")[0]):
        raise InvalidField("the endpoint is an IPv6 address", "Ask the provider for an IPv4 endpoint or a name")
    name, colon, number = text.rpartition(":")
    if not colon:
        raise InvalidField("the endpoint has no port", "Write host:port, like vpn.example.org:51820")
    if re.search(r":[0-9]*\Z", name):
        raise InvalidField("the endpoint has two ports", "Keep the provider's UDP port, like vpn.example.org:51820")
    return host(name), port(number)


def host_alone(text: str) -> str:
    """Return a server's address or name, whose port has a field of its own."""
    _reject_decoration(text)
    if not _is_ipv6(text) and re.search(r":[0-9]*\Z", text):
        raise InvalidField(
            "the host contains a port, and the port has a field of its own", "Write host and port in their fields"
        )
    return host(text)


def _reject_decoration(text: str) -> None:
    """Reject URLs, paths, user names and lists."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    if scheme:
        name = scheme[1].lower()
        shown = f"without {name}://" if name in SCHEMES else "without a scheme such as https://"
        raise InvalidField(f"the endpoint is written {shown}", "Write host:port, like vpn.example.org:51820")
    if "/" in text or "@" in text:
        raise InvalidField(
            "the endpoint contains a path or a user name", "Write only host:port, like vpn.example.org:51820"
        )
    if re.search(r"[\s,;]", text):
        raise InvalidField("the endpoint is not one host:port", "Write host:port, like vpn.example.org:51820")


def _is_ipv6(text: str) -> bool:
    if text.startswith("["):
        return True
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def host(text: str) -> str:
    """Return a server's IPv4 address or name in lower case."""
    text = text.lower().removesuffix(".")
    if ":" in text and _is_ipv6(text):
        raise InvalidField("the endpoint is an IPv6 address", "Ask the provider for an IPv4 endpoint or a name")
    if re.fullmatch(r"[0-9.]*", text) or re.fullmatch(r"[0-9]+", text.rpartition(".")[2]):
        try:
            address = ipaddress.IPv4Address(text)
        except ValueError:
            raise InvalidField(
                "the endpoint's host is not an IPv4 address", "Write four numbers from 0 to 255"
            ) from None
        _reject_special(address, "the endpoint")
        return text
    if not _is_name(text):
        raise InvalidField("the endpoint's host is not a valid name", "Write the server's name or IPv4 address")
    if text == "localhost" or text.endswith(".localhost"):
        raise InvalidField("the endpoint is this host", "Write the provider's server")
    return text


def port(value: str | int) -> int:
    """Return a UDP port."""
    return _number(value, "the port", 1, 65535, "Write the server's UDP port")


def mtu(value: str | int, *, ipv6: bool) -> int:
    """Return an MTU in bytes, at least 576, or 1280 with IPv6 (RFC 8200, section 5)."""
    low = MTU_MIN_IPV6 if ipv6 else MTU_MIN
    return _number(value, "the MTU", low, MTU_MAX, "Write the provider's value, or leave it out (then 1420)")


def keepalive(value: str | int) -> int:
    """Return PersistentKeepalive in seconds; 0 for ``off``."""
    if str(value).lower() == "off":
        return 0
    return _number(value, "the keepalive", 0, 65535, f"Write {KEEPALIVE_S}, or leave it out (then {KEEPALIVE_S})")


def _number(value: str | int, what: str, low: int, high: int, remedy: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise InvalidField(f"{what} is not a number from {low} to {high}", remedy)
    return int(text)


def _is_name(text: str) -> bool:
    return len(text) <= 253 and all(LABEL.fullmatch(label) for label in text.split("."))


def _reject_special(address: Address, what: str) -> None:
    kinds = {
        "scoped to a zone": "%" in str(address),
        "unspecified": address.is_unspecified,
        "loopback": address.is_loopback,
        "multicast": address.is_multicast,
        "link-local": address.is_link_local,
        "reserved": address.is_reserved and isinstance(address, ipaddress.IPv4Address),
    }
    for kind, applies in kinds.items():
        if applies:
            raise InvalidField(f"{what} is {kind}, which a provider's never is", "Write the provider's")
