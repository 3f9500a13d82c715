# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the description of a tunnel into normal form. Private to the collection.

``from_conf`` reads a provider's ``.conf`` (wg-quick(8)), ``from_fields`` single fields. Both apply the same rules and
return the dictionary that the filter wireguard_config documents.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from . import conf, values
from .draft import (
    ConfigurationError,
    Draft,
    PeerDraft,
    Place,
    Value,
)

Checked = TypeVar("Checked")
PEER_FIELDS = {"host", "port", "public_key", "preshared_key"}
DEFAULT_PORT = 51820


def from_conf(text: str, *, ipv6: bool = False, dns: Sequence[str] = (), mtu: int = 0) -> dict[str, Any]:
    """Return the normal form of a provider's ``.conf``; ``dns`` and ``mtu`` (bytes, 0 for none) replace its own.

    Raises ConfigurationError with all faults.
    """
    draft = conf.parse(text)
    if dns:
        _replace(draft, "dns", _listed(dns, "gateway_dns"))
    if mtu:
        _replace(draft, "mtu", [Value(str(mtu), Place("gateway_mtu"))])
    return _normal(draft, ipv6=ipv6, dns_remedy="Set gateway_dns to the provider's resolver")


def _replace(draft: Draft, name: str, wanted: list[Value]) -> None:
    """Replace a setting of the file by a variable's values, with a note for each line that is not used."""
    variable = wanted[0].place.variable.partition("[")[0]
    texts = {value.text for value in wanted}
    for place in dict.fromkeys(value.place for value in draft.settings.get(name, []) if value.text not in texts):
        draft.notes.append(f"{place}: {place.label} is not used: {variable} replaces it")
    draft.settings[name] = wanted


def from_fields(
    endpoints: Sequence[Mapping[str, Any]],
    *,
    private_key: str = "",
    addresses: Sequence[str] = (),
    dns: Sequence[str] = (),
    mtu: int = 0,
    ipv6: bool = False,
) -> dict[str, Any]:
    """Return the normal form of single fields, with an empty ``private_key`` when it is generated on the host.

    Raises ConfigurationError with all faults.
    """
    draft = Draft(Place("gateway_endpoints"), interface=Place("gateway_addresses"), generated_key=True)
    if private_key:
        draft.settings["privatekey"] = [Value(str(private_key).strip(), Place("gateway_private_key"))]
    draft.settings["address"] = _listed(addresses, "gateway_addresses")
    draft.settings["dns"] = _listed(dns, "gateway_dns")
    if mtu:
        draft.settings["mtu"] = [Value(str(mtu), Place("gateway_mtu"))]
    for number, entry in enumerate(endpoints):
        try:
            draft.peers.append(_peer_from_fields(entry, number))
        except ConfigurationError as error:
            draft.faults.append(error)
            draft.incomplete = True
    return _normal(draft, ipv6=ipv6, dns_remedy="List the provider's resolver there", dns_place=Place("gateway_dns"))


def _listed(texts: Sequence[str], variable: str) -> list[Value]:
    entries = [texts] if isinstance(texts, str) else texts
    return [Value(str(text).strip(), Place(f"{variable}[{number}]")) for number, text in enumerate(entries)]


def _peer_from_fields(entry: Mapping[str, Any], number: int) -> PeerDraft:
    place = Place(f"gateway_endpoints[{number}]")
    if not isinstance(entry, Mapping) or not set(entry) <= PEER_FIELDS:
        raise ConfigurationError(
            place,
            "this is not a mapping with only host, port, public_key and preshared_key",
            "Correct the entry",
        )
    given = {key: str(value).strip() for key, value in entry.items() if value is not None and value != ""}
    given.setdefault("port", str(DEFAULT_PORT))
    peer = PeerDraft(place)
    for key, text in given.items():
        peer.settings[key.replace("_", "")] = [Value(text, Place(f"{place}.{key}"))]
    peer.settings["allowedips"] = [Value("0.0.0.0/0", place), Value("::/0", place)]
    return peer


