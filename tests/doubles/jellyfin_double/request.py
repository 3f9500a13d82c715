# SPDX-License-Identifier: GPL-3.0-or-later
"""A request, as the routes use it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jellyfin_double.answers import Refused, invalid, problem, required


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    remote: str = "127.0.0.1"
    local: str = "127.0.0.1:8096"

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    def header(self, name: str) -> str:
        """Return a header, or an empty text; names are not case-sensitive."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    def query(self, name: str) -> str | None:
        """Return the first value of a query key; keys are not case-sensitive."""
        pairs = parse_qsl(urlsplit(self.target).query, keep_blank_values=True)
        return next((value for key, value in pairs if key.lower() == name.lower()), None)

    def text(self, name: str) -> str:
        """Return a required query value. Raises Refused when it is empty."""
        value = self.query(name)
        if not value or not value.strip():
            raise Refused(required(name))
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean of the query, False when it is missing."""
        value = self.query(name)
        if value is None or value.lower() in ("true", "false"):
            return value is not None and value.lower() == "true"
        raise Refused(invalid({name: [f"The value '{value}' is not valid."]}))

    def number(self, name: str, default: int | None = None) -> int | None:
        value = self.query(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            raise Refused(invalid({name: [f"The value '{value}' is not valid."]})) from None

    def names(self, name: str) -> list[str]:
        """Return a list of the query, split at commas."""
        return [part for part in (self.query(name) or "").split(",") if part]

    def json(self, parameter: str) -> Any:
        """Return the required JSON body; `parameter` is its name in the server's error message."""
        media = self.header("Content-Type").split(";")[0].strip().lower()
        if not (media in ("application/json", "text/json") or media.endswith("+json")):
            raise Refused(problem(415))
        missing = {parameter: [f"The {parameter} field is required."]}
        if not self.body.strip():
            raise Refused(invalid({"": ["A non-empty request body is required."], **missing}))
        try:
            value = json.loads(self.body)
        except ValueError:
            # The server's message has the path and the position at which the parser has stopped.
            detail = "Expected depth to be zero at the end of the JSON payload."
            raise Refused(invalid({**missing, _last_key(self.body): [detail]})) from None
        if value is None:
            raise Refused(invalid({"": ["A non-empty request body is required."], **missing}))
        return value

    def optional_json(self, parameter: str) -> Any:
        """Return the optional JSON body; None without a body."""
        return self.json(parameter) if self.body.strip() else None


def _last_key(body: bytes) -> str:
    """Return the JSON path of the last key, for the message about an invalid document."""
    pieces = body.decode("utf-8", "replace").split('"')
    names = [pieces[i] for i in range(1, len(pieces) - 1, 2) if pieces[i + 1].lstrip().startswith(":")]
    return f"$.{names[-1]}" if names else "$"
