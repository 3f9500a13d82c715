# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of the Jellyfin modules: their DeviceIds, both versions, and validity by the OpenAPI documents."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response, UrlHttp
from ansible_collections.household.mediaserver.plugins.modules import jellyfin_library, jellyfin_user
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import (
    START,
    WANTED,
    SimulatedServer,
)

SHARED = Path(os.environ.get("MEDIASERVER_SHARED", Path(__file__).resolve().parents[4].parent / "shared"))
# Paths of the server that are not part of the documented API.
UNDOCUMENTED = {"/health", "/metrics"}


def test_each_module_has_a_constant_device_id(claimed: SimulatedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second login with a DeviceId ends the first session, and a new DeviceId for each run would add sessions."""
    sent: set[str] = set()
    send = UrlHttp.request

    def request(own: UrlHttp, method: str, url: str, *, headers: dict[str, str], **more: Any) -> Response:
        sent.update(re.findall('DeviceId="([^"]+)"', headers.get("Authorization", "")))
        return send(own, method, url, headers=headers, **more)

    def devices(run: Callable[[], dict[str, Any]]) -> list[str]:
        sent.clear()
        assert "failed" not in run()
        return sorted(sent)

    def setup() -> dict[str, Any]:
        claimed.key_file.unlink()
        return claimed.setup()

    others = [claimed.administrator()]
    monkeypatch.setattr(UrlHttp, "request", request)
    programs: list[Callable[[], dict[str, Any]]] = [
        setup,
        lambda: claimed.settings(system={"LibraryMonitorDelay": 1}),
        lambda: claimed.with_key(jellyfin_library, libraries=[{"name": "Gone", "state": "absent"}]),
        lambda: claimed.with_key(jellyfin_user, users=[{"name": "anna"}]),
    ]
    first, second = ([devices(program) for program in programs] for _ in range(2))
    assert [len(found) for found in first] == [1] * 4
    assert len({found[0] for found in first}) == 4
    assert second == first
    assert others[0].get("/Users/Me")["Name"] == "anna"


@pytest.mark.parametrize("host", ["10.11"], indirect=True)
def test_upgrade_changes_nothing_and_a_downgrade_is_reported(claimed: SimulatedServer) -> None:
    claimed.version = "12.0"
    claimed.boot(START)
    assert not claimed.setup()["changed"]
    absent = [{"name": "Gone", "state": "absent"}]
    assert claimed.with_key(jellyfin_library, libraries=absent)["changed"] is False
    # 10.11 with a database that 12.0 migrated is Healthy and accepts logins; only the list of libraries fails.
    claimed.version = "10.11"
    claimed.boot(START)
    assert not claimed.setup()["changed"]
    refused = claimed.with_key(jellyfin_library, libraries=absent)
    assert "GET " in refused["msg"] and "/Library/VirtualFolders: status 500" in refused["msg"]


def test_every_request_is_in_the_openapi_documents(host: SimulatedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    path = SHARED / "jellyfin" / f"openapi-{host.version}.json"
    if not path.exists():
        pytest.skip(f"{path.parent} is not there: the official documents are not part of this project")
    made: list[tuple[str, SplitResult, dict[str, str], bytes | None]] = []
    send = UrlHttp.request

    def request(
        self: UrlHttp, method: str, url: str, *, headers: dict[str, str], body: Any, timeout: float
    ) -> Response:
        made.append((method, urlsplit(url), headers, body))
        return send(self, method, url, headers=headers, body=body, timeout=timeout)

    monkeypatch.setattr(UrlHttp, "request", request)
    host.boot(START)
    assert host.setup()["wizard_run"]
    assert host.settings(**WANTED, restart="when_needed")["restarted"]
    official = json.loads(path.read_text(encoding="utf-8"))
    seen = {(method, url.path) for method, url, _, _ in made}
    assert {("POST", "/Startup/User"), ("POST", "/System/Configuration/network"), ("POST", "/System/Restart")} <= seen
    for method, url, headers, body in made:
        if url.path in UNDOCUMENTED:
            continue
        pattern = url.path if url.path in official["paths"] else "/System/Configuration/{key}"
        operation = official["paths"][pattern][method.lower()]
        query = [item for item in operation.get("parameters", []) if item["in"] == "query"]
        needed = {item["name"] for item in query if item.get("required")}
        assert needed <= set(parse_qs(url.query)) <= {item["name"] for item in query}
        assert ("requestBody" in operation) == (body is not None)
        if body is None or pattern.endswith("{key}"):
            continue
        content = operation["requestBody"]["content"]
        assert headers["Content-Type"] in content
        schema = content["application/json"]["schema"]
        name = (schema.get("allOf") or [schema])[0]["$ref"].rpartition("/")[2]
        assert set(json.loads(body)) <= set(official["components"]["schemas"][name]["properties"])
