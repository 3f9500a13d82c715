# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a whole Jellyfin module over a socket on the double, and validates every request by the OpenAPI documents."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response, UrlHttp

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "doubles"))
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "contract"))

from jellyfin_installation import Installation
from jellyfin_requests import validate_request
from shared_material import JELLYFIN, missing

UNDOCUMENTED = {"/health"}


class Runs:
    """A server whose wizard is completed, and methods that run a module on it."""

    def __init__(self, folder: Path, version: str, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
        self.host = Installation(folder, version).set_up()
        self.host.call("POST", "/Auth/Keys", app="tests")
        self.key = self.host.call("GET", "/Auth/Keys").json["Items"][0]["AccessToken"]
        self.monkeypatch = monkeypatch
        self.capfd = capfd
        self.warnings = ""
        self.secrets: list[str] = []
        self.writes: list[str] = []
        self.requests = 0
        self.documents = not missing(JELLYFIN)
        send = UrlHttp.request

        def request(
            own: UrlHttp, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
        ) -> Response:
            self._seen(method, url, body)
            return send(own, method, url, headers=headers, body=body, timeout=timeout)

        monkeypatch.setattr(UrlHttp, "request", request)

    def _seen(self, method: str, url: str, body: bytes | None) -> None:
        self.requests += 1
        parts = urlsplit(url)
        path = unquote(parts.path)
        if method != "GET":
            self.writes.append(f"{method} {path}")
        if self.documents and path not in UNDOCUMENTED:
            query = parse_qsl(parts.query, keep_blank_values=True)
            validate_request(self.host.server.version, method, path, query, json.loads(body) if body else None)

    # The two functions that the modules use of the module time.
    def monotonic(self) -> float:
        return self.host.clock.monotonic()

    def sleep(self, seconds: float, /) -> None:
        self.host.pass_time(seconds)

    def run(self, module: ModuleType, *, check: bool = False, **options: Any) -> dict[str, Any]:
        self.monkeypatch.setattr(module, "time", self)
        self.writes = []
        given = {"url": self.host.server.url, "timeout": 60, "api_key": self.key, **options}
        with patch_module_args({**given, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()  # type: ignore[attr-defined]
        output, self.warnings = self.capfd.readouterr()
        for secret in (self.key, *self.secrets):
            assert secret not in output + self.warnings
        answer: dict[str, Any] = json.loads(output)
        answer.pop("invocation", None)
        return answer

    def four_times(self, module: ModuleType, **options: Any) -> dict[str, Any]:
        """Run in check mode, for real, and both again: prediction equals run, and the rest changes nothing."""
        predicted = self.run(module, check=True, **options)
        assert [write for write in self.writes if "Logout" not in write and "Authenticate" not in write] == []
        done = self.run(module, **options)
        assert "failed" not in done, done
        assert done == predicted
        for check in (True, False):
            again = self.run(module, check=check, **options)
            assert (again["changed"], again["changes"], again["actions"]) == (False, {}, [])
            assert [write for write in self.writes if "Logout" not in write and "Authenticate" not in write] == []
        return done
