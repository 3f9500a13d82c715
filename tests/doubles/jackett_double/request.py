# SPDX-License-Identifier: GPL-3.0-or-later
"""A request, as the routes use it."""

from __future__ import annotations

import email.policy
import json
from dataclasses import dataclass, field, replace
from email.parser import BytesParser
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jackett_double.answers import Refused, problem


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = ""  # the base path that was removed from the target

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def host(self) -> str:
        """Return host and port of the Host header, without port 80."""
        return self.header("Host").removesuffix(":80")

    @property
    def root(self) -> str:
        return f"http://{self.host}{self.base}"

    def under(self, base: str) -> Request:
        """Return the request without the base path, if it has it."""
        if base and (self.target == base or self.target.startswith(f"{base}/")):
            return replace(self, target=self.target[len(base) :] or "/", base=base)
        return self

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    def cookie(self, name: str) -> str:
        try:
            found = SimpleCookie(self.header("Cookie")).get(name)
        except CookieError:
            return ""
        return found.value if found else ""

    def query(self, name: str, *, exact: bool = False) -> str:
        """Return the first value of a query key, or an empty text. `exact`: case-sensitive, as Jackett's own parser."""
        pairs = parse_qsl(urlsplit(self.target).query, keep_blank_values=True)
        return next((v for k, v in pairs if k == name or (not exact and k.lower() == name.lower())), "")

    def queries(self, *names: str) -> list[str]:
        """Return all values of a query key."""
        pairs = parse_qsl(urlsplit(self.target).query, keep_blank_values=True)
        return [v for k, v in pairs if k.lower() in names and v]

    def form(self, name: str) -> str:
        """Return a form field, urlencoded or multipart."""
        media = self.header("Content-Type")
        if media.lower().startswith("application/x-www-form-urlencoded"):
            pairs = parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
            return next((value for key, value in pairs if key == name), "")
        if media.lower().startswith("multipart/form-data"):
            head = f"Content-Type: {media}\r\n\r\n".encode()
            message = BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body)
            for part in message.iter_parts() if message.is_multipart() else ():
                if part.get_param("name", header="content-disposition") == name:
                    return str(part.get_content()).removesuffix("\n").removesuffix("\r")
        return ""

    def json(self) -> Any:
        """Return the JSON body. Raises Refused when it is missing or invalid."""
        if not self.body:
            raise Refused(problem(400, {"": ["A non-empty request body is required."]}))
        media = self.header("Content-Type").split(";")[0].strip().lower()
        if not (media in ("application/json", "text/json") or media.endswith("+json")):
            raise Refused(problem(415))
        try:
            return json.loads(self.body)
        except ValueError:
            raise Refused(problem(400, _broken(self.body.decode("utf-8", "replace")))) from None


def _broken(body: str) -> dict[str, list[str]]:
    """Return Json.NET's message; for a truncated document it names the key at the end."""
    pieces = body.split('"')
    names = [pieces[i] for i in range(1, len(pieces) - 1, 2) if pieces[i + 1].lstrip().startswith(":")]
    if not names:
        return {"": [f"Unexpected character encountered while parsing value: {body[:1]}. Path '', line 1, position 1."]}
    where = f"Path '{names[-1]}', line 1, position {len(body)}."
    return {
        names[-1]: [
            f"Unexpected end when setting {names[-1]}'s value. {where}",
            f"Unexpected end when deserializing object. {where}",
        ]
    }
