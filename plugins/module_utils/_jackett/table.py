# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""All fields of Jackett's ServerConfig.json, in the order in which Jackett writes them.

Source: recordings of Jackett 0.24.2440. For one value of a wrong type, Jackett replaces the whole file by its defaults.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

INT32 = 2**31 - 1
INT64 = 2**63 - 1
PORT = {"low": 1, "high": 65535}
PROXIES = ((-1, "disabled"), (0, "http"), (1, "socks4"), (2, "socks5"))


@dataclass(frozen=True)
class Setting:
    """One field.

    ``elsewhere``: why it must not be in the option settings. ``limit``: largest absolute value that Jackett can read.
    """

    name: str
    kind: str
    default: t.Any
    meaning: str
    low: int | None = None
    high: int | None = None
    unit: str = ""
    choices: tuple[tuple[int, str], ...] = ()
    nullable: bool = False
    secret: bool = False
    elsewhere: str = ""
    limit: int = INT32


def _flag(name: str, default: bool, meaning: str) -> Setting:
    return Setting(name, "bool", default, meaning)


def _number(name: str, default: int | None, meaning: str, **more: t.Any) -> Setting:
    return Setting(name, "int", default, meaning, **more)


def _text(name: str, kind: str, meaning: str, **more: t.Any) -> Setting:
    return Setting(name, kind, None, meaning, nullable=True, **more)


SETTINGS = (
    _number("Port", 9117, "port of the web interface and of Torznab", **PORT),
    Setting("LocalBindAddress", "loopback", "127.0.0.1", "address that it listens on unless AllowExternal is true"),
    _flag("AllowExternal", True, "listen on every address; must be true in a container"),
    _flag("AllowCORS", False, "let web pages of other origins call the API"),
    _text(
        "APIKey",
        "key",
        "key of Torznab",
        secret=True,
        elsewhere="is managed by the role; the module has the option api_key",
    ),
    _text("AdminPassword", "hash", "hash", secret=True, elsewhere="belongs into jackett_admin_password"),
    _text("InstanceId", "key", "id of this installation", secret=True, elsewhere="is generated once and then kept"),
    _text("BlackholeDir", "path", "folder for torrent files, as a path in Jackett's container"),
    _flag("UpdateDisabled", False, "disable Jackett's own updater"),
    _flag("UpdatePrerelease", False, "also install pre-releases"),
    _text("BasePathOverride", "base", "base path, for a reverse proxy"),
    _text("BaseUrlOverride", "url", "external URL, used in links"),
    _flag("CacheEnabled", True, "cache search results"),
    _number("CacheTtl", 2100, "time for which results are cached", low=1, unit="seconds", limit=INT64),
    _number("CacheMaxResultsPerIndexer", 1000, "number of cached results", low=1, limit=INT64),
    _text("FlareSolverrUrl", "url", "URL of FlareSolverr"),
    _number("FlareSolverrMaxTimeout", 55000, "time limit of FlareSolverr", low=5001, unit="milliseconds"),
    _text("OmdbApiKey", "text", "key of OMDb", secret=True),
    _text("OmdbApiUrl", "url", "URL of OMDb, if not the default"),
    Setting("ProxyType", "index", -1, "type of the proxy for outgoing requests", choices=PROXIES),
    _text("ProxyUrl", "host", "host of that proxy"),
    _number("ProxyPort", None, "port of that proxy", nullable=True, **PORT),
    _text("ProxyUsername", "text", "user name for that proxy"),
    _text("ProxyPassword", "text", "password for that proxy", secret=True),
    Setting("ProxyIsAnonymous", "bool", True, "computed", elsewhere="is computed from the other proxy fields"),
)

TABLE: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}
DEFAULTS: dict[str, t.Any] = {setting.name: setting.default for setting in SETTINGS}
SECRETS = frozenset(setting.name for setting in SETTINGS if setting.secret)
# Jackett ignores the case of names.
NAMES: dict[str, str] = {setting.name.lower(): setting.name for setting in SETTINGS}
