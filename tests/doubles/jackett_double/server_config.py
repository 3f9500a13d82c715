# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings over HTTP. They are stored one by one, so a refused request may have changed some of them."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jackett_double import password
from jackett_double.answers import Failure, Refused, problem
from jackett_double.config_file import Config, convert

VERSION = "v0.24.2440"
ROOT_NOTICE = "Jackett is running with root privileges. You should run Jackett as an unprivileged user."
# Key of the API, type, field of the file.
FIELDS = (
    ("port", "int", "Port"),
    ("external", "bool", "AllowExternal"),
    ("local_bind_address", "text", "LocalBindAddress"),
    ("cors", "bool", "AllowCORS"),
    ("api_key", "text", "APIKey"),
    ("blackholedir", "text", "BlackholeDir"),
    ("updatedisabled", "bool", "UpdateDisabled"),
    ("prerelease", "bool", "UpdatePrerelease"),
    ("password", "text", ""),
    ("logging", "bool", ""),
    ("basepathoverride", "text", "BasePathOverride"),
    ("baseurloverride", "text", "BaseUrlOverride"),
    ("cache_enabled", "bool", "CacheEnabled"),
    ("cache_ttl", "long", "CacheTtl"),
    ("cache_max_results_per_indexer", "long", "CacheMaxResultsPerIndexer"),
    ("flaresolverrurl", "text", "FlareSolverrUrl"),
    ("flaresolverr_maxtimeout", "int", "FlareSolverrMaxTimeout"),
    ("omdbkey", "text", "OmdbApiKey"),
    ("omdburl", "text", "OmdbApiUrl"),
    ("app_version", "text", ""),
    ("can_run_netcore", "bool", ""),
    ("proxy_type", "proxy", "ProxyType"),
    ("proxy_url", "text", "ProxyUrl"),
    ("proxy_port", "int?", "ProxyPort"),
    ("proxy_username", "text", "ProxyUsername"),
    ("proxy_password", "text", "ProxyPassword"),
)
# The value of a key that is missing in a request.
ABSENT: dict[str, Any] = {"int": 0, "long": 0, "bool": False, "proxy": 0, "text": None, "int?": None}
TYPES = {"long": "System.Int64", "proxy": "Jackett.Common.Models.Config.ProxyType"}
WORDS = {"int": "integer", "int?": "integer", "bool": "boolean", "text": "string"}
PROXY_TYPES = (-1, 0, 1, 2)
# Ports that browsers block; 22 and 6000 are recorded, the others are from the browsers' list.
_RESTRICTED = """
1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117
119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601
636 993 995 1719 1720 1723 2049 3659 4045 5060 5061 6000 6566 6665 6666 6667 6668 6669 6697 10080
"""
RESTRICTED = frozenset(int(port) for port in _RESTRICTED.split())


def shown(config: Config, *, root: bool) -> dict[str, Any]:
    """Return the object of GET, which POST expects. Raises Failure."""
    own = {"password": password.shown(config), "logging": False, "app_version": VERSION, "can_run_netcore": False}
    notices = [ROOT_NOTICE] if root else []
    return {"notices": notices} | {key: config[field] if field else own[key] for key, _, field in FIELDS}


def read(body: Any) -> dict[str, Any]:
    """Convert a posted object; missing keys get the default of their type. Raises Refused."""
    if not isinstance(body, dict):
        # Not recorded.
        raise Refused(problem(400, {"": ["The body is no object."]}))
    given = {key.lower(): value for key, value in body.items()}
    found, errors = {}, {}
    for key, kind, _ in FIELDS:
        try:
            found[key] = convert(kind, given[key]) if key in given else ABSENT[kind]
        except (ValueError, TypeError):
            errors[key] = [f"{_complaint(kind, given[key])}. Path '{key}', line 1, position 1."]
    if errors:
        raise Refused(problem(400, errors))
    return found


def _complaint(kind: str, value: Any) -> str:
    if kind in WORDS:
        return f"Could not convert string to {WORDS[kind]}: {value}"
    return f"Error converting value \"{value}\" to type '{TYPES[kind]}'"


