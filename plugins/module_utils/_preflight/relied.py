# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of services' settings that the rest of the stack relies on, each with the supported alternative."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

from .._core.names import TRANSMISSION_PORT
from .._jackett.model import canonical
from .._jackett.table import TABLE as JACKETT
from .._transmission.table import NAMES
from .._transmission.table import TABLE as TRANSMISSION
from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
    warning,
)

WEB = "remove it; mediaserver_ports and mediaserver_lan set where the web interface is reachable"
ACCESS = "remove it; mediaserver_lan sets which networks may open the web interface, transmission_password protects it"
PEER_PORT = "remove it; gateway_peer_port_forwarded, gateway_natpmp or transmission_peer_port sets the port"
TUNNEL = "remove it; torrents are bound to the tunnel's address, and transmission_bind_address sets another one"
OUTSIDE = "remove it; peers are found by trackers, DHT and peer exchange, and the provider forwards a port"
ANY = object()
# Settings that health checks, barriers, published ports and the check before each start rely on: the value that each
# must keep, and the supported alternative. ANY: the user must not set it at all.
RELIED_ON: dict[str, dict[str, tuple[t.Any, str]]] = {
    "transmission": {
        "rpc-enabled": (True, WEB),
        "rpc-authentication-required": (True, ACCESS),
        "rpc-bind-address": ("0.0.0.0", WEB),
        "rpc-port": (TRANSMISSION_PORT, WEB),
        "rpc-url": ("/transmission/", WEB),
        "rpc-whitelist-enabled": (False, ACCESS),
        "rpc-whitelist": (ANY, ACCESS),
        "bind-address-ipv4": (ANY, TUNNEL),
        "bind-address-ipv6": (ANY, "remove it; torrents are bound to the tunnel's address, or to none"),
        "peer-port-random-on-start": (False, PEER_PORT),
        "lpd-enabled": (False, OUTSIDE),
        "port-forwarding-enabled": (False, OUTSIDE),
    },
    "jackett": {
        "AllowExternal": (True, WEB),
        "Port": (9117, WEB),
        "BasePathOverride": (None, WEB),
    },
    "jellyfin": {
        "BaseUrl": ("", WEB),
        "EnableIPv4": (True, WEB),
        "InternalHttpPort": (8096, WEB),
        "InternalHttpsPort": (8920, WEB),
        "LocalNetworkAddresses": ([], WEB),
        "RequireHttps": (False, WEB),
    },
}
# With null, Transmission's own default applies, which is not the value that these must keep.
NOT_NULL = ("rpc-authentication-required", "rpc-whitelist-enabled", "port-forwarding-enabled")
# Mounted folders of the containers. Files elsewhere are lost with the container.
FOLDERS = {
    "download-dir": "/downloads",
    "incomplete-dir": "/downloads",
    "watch-dir": "/downloads",
    "BlackholeDir": "/downloads/watch",
}
# Mounted folders of Jellyfin's container. Files elsewhere fill the system's disk and are lost with the container; /tmp
# is a tmpfs.
JELLYFIN_FOLDERS = {
    "CachePath": ("/cache", "/config"),
    "MetadataPath": ("/config", "/cache"),
    "TranscodingTempPath": ("/cache", "/config", "/tmp"),
}
# Settings with addresses of other programs. From the VPN namespace, no address on the LAN is reachable.
CALLED = {
    "jackett": ("FlareSolverrUrl", "OmdbApiUrl", "ProxyUrl"),
    "transmission": ("blocklist-url", "proxy-url"),
}
# Text settings that also accept a number, as the value of the IP header's field.
NUMBERS = ("peer-socket-tos",)
# Names that only the LAN's router resolves (RFC 6762, RFC 8375, and domains that routers assign by DHCP).
LOCAL_NAME = re.compile(r"[^.]+|.*\.(local|lan|home|internal|intranet|home\.arpa|fritz\.box|localdomain|docker)")


def check_relied_on(variable: str, service: str, wanted: Settings) -> t.Iterator[Problem]:
    """Reject values in ``variable`` that break the rest of the stack. ``wanted`` has a service's canonical names."""
    for name, value in wanted.items():
        if value is None and service == "jellyfin":
            continue
        must, remedy = RELIED_ON[service].get(name, (value, ""))
        if value != must:
            shown = "empty" if must in ("", None, []) else repr(must)
            yield problem(
                variable,
                f"{name} must not be set, because the rest of the stack relies on it"
                if must is ANY
                else f"{name} must stay {shown}, because the rest of the stack relies on it",
                remedy,
            )
        folder = FOLDERS.get(name)
        if folder and value and not f"{value}/".startswith(folder + "/"):
            yield problem(
                variable,
                f"{name}: {value} is not a mounted folder of {service.capitalize()}'s container",
                f"use {folder} or a folder below it; /downloads there is mediaserver_downloads on the host",
            )
        if name in CALLED.get(service, ()) and value and is_on_lan(str(value)):
            yield problem(
                variable,
                f"{name} is an address on the LAN, which the barriers block from the VPN namespace",
                "use an address on the internet, which is reached through the tunnel; or a program that listens on"
                " 127.0.0.1 inside the namespace (a container with network_mode: service:vpn)",
            )


