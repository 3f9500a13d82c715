# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs whole modules over a socket on a server in simulated time, before or after its wizard was completed."""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils import urls
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import UrlHttp
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.client import JellyfinClient
from ansible_collections.household.mediaserver.plugins.modules import (
    jellyfin_library,
    jellyfin_settings,
    jellyfin_setup,
    jellyfin_user,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "doubles"))

from jellyfin_double import ManualClock, Server, Timing

PASSWORD = "first-Pass-1 ä\"'\\"
PROXY_PASSWORD = "certificate-Pass-9"
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
START = Timing(down_s=0.5, degraded_s=3, gap_s=1, loading_s=3)

# Options of jellyfin_settings for every section, with a secret.
WANTED: dict[str, Any] = {
    "system": {"LibraryMonitorDelay": 1, "TrickplayOptions": {"ProcessThreads": 2}, "SortRemoveWords": ["the"]},
    "encoding": {"EncodingThreadCount": 2, "TranscodingTempPath": "/cache/cook", "DownMixAudioBoost": 1.5},
    "network": {"CertificatePassword": PROXY_PASSWORD, "KnownProxies": ["198.18.0.1"]},
}


class SimulatedServer:
    """A server in simulated time, and methods that run the modules."""

    def __init__(self, folder: Path, version: str, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
        self.clock = ManualClock()
        self.config = folder / "config"
        self.config.mkdir()
        self.version = version
        self.key_file = folder / "api-key"
        self.capfd = capfd
        self.server = Server(self.config, version=version, clock=self.clock)
        for module in (jellyfin_setup, jellyfin_settings, jellyfin_library, jellyfin_user):
            monkeypatch.setattr(module, "time", self)
        # Ansible reads all certificates of the host before each call, also for plain HTTP, which is slow.
        monkeypatch.setattr(urls, "make_context", lambda *_, **__: NO_CERTIFICATES)

    # The two functions that the modules use of the module time.
    def monotonic(self) -> float:
        return self.clock.monotonic()

    def sleep(self, seconds: float, /) -> None:
        self.clock.advance(seconds)
        self.server.sync()

    def boot(self, timing: Timing | None = None) -> None:
        self.server.stop()
        self.server = Server(
            self.config, version=self.version, clock=self.clock, timing=timing or Timing(), port=self.server.port
        )
        self.server.start()

    def client(self, token: str = "") -> JellyfinClient:
        return JellyfinClient(
            UrlHttp(), self.server.url, client="tests", device_id="tests", clock=self, token=token, timeout=20
        )

    def administrator(self) -> JellyfinClient:
        client = self.client()
        client.login("anna", PASSWORD)
        return client

    def setup(self, **options: Any) -> dict[str, Any]:
        defaults = {"username": "anna", "password": PASSWORD, "server_name": "Home", "metadata_language": "de"}
        return self._run(jellyfin_setup, **{**defaults, "api_key_file": str(self.key_file), **options})

    def settings(self, **options: Any) -> dict[str, Any]:
        return self._run(jellyfin_settings, **{"api_key_file": str(self.key_file), **options})

    def with_key(self, module: ModuleType, **options: Any) -> dict[str, Any]:
        return self._run(module, **{"api_key_file": str(self.key_file), **options})

    def _run(self, module: ModuleType, **options: Any) -> dict[str, Any]:
        with patch_module_args({"url": self.server.url, "timeout": 60, **options}), pytest.raises(SystemExit):
            module.main()
        output, self.warnings = self.capfd.readouterr()
        answer: dict[str, Any] = json.loads(output)
        # The returned invocation has its no_log options masked; nothing else may contain a secret.
        key = self.key_file.read_text().strip() if self.key_file.exists() else ""
        for secret in (PASSWORD, json.dumps(PASSWORD)[1:-1], PROXY_PASSWORD, key):
            assert not secret or secret not in output + self.warnings
        return answer


@pytest.fixture(params=["10.11", "12.0"])
def host(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[SimulatedServer]:
    host = SimulatedServer(tmp_path, request.param, monkeypatch, capfd)
    yield host
    host.server.stop()


@pytest.fixture
def claimed(host: SimulatedServer) -> SimulatedServer:
    host.boot()
    assert host.setup()["wizard_run"]
    return host
