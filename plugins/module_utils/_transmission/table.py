# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Every setting of Transmission 3.00 to 4.1, as data: name, type, range, where it can be changed, since when.

`rpc` means that the running daemon shows and changes it; `file` that it stands in settings.json only,
where it can be changed only while the daemon is stopped.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

FOREVER = "3.00"
PORT = {"low": 1, "high": 65535}
MINUTE_OF_DAY = {"low": 0, "high": 1439, "unit": "minutes after midnight"}
SPEED = {"low": 0, "unit": "kB/s"}
TRANSPORTS = "preferred_transports"
ENCRYPTION = (("tolerated", "allowed"), ("preferred",), ("required",))
PREALLOCATION = (("off", "none"), ("fast", "sparse"), ("full",))
MESSAGE_LEVEL = (("none", "off"), ("critical",), ("error",), ("warn",), ("info",), ("debug",), ("trace",))


@dataclass(frozen=True)
class Setting:
    """One setting. `rpc` is its name in session-get; the other names are empty where they follow from `name`."""

    name: str
    kind: str
    where: str
    rpc: str = ""
    json_rpc: str = ""
    file: str = ""
    snake: str = ""
    since: str = FOREVER
    until: str = ""
    low: float | None = None
    high: float | None = None
    unit: str = ""
    choices: tuple[tuple[str, ...], ...] = ()
    empty: bool = True
    secret: bool = False

    @property
    def in_json_rpc(self) -> str:
        """Name in session_get, the JSON-RPC 2.0 of 4.1."""
        return self.json_rpc or self.in_snake_file

    @property
    def in_file(self) -> str:
        """Name in a settings.json of the older style, which every version up to 4.1 writes by itself."""
        return self.file or self.name

    @property
    def in_snake_file(self) -> str:
        """Name in a settings.json of the newer style, which 4.1 writes on request (TR_SAVE_VERSION_FORMAT=5)."""
        return self.snake or self.name.replace("-", "_")

    @property
    def spellings(self) -> tuple[str, ...]:
        """All names by which a user may call it, and under which a file may hold it."""
        names = (self.name, self.in_file, self.in_snake_file, self.name.replace("-", "_"), self.rpc, self.json_rpc)
        return tuple(dict.fromkeys(name for name in names if name))


def _rpc(name: str, kind: str, **more: t.Any) -> Setting:
    return Setting(name, kind, "rpc", **{"rpc": name, **more})


def _file(name: str, kind: str, **more: t.Any) -> Setting:
    return Setting(name, kind, "file", **more)


