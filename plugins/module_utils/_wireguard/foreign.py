# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognises texts and settings of other programs, so that a message can name them. Private to the collection."""

from __future__ import annotations

import re

ASK = "Ask the provider for a plain WireGuard .conf"

# Texts of another kind: a pattern, the problem, the remedy.
_OPENVPN = re.compile(
    r"^\s*(client|dev\s+tun\S*|dev\s+tap\S*|proto\s+(udp|tcp)\S*|remote\s+\S+.*|<(ca|cert|key|tls-auth|tls-crypt|connection)>"
    r"|auth-user-pass.*|remote-cert-tls\s.*|tls-client|nobind|cipher\s+\S+|persist-tun)\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_KINDS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile("\0"), "the text is in UTF-16", "Save the file as UTF-8"),
    (re.compile(r"\A\s*\$ANSIBLE_VAULT;"), "the text is still encrypted by ansible-vault",
     "Read the file with lookup('ansible.builtin.file', ...), which decrypts it"),
    (re.compile(r"\A\s*<(!doctype\s+html|html)", re.IGNORECASE), "the text is a web page", ASK),
    (re.compile(r"\A\s*<\?xml|\A\s*<!DOCTYPE plist", re.IGNORECASE), "the text is an XML profile", ASK),
    (re.compile(r"\A\s*\{"), "the text is JSON", ASK),
    (re.compile(r"\A\s*conn\s+\S+\s*$", re.MULTILINE), "the text is an IPsec configuration", ASK),
    (re.compile(r"^\s*\[(WireGuard|WireGuardPeer|NetDev)\]", re.MULTILINE),
     "the text is a file of systemd-networkd", ASK),
    (re.compile(r"^\s*\[(connection|wireguard|wireguard-peer\..*)\]\s*$", re.MULTILINE),
     "the text is a connection of NetworkManager", f"{ASK}; `wg-quick` reads that form"),
    (re.compile(r"\A\s*[^\s\[=]+\.conf\s*\Z"), "the text is the name of a file, not its content",
     "Read the file with lookup('ansible.builtin.file', ...)"),
)  # fmt: skip


def whole_text(text: str) -> tuple[str, str] | None:
    """Return problem and remedy for a text that is not a WireGuard file; None otherwise."""
    for pattern, problem, remedy in _KINDS:
        if pattern.search(text):
            return problem, remedy
    if not re.search(r"^\s*\[", text, re.MULTILINE) and len(set(_OPENVPN.findall(text))) >= 2:
        return "the text is an OpenVPN file, and this collection uses WireGuard", ASK
    return None


_AMNEZIA = ("jc", "jmin", "jmax", "itime", "advancedsecurity")
_AMNEZIA_NUMBERED = re.compile(r"[jshi][0-9]{1,2}")
_WARP = ("reserved", "clientid")
_WIRESOCK = (
    "allowedapps", "disallowedapps", "disallowedips", "socks5proxy", "socks5proxyusername", "socks5proxypassword",
    "socks5proxyalltraffic", "virtualadaptermode", "bypasslantraffic",
)  # fmt: skip
# Settings without effect here: which apps of a phone use the tunnel, and labels that an app shows.
_APPS = {
    "excludedapplications": "ExcludedApplications",
    "includedapplications": "IncludedApplications",
}
_LABELS = {"description": "Description", "name": "Name"}
DROPPED_FOREIGN = {
    **{key: (label, "it lists apps of a phone, which this host does not have") for key, label in _APPS.items()},
    **{key: (label, "it is a label of another program") for key, label in _LABELS.items()},
}


def refused_setting(name: str) -> tuple[str, str] | None:
    """Return problem and remedy for the name, in lower case, of another program's setting; None otherwise."""
    if name in _AMNEZIA or _AMNEZIA_NUMBERED.fullmatch(name):
        return "this is a setting of AmneziaWG, which is not WireGuard", ASK
    if name in _WARP:
        return (
            "this is a setting of Cloudflare WARP's clients (bytes in each packet), which WireGuard cannot send",
            "Remove the line. If the tunnel does not come up then, use a provider of plain WireGuard",
        )
    if name in _WIRESOCK:
        return "this is a setting of WireSock, a program for Windows", f"Remove the line. {ASK}"
    return None
