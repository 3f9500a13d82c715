# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the single values of a WireGuard configuration, checked and normalised.

A refusal says what is wrong and what to do. It never repeats the value: a private key pasted into the wrong
place must not end up in a log.
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
# The only ones that a message repeats: another word there may be a secret.
SCHEMES = ("http", "https", "udp", "tcp", "wg", "wireguard")
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class Refused(ValueError):
    """A value that cannot be used."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}.")
        self.problem = problem
        self.remedy = remedy


def key_bytes(text: str) -> bytes:
    """Return the bytes of a WireGuard key (private, public or preshared)."""
    remedy = "Copy the key again, whole: 44 characters, the last one is ="
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused("the key is not base64", remedy) from None
    if len(raw) != x25519.KEY_BYTES:
        raise Refused(f"the key has {len(raw)} bytes, a WireGuard key has {x25519.KEY_BYTES}", remedy)
    if encode(raw) != text:
        raise Refused("the key's last characters cannot occur in base64 of 32 bytes", remedy)
    if not any(raw):
        raise Refused("the key is all zeros, which WireGuard takes for no key", "Put the real key there")
    return raw


def key(text: str) -> str:
    """Return the key as it is, once it is known to be one."""
    key_bytes(text)
    return text


def encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def public_key(private_key: str) -> str:
    """Return the public key that belongs to a private key, both base64, as ``wg pubkey`` does."""
    return encode(x25519.public_key(key_bytes(private_key)))


def new_private_key(random: Callable[[int], bytes] = os.urandom) -> str:
    return encode(x25519.clamp(random(x25519.KEY_BYTES)))


def new_preshared_key(random: Callable[[int], bytes] = os.urandom) -> str:
    return encode(random(x25519.KEY_BYTES))


def interface(text: str) -> Interface:
    """An address of the tunnel itself; one without a prefix stands for itself alone, as in wg-quick."""
    try:
        value = ipaddress.ip_interface(text)
    except ValueError:
        raise Refused("the address is none", "Write it as the provider gives it, like 10.66.0.2/32") from None
    _refuse_special(value.ip, "the address")
    if value.network.prefixlen == 0:
        raise Refused("the address has prefix length 0", "Write it as the provider gives it, like 10.66.0.2/32")
    return value


def resolver(text: str) -> Address | None:
    """A resolver's address, or None for a search domain (wg-quick allows both in the same place)."""
    try:
        value = ipaddress.ip_address(text)
    except ValueError:
        if _is_name(text):
            return None
        raise Refused(
            "the resolver is neither an address nor a search domain", "Write its address, like 10.66.0.1"
        ) from None
    _refuse_special(value, "the resolver")
    return value


def networks(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """AllowedIPs of IPv4 and of IPv6, joined where halves make a whole; the default route must be among them."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise Refused("an entry is no network", "Write AllowedIPs = 0.0.0.0/0") from None
    four = list(ipaddress.collapse_addresses(net for net in found if isinstance(net, ipaddress.IPv4Network)))
    six = ipaddress.collapse_addresses(net for net in found if isinstance(net, ipaddress.IPv6Network))
    if DEFAULT_ROUTE not in four:
        raise Refused(
            "there is no default route in AllowedIPs, so the peer would carry only a part of the traffic",
            "Write AllowedIPs = 0.0.0.0/0 (0.0.0.0/1 and 128.0.0.0/1 together do as well)",
        )
    return [str(net) for net in four], [str(net) for net in six]


def endpoint(text: str) -> tuple[str, int]:
    """Host and port of ``host:port``."""
    _refuse_decoration(text)
    if _is_ipv6(text) or _is_ipv6(text.rpartition(":")[0]):
        raise Refused("the endpoint is an IPv6 address", "Ask the provider for an IPv4 endpoint or a name")
    name, colon, number = text.rpartition(":")
    if not colon:
        raise Refused("the endpoint has no port", "Write host:port, like vpn.example.org:51820")
    if re.search(r":[0-9]*\Z", name):
        raise Refused("the endpoint has two ports", "Keep the provider's UDP port, like vpn.example.org:51820")
    return host(name), port(number)


def host_alone(text: str) -> str:
    """A server's address or name, given beside its port."""
    _refuse_decoration(text)
    if not _is_ipv6(text) and re.search(r":[0-9]*\Z", text):
        raise Refused("the host holds a port, and the port has a field of its own", "Write host and port apart")
    return host(text)


def _refuse_decoration(text: str) -> None:
    """Recognise an address of the web, and other forms that people write."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    if scheme:
        name = scheme[1].lower()
        shown = f"without {name}://" if name in SCHEMES else "without a scheme such as https://"
        raise Refused(f"the endpoint is written {shown}", "Write host:port, like vpn.example.org:51820")
    if "/" in text or "@" in text:
        raise Refused("the endpoint holds a path or a user name", "Write host:port alone, like vpn.example.org:51820")
    if re.search(r"[\s,;]", text):
        raise Refused("the endpoint is not one host:port", "Write host:port, like vpn.example.org:51820")


def _is_ipv6(text: str) -> bool:
    if text.startswith("["):
        return True
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def host(text: str) -> str:
    """A server's IPv4 address or name, in lower case."""
    text = text.lower().removesuffix(".")
    if ":" in text and _is_ipv6(text):
        raise Refused("the endpoint is an IPv6 address", "Ask the provider for an IPv4 endpoint or a name")
    if re.fullmatch(r"[0-9.]*", text) or re.fullmatch(r"[0-9]+", text.rpartition(".")[2]):
        try:
            address = ipaddress.IPv4Address(text)
        except ValueError:
            raise Refused("the endpoint's host is not an IPv4 address", "Write four numbers of 0 to 255") from None
        _refuse_special(address, "the endpoint")
        return text
    if not _is_name(text):
        raise Refused("the endpoint's host is not a name", "Write the server's name or IPv4 address")
    if text == "localhost" or text.endswith(".localhost"):
        raise Refused("the endpoint is this machine itself", "Write the provider's server")
    return text


def port(value: str | int) -> int:
    return _number(value, "the port", 1, 65535, "Write the server's UDP port")


def mtu(value: str | int, *, ipv6: bool) -> int:
    low = MTU_MIN_IPV6 if ipv6 else MTU_MIN
    return _number(value, "the MTU", low, MTU_MAX, "Write the provider's value, or leave it out (then 1420)")


def keepalive(value: str | int) -> int:
    """Seconds; 0 and ``off`` mean that it is off."""
    if str(value).lower() == "off":
        return 0
    return _number(value, "the keepalive", 0, 65535, f"Write {KEEPALIVE_S}, or leave it out (then the same)")


def _number(value: str | int, what: str, low: int, high: int, remedy: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise Refused(f"{what} is not a number from {low} to {high}", remedy)
    return int(text)


def _is_name(text: str) -> bool:
    return len(text) <= 253 and all(LABEL.fullmatch(label) for label in text.split("."))


def _refuse_special(address: Address, what: str) -> None:
    kinds = {
        "one with a zone": "%" in str(address),
        "unspecified": address.is_unspecified,
        "loopback": address.is_loopback,
        "multicast": address.is_multicast,
        "link-local": address.is_link_local,
        "reserved": address.is_reserved and isinstance(address, ipaddress.IPv4Address),
    }
    for kind, applies in kinds.items():
        if applies:
            raise Refused(f"{what} is {kind}, which no provider's is", "Write the one that the provider gives")
