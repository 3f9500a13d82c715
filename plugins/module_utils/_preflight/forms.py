# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of single values of the services' variables: the form of names, numbers and addresses."""

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
    """Return whether a text is an HTTP URL. Compose would expand $, and parse blanks and quotes in its .env file."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return not text or (known and not re.search(r"[\s$'\"\\]", text))


def _is(pattern: str) -> t.Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


# Variable, whether a value (as text) is valid, the problem, the remedy. Without the value, which may be a secret.
FORMS: tuple[tuple[str, t.Callable[[str], bool], str, str], ...] = (
    (
        "transmission_user",
        lambda text: ":" not in text,
        "it contains a colon, which HTTP authentication does not allow (RFC 7617)",
        "choose a name without a colon",
    ),
    (
        "transmission_password",
        lambda text: not text.startswith("{"),
        "it begins with a brace, so Transmission would read it as a hash",
        "choose another, in the vault",
    ),
    (
        "transmission_bind_address",
        is_address_or_empty,
        "it is not an IPv4 address",
        "leave it empty to use the tunnel's address",
    ),
    (
        "jellyfin_admin_user",
        lambda text: not text.strip() or NAME.fullmatch(text) is not None,
        "it is not a name that Jellyfin accepts",
        "use only letters, digits, - ' . _ @ + and blanks between them",
    ),
    (
        "jellyfin_published_url",
        is_url_or_empty,
        "it is not an HTTP address without blanks, quotes and dollar signs",
        "write it like https://films.example.org, or leave it empty",
    ),
    ("jellyfin_language", _is(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"), "it is not a language code", "write it like en-US"),
    (
        "jellyfin_metadata_language",
        _is(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"),
        "it is not a language code",
        "write it like en",
    ),
    ("jellyfin_metadata_country", _is(r"[A-Za-z]{2}"), "it is not a country code", "write it in two letters, like US"),
    *(
        (
            f"upkeep_health_disk_{mark}_percent",
            _is("[1-9][0-9]?"),
            "it is not a part of a disk in percent",
            "use 1 to 99",
        )
        for mark in ("warning", "stop", "resume")
    ),
    (
        "upkeep_health_ping_url",
        is_url_or_empty,
        "it is not an HTTP address without blanks, quotes and dollar signs",
        "write it like https://hc.example.org/your-key, or leave it empty",
    ),
    (
        "upkeep_backup_repository",
        _is(r"[^\s'\"]*"),
        "it is not a repository in restic's notation",
        "write it like /mnt/other/backup, sftp:user@host:/backup or rest:https://host/, or leave it empty",
    ),
    (
        "upkeep_backup_password",
        _is(r"(?:\S(?:.*\S)?)?"),
        "it begins or ends with a blank, or has more than one line, which restic would leave out",
        "write one line, or leave it empty",
    ),
    (
        "upkeep_backup_schedule",
        _is(r"[\d*/,-]+ [\d*/,-]+ [\d*/,-]+ [\dA-Za-z*/,-]+ [\dA-Za-z*/,-]+"),
        "it is not a schedule of five fields",
        "write minute, hour, day of the month, month and day of the week, such as 0 3 * * *",
    ),
    *(
        (f"{service}_image", _is(r"[^\s$'\"]+"), "it is not the name of an image", "write it like owner/name:tag")
        for service in ("transmission", "jackett", "jellyfin")
    ),
)


def check_forms(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    for name, fits, wrong, remedy in FORMS:
        if name in settings and not fits(str(settings[name])):
            yield problem(name, wrong, remedy)


def check_timeouts(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Reject timeouts below one second; Docker waits without limit for a negative one."""
    for name in sorted(settings):
        if name.endswith("_timeout") and int(settings[name]) < 1:
            yield problem(name, f"{settings[name]} s is not a valid timeout", "use at least one second")


def check_conflicting_peer_port(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Reject a peer-port in transmission_settings: it would override the forwarded port and be unreachable."""
    given = settings.get("transmission_settings") or {}
    spelling = next((name for name in given if NAMES.get(name) == "peer-port"), None)
    if spelling is None:
        return
    port, forwarded = given[spelling], settings.get("gateway_peer_port_forwarded") or 0
    if settings.get("gateway_natpmp"):
        if port is not None:
            yield problem(
                "transmission_settings",
                f"{spelling} is set together with gateway_natpmp, which requests a port from the provider",
                "remove it; for a fixed port set gateway_peer_port_forwarded instead of gateway_natpmp",
            )
    elif str(forwarded) not in ("0", str(port)):
        yield problem(
            "transmission_settings",
            f"{spelling} is set together with gateway_peer_port_forwarded, which sets Transmission's port",
            "remove it, or set gateway_peer_port_forwarded to the same port",
        )


def check_peer_port(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    port = int(settings.get("transmission_peer_port", 1))
    if not 0 < port < 65536:
        yield problem("transmission_peer_port", f"{port} is not a port", "use 1 to 65535")
    elif port in settings.get("gateway_ui_ports", ()):
        yield problem("transmission_peer_port", f"port {port} is that of a web interface", "use another port")
