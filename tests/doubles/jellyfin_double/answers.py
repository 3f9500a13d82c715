# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP responses in the formats of ASP.NET and Jellyfin."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

JSON = "application/json; charset=utf-8"
# Sections of RFC 9110 in the server's problem documents.
SECTIONS = {
    400: ("15.5.1", "Bad Request"),
    404: ("15.5.5", "Not Found"),
    415: ("15.5.16", "Unsupported Media Type"),
}


@dataclass(frozen=True)
class Answer:
    """Status, body and additional headers."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Refused(Exception):
    """Raised in a route's handler to send this response."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def given(value: Any, status: int = 200) -> Answer:
    """Return a JSON response. Keys with the value None are sent; omit keys that the server omits."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, JSON)


def nothing(status: int = 204) -> Answer:
    return Answer(status)


def text(body: str, status: int = 200, content_type: str = "text/plain") -> Answer:
    return Answer(status, body.encode(), content_type)


def failed(status: int) -> Answer:
    """Return the response of the server's exception handler, which does not name the error."""
    return text("Error processing request.", status)


def problem(status: int) -> Answer:
    section, title = SECTIONS[status]
    return given({"type": _section(section), "title": title, "status": status, "traceId": _trace()}, status)


def invalid(errors: dict[str, list[str]]) -> Answer:
    """Return the response with status 400 of model binding or validation."""
    return given(
        {
            "type": _section("15.5.1"),
            "title": "One or more validation errors occurred.",
            "status": 400,
            "errors": errors,
            "traceId": _trace(),
        },
        400,
    )


def required(name: str) -> Answer:
    return invalid({name: [f"The {name} field is required."]})


def _section(section: str) -> str:
    return f"https://tools.ietf.org/html/rfc9110#section-{section}"


def _trace() -> str:
    return f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-00"
