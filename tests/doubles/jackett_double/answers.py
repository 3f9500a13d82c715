# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP responses in the formats of ASP.NET and Jackett."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

JSON = "application/json; charset=utf-8"
SECTIONS = {
    400: ("15.5.1", "One or more validation errors occurred."),
    401: ("15.5.2", "Unauthorized"),
    415: ("15.5.16", "Unsupported Media Type"),
}


@dataclass(frozen=True)
class Answer:
    """Status, body and additional headers. `after` is called after the response has been sent."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    after: Callable[[], None] | None = None


class Refused(Exception):
    """Raised in a route's handler to send this response."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Failure(Exception):
    """An exception of the server; its message is sent with HTTP 500. `inner`: it has an inner exception."""

    def __init__(self, words: str, *, inner: bool = False) -> None:
        super().__init__(words)
        self.inner = inner


def given(value: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), JSON)


def text(body: str, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> Answer:
    return Answer(status, body.encode(), content_type)


def moved(location: str, *cookies: str, status: int = 302) -> Answer:
    return Answer(status, headers=(("Location", location), *(("Set-Cookie", cookie) for cookie in cookies)))


def failed(failure: Failure) -> Answer:
    """Return the response of the server's exception handler, with a placeholder for the stack trace."""
    body: dict[str, Any] = {"result": "error", "error": str(failure), "stacktrace": "..."}
    if failure.inner:
        body["innerstacktrace"] = None
    return Answer(500, json.dumps(body, indent=2, ensure_ascii=False).encode(), "application/json")


def problem(status: int, errors: dict[str, list[str]] | None = None) -> Answer:
    section, title = SECTIONS[status]
    body: dict[str, Any] = {} if errors is None else {"errors": errors}
    body |= {"type": f"https://tools.ietf.org/html/rfc9110#section-{section}", "title": title, "status": status}
    answer = given(body, status)
    return Answer(status, answer.body, "application/problem+json; charset=utf-8")