def _normal(draft: Draft, *, ipv6: bool, dns_remedy: str, dns_place: Place | None = None) -> dict[str, Any]:
    section = draft.interface or draft.place
    private_key = _single(draft, draft.settings, "privatekey", values.key)
    if not draft.generated_key and "privatekey" not in {*draft.settings, *draft.invalid} and draft.interface:
        draft.faults.append(ConfigurationError(section, "[Interface] has no PrivateKey", "Copy the whole .conf again"))
    addresses = _addresses(draft, section, ipv6=ipv6)
    dns = _dns(draft, dns_place or section, ipv6=ipv6, remedy=dns_remedy)
    mtu = _single(draft, draft.settings, "mtu", lambda text: values.mtu(text, ipv6=ipv6))
    if not draft.peers and not draft.incomplete:
        draft.faults.append(
            ConfigurationError(draft.place, "there is no server to connect to", "Add a [Peer] or an endpoint")
        )
    own = {private_key, values.public_key(private_key)} if private_key else set()
    inside_ipv6 = ipv6 and any(":" in address for address in addresses)
    peers = [_peer(draft, peer, own, ipv6=ipv6, inside_ipv6=inside_ipv6) for peer in draft.peers]
    kept = [] if draft.faults else _without_duplicates(draft, peers)
    draft.raise_faults()
    return {
        "private_key": private_key or "",
        "addresses": addresses,
        "dns": dns,
        "mtu": mtu,
        "peers": kept,
        "notes": draft.notes,
    }


def _addresses(draft: Draft, section: Place, *, ipv6: bool) -> list[str]:
    given = draft.settings.get("address", [])
    found = [(address, value.place) for value in given for address in _check(draft, value, values.interface)]
    kept = _ipv4_first(draft, found, "address", ipv6=ipv6)
    faulty = len(found) < len(given) or "address" in draft.invalid or not draft.interface
    if not faulty and not any(isinstance(address, ipaddress.IPv4Interface) for address in kept):
        draft.faults.append(
            ConfigurationError(
                section,
                "the tunnel has no IPv4 address",
                "Give the provider's Address; an IPv6 address alone is not enough",
            )
        )
    return list(dict.fromkeys(str(address) for address in kept))


def _dns(draft: Draft, section: Place, *, ipv6: bool, remedy: str) -> list[str]:
    found: list[tuple[values.Address, Place]] = []
    faulty = not draft.interface
    for value in draft.settings.get("dns", []):
        checked = _check(draft, value, values.resolver)
        faulty = faulty or not checked
        for address in checked:
            if address is None:
                draft.notes.append(
                    f"{value.place}: the search domain is not used: no service in the VPN namespace needs it"
                )
            else:
                found.append((address, value.place))
    kept = _ipv4_first(draft, found, "resolver", ipv6=ipv6)
    if not kept and not faulty:
        place = draft.settings["dns"][0].place if draft.settings.get("dns") else section
        draft.faults.append(
            ConfigurationError(
                place,
                "no resolver is given that can be queried through the tunnel, and no DNS query may bypass it"
                + ("" if ipv6 else " (IPv6 resolvers do not count while mediaserver_ipv6 is off)"),
                remedy,
            )
        )
    return list(dict.fromkeys(str(address) for address in kept))


def _ipv4_first(draft: Draft, found: list[tuple[Any, Place]], what: str, *, ipv6: bool) -> list[Any]:
    """Return the IPv4 items, then the IPv6 items. While IPv6 is off, these are dropped with a note."""
    six = [(item, place) for item, place in found if item.version == 6]
    if not ipv6:
        draft.notes += [f"{place}: {what} {item} is dropped: mediaserver_ipv6 is off" for item, place in six]
    return [item for item, _place in found if item.version == 4] + ([item for item, _place in six] if ipv6 else [])


