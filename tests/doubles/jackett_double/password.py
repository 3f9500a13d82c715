# SPDX-License-Identifier: GPL-3.0-or-later
"""The administrator's password, hashed with the APIKey; a new key invalidates it."""

from __future__ import annotations

import hashlib

from jackett_double.answers import Failure, Refused, problem
from jackett_double.config_file import Config
from jackett_double.request import Request

SHOWN = 10


def hashed(plain: str, key: str) -> str | None:
    """Return SHA-512 over UTF-16LE as lower-case hex; None for an empty password."""
    return hashlib.sha512((plain + key).encode("utf-16-le", "surrogatepass")).hexdigest() if plain else None


def accepts(config: Config, given: str) -> bool:
    """Compare exactly: no password matches an upper-case hash or a plain text in the file."""
    stored = config["AdminPassword"]
    return not stored or hashed(given, config["APIKey"]) == stored


def shown(config: Config) -> str:
    """Return the part of the hash that the configuration contains. Raises Failure when it is shorter than that."""
    stored: str = config["AdminPassword"] or ""
    if stored and len(stored) < SHOWN:
        raise Failure("Index and length must refer to a location within the string. (Parameter 'length')")
    return stored[:SHOWN]


def wanted(request: Request) -> str:
    """Return the new password of a request, a JSON string."""
    value = request.json()
    if isinstance(value, dict | list):
        first = request.body.lstrip()[:1].decode()
        words = f"Unexpected character encountered while parsing value: {first}. Path '', line 1, position 1."
        raise Refused(problem(400, {"": [words]}))
    if value is None:
        # Not recorded; ASP.NET treats null as a missing body.
        raise Refused(problem(400, {"": ["A non-empty request body is required."]}))
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