def check_jellyfin_folders(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    for section in ("system", "encoding"):
        for variable in (f"jellyfin_default_{section}_settings", f"jellyfin_{section}_settings"):
            for name, value in (settings.get(variable) or {}).items():
                kept = JELLYFIN_FOLDERS.get(name)
                if kept and value and not any(f"{value}/".startswith(f"{folder}/") for folder in kept):
                    yield problem(
                        variable,
                        f"{name}: {value} is not a mounted folder of Jellyfin's container",
                        f"remove it, or use a folder below {' or '.join(kept)}; jellyfin_cache is /cache there",
                    )


def check_null_settings(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Reject null where Transmission's own default breaks the stack."""
    for variable in ("transmission_default_settings", "transmission_settings"):
        for spelling, value in (settings.get(variable) or {}).items():
            name = NAMES.get(spelling, spelling)
            must, remedy = RELIED_ON["transmission"].get(name, (None, ""))
            if value is None and (name in NOT_NULL or must is ANY):
                yield problem(variable, f"{spelling} must not be null, because the stack relies on its value", remedy)


def check_texts(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Reject numbers and booleans in place of texts: YAML has discarded how they were written."""
    tables: tuple[tuple[str, dict[str, t.Any], t.Callable[[str], str]], ...] = (
        ("transmission", TRANSMISSION, lambda name: NAMES.get(name, name)),
        ("jackett", JACKETT, canonical),
    )
    for service, table, spelt in tables:
        variable = f"{service}_settings"
        for name, value in (settings.get(variable) or {}).items():
            setting = table.get(spelt(str(name)))
            if not setting or setting.name in NUMBERS or setting.kind not in ("text", "password", "host"):
                continue
            if isinstance(value, (bool, int, float)):
                kind = "true or false" if isinstance(value, bool) else "a number"
                yield problem(
                    variable,
                    f"{name} must be a text, but YAML reads {kind}",
                    f'put it in quotes: {name}: "..."',
                )


def check_blackhole(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Warn when Transmission does not watch the folder into which Jackett writes torrents (BlackholeDir)."""
    transmission = {**_named("transmission_default_settings", settings), **_named("transmission_settings", settings)}
    jackett = {**(settings.get("jackett_default_settings") or {}), **(settings.get("jackett_settings") or {})}
    folder = {canonical(str(name)): value for name, value in jackett.items()}.get("BlackholeDir")
    watched, enabled = transmission.get("watch-dir"), transmission.get("watch-dir-enabled", True)
    apart = watched and str(watched).rstrip("/") != str(folder).rstrip("/")
    if folder and (apart or str(enabled).lower() in ("false", "no", "off", "0")):
        yield warning(
            "transmission_settings",
            f"Transmission does not watch {folder}, into which Jackett writes torrents (BlackholeDir)",
            "remove watch-dir and watch-dir-enabled; or set BlackholeDir in jackett_settings to the same folder",
        )


def check_bind_address(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    given = settings.get("transmission_bind_address")
    tunnel = [str(one).partition("/")[0] for one in (settings.get("tunnel") or {}).get("addresses", [])]
    if given == "0.0.0.0":
        yield problem(
            "transmission_bind_address",
            "0.0.0.0 does not bind torrents to an address",
            "leave it empty to use the tunnel's address",
        )
    elif given and tunnel and given not in tunnel and "." in str(given):
        yield problem(
            "transmission_bind_address",
            f"{given} is not an address of the tunnel ({', '.join(tunnel)})",
            "leave it empty to use the tunnel's address",
        )


def is_on_lan(text: str) -> bool:
    """Return whether a URL or host is on the LAN: a local name, or an address that is private, shared or link-local."""
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host != "localhost" and LOCAL_NAME.fullmatch(host.rstrip(".")) is not None
    shared = address.version == 4 and address in ipaddress.IPv4Network("100.64.0.0/10")
    return (address.is_private or address.is_link_local or shared) and not address.is_loopback


def _named(variable: str, settings: Settings) -> dict[str, t.Any]:
    return {NAMES.get(name, name): value for name, value in (settings.get(variable) or {}).items()}