def _peer(draft: Draft, peer: PeerDraft, own: set[str], *, ipv6: bool, inside_ipv6: bool) -> dict[str, Any]:
    given = peer.settings
    public_key = _single(draft, given, "publickey", values.key)
    if "publickey" not in {*given, *peer.invalid}:
        draft.faults.append(
            ConfigurationError(peer.place, "the peer has no public key", "Add the server's, or copy the .conf again")
        )
    if public_key in own:
        draft.faults.append(
            ConfigurationError(
                given["publickey"][0].place,
                "this is the tunnel's own key",
                "Write the server's public key",
            )
        )
    host, port = _endpoint(draft, peer)
    return {
        "public_key": public_key,
        "preshared_key": _single(draft, given, "presharedkey", values.key),
        "host": host,
        "port": port,
        "allowed_ips": _allowed_ips(draft, peer, ipv6=ipv6, inside_ipv6=inside_ipv6),
        "keepalive": _keepalive(draft, peer),
    }


def _endpoint(draft: Draft, peer: PeerDraft) -> tuple[str, int]:
    if "endpoint" in peer.settings:
        return next(iter(_check(draft, peer.settings["endpoint"][0], values.endpoint)), ("", 0))
    host = _single(draft, peer.settings, "host", values.host_alone)
    port = _single(draft, peer.settings, "port", values.port)
    if "endpoint" not in peer.invalid and not {"host", "port"} <= set(peer.settings):
        draft.faults.append(
            ConfigurationError(
                peer.place,
                "the peer has no endpoint, so there is no server to connect to",
                "Add the server's host and port",
            )
        )
    return host or "", port or 0


def _allowed_ips(draft: Draft, peer: PeerDraft, *, ipv6: bool, inside_ipv6: bool) -> list[str]:
    given = peer.settings.get("allowedips", [])
    whole = Value("", given[0].place if given else peer.place)
    found = _check(draft, whole, lambda _text: values.networks([value.text for value in given]))
    four, six = found[0] if found else ([], [])
    # Single fields have no AllowedIPs, so no label.
    if six and not ipv6 and whole.place.label:
        draft.notes.append(f"{whole.place}: AllowedIPs {', '.join(six)} is dropped: mediaserver_ipv6 is off")
    elif four and inside_ipv6 and "::/0" not in six:
        draft.notes.append(
            f"{whole.place}: AllowedIPs has no ::/0, so this server carries {'only a part of' if six else 'no'} IPv6"
        )
    return four + (six if ipv6 else [])


def _keepalive(draft: Draft, peer: PeerDraft) -> int:
    seconds = _single(draft, peer.settings, "persistentkeepalive", values.keepalive)
    if seconds == 0:
        place = peer.settings["persistentkeepalive"][0].place
        draft.notes.append(
            f"{place}: keepalive is set to {values.KEEPALIVE_S} s, because without it the LAN's router (NAT) drops the"
            " idle tunnel"
        )
    return seconds or values.KEEPALIVE_S


def _without_duplicates(draft: Draft, peers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop duplicate peers with a note; two different peers with one endpoint are a fault."""
    kept: dict[tuple[str, int], dict[str, Any]] = {}
    for entry, peer in zip(draft.peers, peers, strict=True):
        name = peer["host"], peer["port"]
        if name not in kept:
            kept[name] = peer
        elif kept[name] == peer:
            draft.notes.append(f"{entry.place}: this peer is a duplicate and is dropped")
        else:
            draft.faults.append(
                ConfigurationError(
                    entry.place,
                    "an earlier peer has the same endpoint but other settings",
                    "Keep the correct peer of the two",
                )
            )
    return list(kept.values())


def _single(
    draft: Draft, settings: Mapping[str, list[Value]], name: str, check: Callable[[str], Checked]
) -> Checked | None:
    """Return the checked value; None when it is absent or a fault."""
    return next(iter(_check(draft, settings[name][0], check)), None) if settings.get(name) else None


def _check(draft: Draft, value: Value, check: Callable[[str], Checked]) -> list[Checked]:
    """Return the checked value in a list; record a fault and return an empty list otherwise."""
    try:
        return [check(value.text)]
    except values.InvalidField as error:
        draft.faults.append(ConfigurationError(value.place, error.problem, error.remedy))
    return []
