# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The preflight checks of single values of the services' variables: names, numbers and addresses, each by its form."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

from .._jellyfin.user_model import NAME
from .._transmission.table import NAMES
from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
)


def is_address_or_empty(text: str) -> bool:
    try:
        return not text or bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


def is_url_or_empty(text: str) -> bool:
    """Compose would read a dollar sign in it, and its .env a blank or a quotation mark."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return not text or (known and not re.search(r"[\s$'\"\\]", text))


def _is(pattern: str) -> t.Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


# Variable, whether a value (as text) will do, what it is not, what to write instead. No value of a secret is shown.
FORMS: tuple[tuple[str, t.Callable[[str], bool], str, str], ...] = (
    (
        "transmission_user",
        lambda text: ":" not in text,
        "it holds a colon, which no browser can send",
        "choose a name without one",
    ),
    (
        "transmission_password",
        lambda text: not text.startswith("{"),
        "it begins with a brace, so Transmission would take it for a hash",
        "choose another, in the vault",
    ),
    (
        "transmission_bind_address",
        is_address_or_empty,
        "it is not an IPv4 address",
        "leave it empty to take the tunnel's",
    ),
    (
        "jellyfin_admin_user",
        lambda text: not text.strip() or NAME.fullmatch(text) is not None,
        "it is no name that Jellyfin takes",
        "use letters, digits, blanks inside, and - ' . _ @ + only",
    ),
    (
        "jellyfin_published_url",
        is_url_or_empty,
        "it is no address that programs could be told",
        "write it like https://films.example.org, or leave it empty",
    ),
    ("jellyfin_language", _is(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"), "it is no language code", "write it like en-US"),
    (
        "jellyfin_metadata_language",
        _is(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"),
        "it is no language code",
        "write it like en",
    ),
    ("jellyfin_metadata_country", _is(r"[A-Za-z]{2}"), "it is no country code", "write it in two letters, like US"),
    *(
        (f"{service}_image", _is(r"[^\s$'\"]+"), "it is no name of an image", "write it like owner/name:tag")
        for service in ("transmission", "jackett", "jellyfin")
    ),
)


def check_forms(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    for name, fits, wrong, remedy in FORMS:
        if name in settings and not fits(str(settings[name])):
            yield problem(name, wrong, remedy)


def check_timeouts(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """A negative one would be taken by Docker for ever."""
    for name in sorted(settings):
        if name.endswith("_timeout") and int(settings[name]) < 1:
            yield problem(name, f"{settings[name]} s is no time to wait", "use one second at least")


def check_told_peer_port(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """A port in transmission_settings wins over the one that the provider forwards, and nobody could reach it."""
    given = settings.get("transmission_settings") or {}
    spelling = next((name for name in given if NAMES.get(name) == "peer-port"), None)
    if spelling is None:
        return
    told, forwarded = given[spelling], settings.get("gateway_peer_port_forwarded") or 0
    if settings.get("gateway_natpmp"):
        if told is not None:
            yield problem(
                "transmission_settings",
                f"{spelling} is set beside gateway_natpmp, which gets a port by itself",
                "leave it out; for a fixed port set gateway_peer_port_forwarded in place of gateway_natpmp",
            )
    elif str(forwarded) not in ("0", str(told)):
        yield problem(
            "transmission_settings",
            f"{spelling} is set beside gateway_peer_port_forwarded, which says that port already",
            "leave it out; gateway_peer_port_forwarded is the port that Transmission is told",
        )


def check_peer_port(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    port = int(settings.get("transmission_peer_port", 1))
    if not 0 < port < 65536:
        yield problem("transmission_peer_port", f"{port} is not a port", "use 1 to 65535")
    elif port in settings.get("gateway_ui_ports", ()):
        yield problem("transmission_peer_port", f"port {port} is a user interface's", "use another one")
