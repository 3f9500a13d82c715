# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""All fields of Jackett's ServerConfig.json as data, in the order in which Jackett writes them.

Source: recordings of Jackett 0.24.2440. One value of a wrong type makes Jackett throw the whole file away.
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
    """One field. `elsewhere` says why it is no key of the option settings; `limit` is what Jackett can read."""

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
    _number("Port", 9117, "port of the web page and of Torznab", **PORT),
    Setting("LocalBindAddress", "loopback", "127.0.0.1", "where it listens unless AllowExternal is true"),
    _flag("AllowExternal", True, "listen on every address; must be true in a container"),
    _flag("AllowCORS", False, "let web pages of other origins call the API"),
    _text(
        "APIKey",
        "key",
        "key of Torznab",
        secret=True,
        elsewhere="is kept by the role; the module has the option api_key",
    ),
    _text("AdminPassword", "hash", "hash", secret=True, elsewhere="belongs into jackett_admin_password"),
    _text("InstanceId", "key", "name of this installation", secret=True, elsewhere="is made once and then kept"),
    _text("BlackholeDir", "path", "folder for torrent files, as Jackett sees it"),
    _flag("UpdateDisabled", False, "do not let Jackett replace itself"),
    _flag("UpdatePrerelease", False, "let it replace itself by pre-releases too"),
    _text("BasePathOverride", "base", "path before all others, for a reverse proxy"),
    _text("BaseUrlOverride", "url", "address under which others reach it, used in links"),
    _flag("CacheEnabled", True, "keep results of searches"),
    _number("CacheTtl", 2100, "how long results are kept", low=1, unit="seconds", limit=INT64),
    _number("CacheMaxResultsPerIndexer", 1000, "how many results are kept", low=1, limit=INT64),
    _text("FlareSolverrUrl", "url", "address of FlareSolverr"),
    _number("FlareSolverrMaxTimeout", 55000, "how long FlareSolverr may take", low=5001, unit="milliseconds"),
    _text("OmdbApiKey", "text", "key of OMDb", secret=True),
    _text("OmdbApiUrl", "url", "address of OMDb, where it is not the usual one"),
    Setting("ProxyType", "index", -1, "kind of the proxy for all that goes out", choices=PROXIES),
    _text("ProxyUrl", "host", "host of that proxy"),
    _number("ProxyPort", None, "port of that proxy", nullable=True, **PORT),
    _text("ProxyUsername", "text", "user name for that proxy"),
    _text("ProxyPassword", "text", "password for that proxy", secret=True),
    Setting("ProxyIsAnonymous", "bool", True, "computed", elsewhere="is computed from the other proxy fields"),
)

TABLE: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}
DEFAULTS: dict[str, t.Any] = {setting.name: setting.default for setting in SETTINGS}
SECRETS = frozenset(setting.name for setting in SETTINGS if setting.secret)
# Jackett reads its names in any case; in snake_case they are easier to write.
NAMES: dict[str, str] = {setting.name.lower(): setting.name for setting in SETTINGS}