SETTINGS = (
    _rpc("alt-speed-down", "int", **SPEED),
    _rpc("alt-speed-enabled", "bool"),
    _rpc("alt-speed-time-begin", "int", **MINUTE_OF_DAY),
    _rpc("alt-speed-time-day", "int", low=0, high=127, unit="bit mask, Sunday is 1"),
    _rpc("alt-speed-time-enabled", "bool"),
    _rpc("alt-speed-time-end", "int", **MINUTE_OF_DAY),
    _rpc("alt-speed-up", "int", **SPEED),
    _rpc("anti-brute-force-enabled", "bool", since="4.0"),
    _rpc("anti-brute-force-threshold", "int", since="4.0", low=1),
    _rpc("blocklist-enabled", "bool"),
    _rpc("blocklist-url", "text"),
    _rpc("cache-size-mb", "int", low=0, unit="MiB", snake="cache_size_mib"),
    _rpc("default-trackers", "text", since="4.0", secret=True),
    _rpc("dht-enabled", "bool"),
    _rpc("download-dir", "path", empty=False),
    _rpc("download-queue-enabled", "bool"),
    _rpc("download-queue-size", "int", low=1),
    _rpc("encryption", "index", choices=ENCRYPTION),
    _rpc("idle-seeding-limit", "int", low=0, unit="minutes"),
    _rpc("idle-seeding-limit-enabled", "bool"),
    _rpc("incomplete-dir", "path", empty=False),
    _rpc("incomplete-dir-enabled", "bool"),
    _rpc("lpd-enabled", "bool"),
    _rpc("peer-limit-global", "int", low=1, high=65535),
    _rpc("peer-limit-per-torrent", "int", low=1, high=65535),
    _rpc("peer-port", "int", **PORT),
    _rpc("peer-port-random-on-start", "bool"),
    _rpc("pex-enabled", "bool"),
    _rpc("port-forwarding-enabled", "bool"),
    _rpc("preferred-transports", "list", since="4.1", rpc=TRANSPORTS, file=TRANSPORTS, choices=(("utp",), ("tcp",))),
    _rpc("queue-stalled-enabled", "bool"),
    _rpc("queue-stalled-minutes", "int", low=1, unit="minutes"),
    _rpc("ratio-limit", "float", low=0, rpc="seedRatioLimit", json_rpc="seed_ratio_limit"),
    _rpc("ratio-limit-enabled", "bool", rpc="seedRatioLimited", json_rpc="seed_ratio_limited"),
    _rpc("rename-partial-files", "bool"),
    _rpc("reqq", "int", since="4.1", low=1),
    _rpc("script-torrent-added-enabled", "bool", since="4.0"),
    _rpc("script-torrent-added-filename", "path", since="4.0"),
    _rpc("script-torrent-done-enabled", "bool"),
    _rpc("script-torrent-done-filename", "path"),
    _rpc("script-torrent-done-seeding-enabled", "bool", since="4.0"),
    _rpc("script-torrent-done-seeding-filename", "path", since="4.0"),
    _rpc("seed-queue-enabled", "bool"),
    _rpc("seed-queue-size", "int", low=1),
    _rpc("sequential-download", "bool", since="4.1", rpc="sequential_download", file="sequential_download"),
    _rpc("speed-limit-down", "int", **SPEED),
    _rpc("speed-limit-down-enabled", "bool"),
    _rpc("speed-limit-up", "int", **SPEED),
    _rpc("speed-limit-up-enabled", "bool"),
    _rpc("start-added-torrents", "bool"),
    _rpc("trash-original-torrent-files", "bool"),
    _rpc("utp-enabled", "bool"),
    _file("announce-ip", "text", since="4.0"),
    _file("announce-ip-enabled", "bool", since="4.0"),
    _file("bind-address-ipv4", "text"),
    _file("bind-address-ipv6", "text"),
    _file("message-level", "index", choices=MESSAGE_LEVEL),
    _file("peer-congestion-algorithm", "text"),
    _file("peer-id-ttl-hours", "int", until="4.0", low=1, unit="hours"),
    _file("peer-port-random-high", "int", **PORT),
    _file("peer-port-random-low", "int", **PORT),
    _file("peer-socket-tos", "text", snake="peer_socket_diffserv"),
    _file("pidfile", "path"),
    _file("preallocation", "index", choices=PREALLOCATION),
    _file("prefetch-enabled", "bool", until="4.0"),
    _file("proxy-url", "text", since="4.1", file="proxy_url", secret=True),
    _file("rpc-authentication-required", "bool"),
    _file("rpc-bind-address", "text"),
    _file("rpc-enabled", "bool"),
    _file("rpc-host-whitelist", "csv"),
    _file("rpc-host-whitelist-enabled", "bool"),
    _file("rpc-password", "password", secret=True),
    _file("rpc-port", "int", **PORT),
    _file("rpc-socket-mode", "mode", since="4.0", low=0, high=0o777),
    _file("rpc-url", "text"),
    _file("rpc-username", "text"),
    _file("rpc-whitelist", "csv"),
    _file("rpc-whitelist-enabled", "bool"),
    _file("scrape-paused-torrents-enabled", "bool"),
    _file("sleep-per-seconds-during-verify", "int", since="4.1", low=0, unit="ms"),
    _file("start-paused", "bool", since="4.0", file="start_paused"),
    _file("tcp-enabled", "bool", since="4.0"),
    _file("torrent-added-verify-mode", "choice", since="4.0", choices=(("fast",), ("full",))),
    _file("torrent-complete-verify-enabled", "bool", since="4.1", file="torrent_complete_verify_enabled"),
    _file("umask", "umask", low=0, high=0o777),
    _file("upload-slots-per-torrent", "int", low=0),
    _file("watch-dir", "path"),
    _file("watch-dir-enabled", "bool"),
    _file("watch-dir-force-generic", "bool"),
)

TABLE: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}
SECRETS = frozenset(setting.name for setting in SETTINGS if setting.secret)
# Any spelling to the name.
NAMES: dict[str, str] = {spelling: setting.name for setting in SETTINGS for spelling in setting.spellings}

# What session-get shows and session-set does not take.
READ_ONLY = frozenset(
    {
        "blocklist-size",
        "config-dir",
        "download-dir-free-space",
        "rpc-version",
        "rpc-version-minimum",
        "rpc-version-semver",
        "session-id",
        "units",
        "version",
    }
)
