# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a program at any of its calls that change a file or send something."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from import_home import Household
from mediaserver._core import transport

CHANGES = ("link", "mkdir", "replace", "unlink", "rmdir", "fchmod", "rename")


class Killed(BaseException):
    """The process is gone: neither a handler nor a finally may change something after it."""


class Killer:
    """Counts the calls, and kills at one of them: before it, or after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Household) -> None:
        self.calls: list[str] = []
        self.at, self.after, self.dead, self.armed = -1, False, False, False
        for name in CHANGES:
            monkeypatch.setattr(os, name, self._wrapped(name, getattr(os, name)))
        real_open = os.open

        def opened(path: Any, flags: int, *rest: Any, **more: Any) -> int:
            if flags & os.O_CREAT:
                return int(self._call(f"create {path}", lambda: real_open(path, flags, *rest, **more)))
            return real_open(path, flags, *rest, **more)

        monkeypatch.setattr(os, "open", opened)
        real_request = home.transmission.request

        def request(*arguments: Any, **more: Any) -> Any:
            return self._call("ask Transmission", lambda: real_request(*arguments, **more))

        monkeypatch.setattr(home.transmission, "request", request)

        real_url = transport.UrlHttp.request

        def asked(http: Any, *arguments: Any, **more: Any) -> Any:
            return self._call("ask Jellyfin", lambda: real_url(http, *arguments, **more))

        monkeypatch.setattr(transport.UrlHttp, "request", asked)

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **more: self._call(f"{name} {arguments[0]}", lambda: real(*arguments, **more))

    def _call(self, what: str, action: Callable[[], Any]) -> Any:
        if not self.armed:
            return action()
        if self.dead:
            raise Killed
        self.calls.append(what)
        fatal = len(self.calls) - 1 == self.at
        if fatal and not self.after:
            self.dead = True
            raise Killed
        try:
            return action()
        finally:
            if fatal:
                self.dead = True
                raise Killed

    @contextmanager
    def killing(self, at: int, *, after: bool) -> Iterator[None]:
        self.calls, self.at, self.after, self.dead, self.armed = [], at, after, False, True
        try:
            yield
        except Killed:
            pass
        finally:
            self.armed = False
