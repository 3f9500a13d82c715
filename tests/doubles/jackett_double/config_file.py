# SPDX-License-Identifier: GPL-3.0-or-later
"""ServerConfig.json, read as Json.NET does; a file that it cannot read is replaced by defaults without a message."""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

Config = dict[str, Any]

# Name, type and value of a new installation, in the order of the file.
FIELDS: tuple[tuple[str, str, Any], ...] = (
    ("Port", "int", 9117),
    ("LocalBindAddress", "text", "127.0.0.1"),
    ("AllowExternal", "bool", True),
    ("AllowCORS", "bool", False),
    ("APIKey", "text", None),
    ("AdminPassword", "text", None),
    ("InstanceId", "text", None),
    ("BlackholeDir", "text", None),
    ("UpdateDisabled", "bool", False),
    ("UpdatePrerelease", "bool", False),
    ("BasePathOverride", "text", None),
    ("BaseUrlOverride", "text", None),
    ("CacheEnabled", "bool", True),
    ("CacheTtl", "long", 2100),
    ("CacheMaxResultsPerIndexer", "long", 1000),
    ("FlareSolverrUrl", "text", None),
    ("FlareSolverrMaxTimeout", "int", 55000),
    ("OmdbApiKey", "text", None),
    ("OmdbApiUrl", "text", None),
    # The first file has 0 (by its size); without a host this means no proxy.
    ("ProxyType", "proxy", 0),
    ("ProxyUrl", "text", None),
    ("ProxyPort", "int?", None),
    ("ProxyUsername", "text", None),
    ("ProxyPassword", "text", None),
    ("ProxyIsAnonymous", "bool", True),
)
KINDS = {name: kind for name, kind, _ in FIELDS}
SPELLINGS = {name.lower(): name for name in KINDS}
PROXIES = {"disabled": -1, "http": 0, "socks4": 1, "socks5": 2}
LIMITS = {"int": 31, "int?": 31, "proxy": 31, "long": 63}
ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "\x85\u2028\u2029"}
# Strings are kept; comments and trailing commas are removed.
LOOSE = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])', re.DOTALL)
ALPHABET = string.ascii_lowercase + string.digits


class ConfigFile:
    def __init__(self, path: Path, log: Callable[[str], None]) -> None:
        self._path = path
        self._log = log

    def open(self) -> Config:
        """Read the file at a start; it is written only when the key or the id is missing."""
        config = self._read() or {name: default for name, _, default in FIELDS}
        made = False
        for name, length in (("APIKey", 32), ("InstanceId", 64)):
            if not (config[name] or "").strip():
                config[name] = "".join(secrets.choice(ALPHABET) for _ in range(length))
                made = True
        if made:
            self.save(config)
        if config["ProxyType"] == 0 and not config["ProxyUrl"]:
            config["ProxyType"] = -1
        return config

    def save(self, config: Config) -> None:
        """Write the file in place, so that a power cut truncates it. A failure is only logged."""
        try:
            with self._path.open("w", encoding="utf-8") as file:
                file.write(render(config))
        except OSError as error:
            self._log(f"Error Error writing config file {self._path}: {error.strerror}")

    def _read(self) -> Config | None:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._log(f"Error Error reading config file {self._path}: {error.strerror}")
            return None
        try:
            return parse(raw)
        except (ValueError, TypeError, RecursionError):
            # As recorded: no log line, no copy.
            return None


def render(config: Config) -> str:
    ordered = {name: config[name] for name in KINDS}
    return json.dumps(ordered, indent=2, ensure_ascii=False).translate(ESCAPED)


def parse(raw: bytes) -> Config:
    """Parse the text. Raises ValueError where the server replaces the settings by defaults."""
    text = LOOSE.sub(lambda found: found[1] or "", raw.decode("utf-8-sig", "replace"))
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("no object")
    config = {name: default for name, _, default in FIELDS}
    for spelling, value in data.items():
        name = SPELLINGS.get(spelling.lower())
        if name is not None:
            config[name] = convert(KINDS[name], value)
    return config


def convert(kind: str, value: Any) -> Any:
    """Convert a value as Json.NET does for a field of this type. Raises ValueError."""
    if isinstance(value, dict | list) or (value is None and kind not in ("text", "int?")):
        raise ValueError(f"no {kind}")
    if value is None or (kind == "int?" and value == ""):
        return None
    if kind == "text":
        return ("true" if value else "false") if isinstance(value, bool) else str(value)
    if kind == "bool":
        if isinstance(value, str) and value.strip().lower() not in ("true", "false"):
            raise ValueError("no truth value")
        return value.strip().lower() == "true" if isinstance(value, str) else bool(value)
    if kind == "proxy" and isinstance(value, str) and value.lower() in PROXIES:
        return PROXIES[value.lower()]
    if isinstance(value, bool):
        raise ValueError("no number")
    number = round(value) if isinstance(value, float) else int(value)
    if abs(number) >= 2 ** LIMITS[kind]:
        raise ValueError("too large")
    return number
