# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Settings of the services that the rest of the stack relies on, each with the supported way to the same end."""

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

WEB = "leave it out; mediaserver_ports and mediaserver_lan say where the house finds the web interface"
WHO = (
    "leave it out; mediaserver_lan says which networks may open the web interface, transmission_password who may use it"
)
PEER_PORT = "leave it out; gateway_peer_port_forwarded or gateway_natpmp gives the port, transmission_peer_port else"
TUNNEL = "leave it out; torrents are bound to the tunnel's address, and transmission_bind_address is for another one"
OUTSIDE = "leave it out; peers are found by trackers, DHT and peer exchange, and a port is forwarded by the provider"
ANY = object()
# What health checks, barriers, published ports and the check before each start take for granted of each service:
# the value that a setting must keep, and the supported way. ANY: it is not for the user at all.
RELIED_ON: dict[str, dict[str, tuple[t.Any, str]]] = {
    "transmission": {
        "rpc-enabled": (True, WEB),
        "rpc-authentication-required": (True, WHO),
        "rpc-bind-address": ("0.0.0.0", WEB),
        "rpc-port": (TRANSMISSION_PORT, WEB),
        "rpc-url": ("/transmission/", WEB),
        "rpc-whitelist-enabled": (False, WHO),
        "rpc-whitelist": (ANY, WHO),
        "bind-address-ipv4": (ANY, TUNNEL),
        "bind-address-ipv6": (ANY, "leave it out; torrents are bound to the tunnel's address, or to none"),
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
# Left to Transmission (null), these take another value than the one that they must keep.
NOT_TO_BE_LEFT = ("rpc-authentication-required", "rpc-whitelist-enabled", "port-forwarding-enabled")
# Folders that are there in the containers, and nothing else is kept.
FOLDERS = {
    "download-dir": "/downloads",
    "incomplete-dir": "/downloads",
    "watch-dir": "/downloads",
    "BlackholeDir": "/downloads/watch",
}
# Of Jellyfin's container, these are kept on disks; a path elsewhere fills the system's disk, and is lost with the
# container. /tmp is memory.
JELLYFIN_FOLDERS = {
    "CachePath": ("/cache", "/config"),
    "MetadataPath": ("/config", "/cache"),
    "TranscodingTempPath": ("/cache", "/config", "/tmp"),
}
# Other programs that a service calls; from the VPN namespace none on the LAN can be reached.
CALLED = {
    "jackett": ("FlareSolverrUrl", "OmdbApiUrl", "ProxyUrl"),
    "transmission": ("blocklist-url", "proxy-url"),
}
# Texts for which a number will do: a value of the IP header's field.
NUMBERS = ("peer-socket-tos",)
# Endings of names that only a router at home resolves (RFC 6762, RFC 8375, and what routers hand out).
LOCAL_NAME = re.compile(r"[^.]+|.*\.(local|lan|home|internal|intranet|home\.arpa|fritz\.box|localdomain|docker)")


def check_relied_on(variable: str, service: str, wanted: Settings) -> t.Iterator[Problem]:
    for name, value in wanted.items():
        if value is None and service == "jellyfin":
            continue
        must, remedy = RELIED_ON[service].get(name, (value, ""))
        if value != must:
            shown = "empty" if must in ("", None, []) else repr(must)
            yield problem(
                variable,
                f"{name} is not for you to set: the rest of the stack relies on it"
                if must is ANY
                else f"{name} must stay {shown}, because the rest of the stack relies on it",
                remedy,
            )
        folder = FOLDERS.get(name)
        if folder and value and not f"{value}/".startswith(folder + "/"):
            yield problem(
                variable,
                f"{name}: {value} is no folder that {service.capitalize()} could see",
                f"name {folder} or a folder below it; /downloads there is mediaserver_downloads on the Pi",
            )
        if name in CALLED.get(service, ()) and value and is_on_lan(str(value)):
            yield problem(
                variable,
                f"{name} leads to an address of the LAN, which the barriers let nothing in the VPN namespace reach",
                "use an address of the internet, which is reached through the tunnel; or a program that listens at"
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
                        f"{name}: {value} is no folder that Jellyfin's container keeps",
                        f"leave it out, or name a folder below {' or '.join(kept)}; jellyfin_cache is /cache there",
                    )


def check_left_alone(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Null leaves a setting to Transmission, whose own value may be the wrong one."""
    for variable in ("transmission_default_settings", "transmission_settings"):
        for spelling, value in (settings.get(variable) or {}).items():
            name = NAMES.get(spelling, spelling)
            must, remedy = RELIED_ON["transmission"].get(name, (None, ""))
            if value is None and (name in NOT_TO_BE_LEFT or must is ANY):
                yield problem(
                    variable, f"{spelling} cannot be left to Transmission (null): the stack relies on it", remedy
                )


def check_texts(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """A number or a truth value in the place of a text has lost how it was written."""
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
                yield problem(
                    variable,
                    f"{name} is a text, and YAML has read {'true or false' if isinstance(value, bool) else 'a number'}",
                    f'put it in quotes: {name}: "..."',
                )


def check_blackhole(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """What Jackett writes must be where Transmission looks; judged where both are known."""
    transmission = {**_named("transmission_default_settings", settings), **_named("transmission_settings", settings)}
    jackett = {**(settings.get("jackett_default_settings") or {}), **(settings.get("jackett_settings") or {})}
    folder = {canonical(str(name)): value for name, value in jackett.items()}.get("BlackholeDir")
    watched, enabled = transmission.get("watch-dir"), transmission.get("watch-dir-enabled", True)
    apart = watched and str(watched).rstrip("/") != str(folder).rstrip("/")
    if folder and (apart or str(enabled).lower() in ("false", "no", "off", "0")):
        yield warning(
            "transmission_settings",
            f"Transmission does not watch {folder}, into which Jackett puts what is to be downloaded (BlackholeDir)",
            "leave watch-dir and watch-dir-enabled out; or set BlackholeDir in jackett_settings to the same folder",
        )


def check_bind_address(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    given = settings.get("transmission_bind_address")
    tunnel = [str(one).partition("/")[0] for one in (settings.get("tunnel") or {}).get("addresses", [])]
    if given == "0.0.0.0":
        yield problem(
            "transmission_bind_address",
            "0.0.0.0 binds torrents to no address",
            "leave it empty to take the tunnel's",
        )
    elif given and tunnel and given not in tunnel and "." in str(given):
        yield problem(
            "transmission_bind_address",
            f"{given} is no address of the tunnel ({', '.join(tunnel)})",
            "leave it empty to take the tunnel's",
        )


def is_on_lan(text: str) -> bool:
    """Tell whether a URL or host is one that is found on the LAN alone; the namespace's own loopback is none."""
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
