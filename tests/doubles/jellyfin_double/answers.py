# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes back over the wire, in the forms that ASP.NET and Jellyfin give it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

JSON = "application/json; charset=utf-8"
# RFC 9110 sections, as the server names them in its problem documents.
SECTIONS = {
    400: ("15.5.1", "Bad Request"),
    404: ("15.5.5", "Not Found"),
    415: ("15.5.16", "Unsupported Media Type"),
}


@dataclass(frozen=True)
class Answer:
    """Status, body and the headers that the body does not imply."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Refused(Exception):
    """Raised anywhere below a route to answer at once."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def given(value: Any, status: int = 200) -> Answer:
    """A JSON answer; a key whose value is None stays, so callers leave out what the server leaves out."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, JSON)


def nothing(status: int = 204) -> Answer:
    return Answer(status)


def text(body: str, status: int = 200, content_type: str = "text/plain") -> Answer:
    return Answer(status, body.encode(), content_type)


def failed(status: int) -> Answer:
    """What the server's exception handler says: never what was wrong."""
    return text("Error processing request.", status)


def problem(status: int) -> Answer:
    section, title = SECTIONS[status]
    return given({"type": _section(section), "title": title, "status": status, "traceId": _trace()}, status)


def invalid(errors: dict[str, list[str]]) -> Answer:
    """400 from model binding or validation."""
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
