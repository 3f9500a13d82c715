# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Settings of Transmission 1.x and 2.x, and of its desktop programs, that old settings.json files still hold.

Source: "Legacy Options" in Transmission's docs/Editing-Configuration-Files.md, and Debian's old settings.json.
"""

from __future__ import annotations

RENAMED = {
    "download-limit": "speed-limit-down",
    "download-limit-enabled": "speed-limit-down-enabled",
    "upload-limit": "speed-limit-up",
    "upload-limit-enabled": "speed-limit-up-enabled",
    "max-peers-global": "peer-limit-global",
    "max-peers-per-torrent": "peer-limit-per-torrent",
    "peer-limit": "peer-limit-global",
    "pex-allowed": "pex-enabled",
    "port": "peer-port",
    "port-is-random": "peer-port-random-on-start",
    "bind-address": "bind-address-ipv4",
    "rpc-access-control-list": "rpc-whitelist",
    "rpc-whitelist-authentication-required": "rpc-authentication-required",
    "seed-ratio-limit": "ratio-limit",
    "seed-ratio-limited": "ratio-limit-enabled",
}
# Gone, with what does that today, if anything.
GONE = {
    "lazy-bitfield-enabled": "",
    "open-file-limit": "",
    "proxy": "proxy-url (4.1)",
    "proxy-auth-enabled": "proxy-url (4.1)",
    "proxy-auth-password": "proxy-url (4.1)",
    "proxy-auth-username": "proxy-url (4.1)",
    "proxy-enabled": "proxy-url (4.1)",
    "proxy-port": "proxy-url (4.1)",
    "proxy-server": "proxy-url (4.1)",
    "proxy-server-enabled": "proxy-url (4.1)",
    "proxy-type": "proxy-url (4.1)",
}
DESKTOP = {
    "blocklist-updates-enabled",
    "compact-view",
    "details-window-height",
    "details-window-width",
    "filter-mode",
    "filter-text",
    "filter-trackers",
    "inhibit-desktop-hibernation",
    "main-window-height",
    "main-window-is-maximized",
    "main-window-layout-order",
    "main-window-width",
    "main-window-x",
    "main-window-y",
    "open-dialog-dir",
    "play-download-complete-sound",
    "prompt-before-exit",
    "read-clipboard",
    "remote-session-enabled",
    "remote-session-host",
    "remote-session-password",
    "remote-session-port",
    "remote-session-requres-authentication",
    "remote-session-username",
    "show-backup-trackers",
    "show-desktop-notification",
    "show-extra-peer-details",
    "show-filterbar",
    "show-notification-area-icon",
    "show-options-window",
    "show-statusbar",
    "show-toolbar",
    "show-tracker-scrapes",
    "sort-mode",
    "sort-reversed",
    "statusbar-stats",
    "torrent-added-notification-enabled",
    "torrent-complete-notification-enabled",
    "torrent-complete-sound-enabled",
    "trash-can-enabled",
    "user-has-given-informed-consent",
}


def explain(spelling: str) -> str:
    """Return what became of an old setting, empty where the name is none."""
    name = spelling.replace("_", "-").lower()
    if name in RENAMED:
        return f"{spelling} is the old name of {RENAMED[name]}"
    if name in GONE:
        instead = f"; {GONE[name]} does that now" if GONE[name] else "; remove it"
        return f"{spelling} was removed from Transmission before 3.00{instead}"
    if name in DESKTOP:
        return f"{spelling} is a setting of Transmission's desktop program, which the daemon does not have; remove it"
    return ""
