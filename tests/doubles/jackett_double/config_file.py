# SPDX-License-Identifier: GPL-3.0-or-later
"""ServerConfig.json: as forgiving as Json.NET where it forgives, and gone without a word where it does not."""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

Config = dict[str, Any]

# In the order in which the real one writes them: name, kind, value of a new installation.
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
    # The first file says 0 without a host (its size tells), which is read as no proxy.
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
# A string, kept; a comment or a comma before a closing bracket, dropped.
LOOSE = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])', re.DOTALL)
ALPHABET = string.ascii_lowercase + string.digits


class ConfigFile:
    def __init__(self, path: Path, log: Callable[[str], None]) -> None:
        self._path = path
        self._log = log

    def open(self) -> Config:
        """What a start makes of the file; it is written only where the key or the id is missing."""
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
        """Written in place: a power cut here leaves half a file. A failure is logged, and told to nobody."""
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
            # No log line, no copy: so it is.
            return None


def render(config: Config) -> str:
    ordered = {name: config[name] for name in KINDS}
    return json.dumps(ordered, indent=2, ensure_ascii=False).translate(ESCAPED)


def parse(raw: bytes) -> Config:
    """Raises ValueError for what costs the real one its settings."""
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
    """A value as Json.NET reads it into a field of this kind. Raises ValueError."""
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