@dataclass
class Change:
    """One POST. Each step checks and stores its values; a later step may still refuse the request."""

    config: Config
    new: dict[str, Any]
    save: Callable[[Config], None]
    web_host: bool = False  # the listening socket is closed and opened again

    def apply(self) -> None:
        """Apply the change. Raises Failure; `web_host` is valid then too."""
        self._base()
        self._plain()
        self._flaresolverr()
        self._omdb()
        self._proxy()
        self._address()
        self._blackhole()

    def _store(self, *keys: str) -> None:
        fields = {key: field for key, _, field in FIELDS}
        for key in keys:
            self.config[fields[key]] = self.new[key]
        self.save(self.config)

    def _differs(self, *keys: str) -> bool:
        """Compare; null and an empty text are equal."""
        fields = {key: field for key, _, field in FIELDS}
        return any((self.new[key] or None) != (self.config[fields[key]] or None) for key in keys)

    def _base(self) -> None:
        path = self.new["basepathoverride"]
        if path is not None:
            self.new["basepathoverride"] = path = path.rstrip("/")
            if path and not path.startswith("/"):
                raise Failure("The Base Path Override must start with a /")
        if self._differs("baseurloverride"):
            self.new["baseurloverride"] = (self.new["baseurloverride"] or "").rstrip("/")
            if self.new["baseurloverride"] and not _is_url(self.new["baseurloverride"]):
                raise Failure("Base URL Override is invalid. Example: http://jackett:9117")
            self._store("baseurloverride")

    def _plain(self) -> None:
        self.web_host |= self._differs("basepathoverride", "cors")
        self._store(
            *("cors", "updatedisabled", "prerelease", "basepathoverride"),
            *("cache_enabled", "cache_ttl", "cache_max_results_per_indexer"),
        )

    def _flaresolverr(self) -> None:
        if not self._differs("flaresolverrurl", "flaresolverr_maxtimeout"):
            return
        if self.new["flaresolverrurl"] and not _is_url(self.new["flaresolverrurl"]):
            raise Failure("FlareSolverr API URL is invalid. Example: http://127.0.0.1:8191")
        if self.new["flaresolverr_maxtimeout"] < 5000:
            raise Failure("FlareSolverr Max Timeout must be greater than 5000 ms.")
        self._store("flaresolverrurl", "flaresolverr_maxtimeout")
        self.web_host = True

    def _omdb(self) -> None:
        # No recording changes these; assumed to be like FlareSolverr.
        if self._differs("omdbkey", "omdburl"):
            self._store("omdbkey", "omdburl")
            self.web_host = True

    def _proxy(self) -> None:
        new = self.new
        if not new["proxy_url"]:
            # Recorded: type http with an empty host is stored as disabled, the host as given.
            new["proxy_type"] = -1
        others = ("proxy_type", "proxy_port", "proxy_username", "proxy_password")
        same_host = new["proxy_url"] == self.config["ProxyUrl"]
        if same_host and not self._differs("proxy_url", *others):
            return
        if new["proxy_port"] is not None and not 1 <= new["proxy_port"] <= 65535:
            raise Failure("The port you have selected is invalid, it must be between 1 and 65535.")
        self.config["ProxyIsAnonymous"] = not (new["proxy_username"] and new["proxy_password"])
        self._store("proxy_url", *others)
        self.web_host = True
        if new["proxy_type"] not in PROXY_TYPES:
            raise Failure(f"Proxy type '{new['proxy_type']}' is not implemented!")

    def _address(self) -> None:
        port, address = self.new["port"], self.new["local_bind_address"]
        fields = (("port", "Port"), ("external", "AllowExternal"), ("local_bind_address", "LocalBindAddress"))
        if all(self.new[key] == self.config[field] for key, field in fields):
            return
        if port in RESTRICTED:
            raise Failure("The port you have selected is restricted, try a different one.")
        if not 1 <= port <= 65535:
            raise Failure("The port you have selected is invalid, it must be between 1 and 65535.")
        if not (address or "").strip():
            raise Failure("You need to provide a local bind address.")
        try:
            loopback = ipaddress.ip_address(address).is_loopback
        except ValueError:
            raise Failure("An invalid IP address was specified.: Invalid argument", inner=True) from None
        if not loopback:
            raise Failure("The local address you selected is not a loopback one.")
        self._store("port", "external", "local_bind_address")
        self.web_host = True

    def _blackhole(self) -> None:
        if self.new["blackholedir"] == self.config["BlackholeDir"]:
            return
        if self.new["blackholedir"] and not Path(self.new["blackholedir"]).is_dir():
            raise Failure("Blackhole directory does not exist")
        self._store("blackholedir")


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def is_root() -> bool:
    return os.geteuid() == 0
