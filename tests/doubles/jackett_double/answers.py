# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes back over the wire, in the forms that ASP.NET and Jackett give it."""

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
    """Status, body and the headers that the body does not imply. `after` runs when it is on its way."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    after: Callable[[], None] | None = None


class Refused(Exception):
    """Raised anywhere below a route to answer at once."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Failure(Exception):
    """What the real program throws: its words become an HTTP 500. `inner`: it had a cause of its own."""

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
    """What the exception handler says; the real stack trace is of no use to anybody."""
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
