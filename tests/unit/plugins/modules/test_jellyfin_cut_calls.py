# SPDX-License-Identifier: GPL-3.0-or-later
"""All Jellyfin modules lose the response of any one call, and the next run completes the work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import Unreachable
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response, UrlHttp
from ansible_collections.household.mediaserver.plugins.modules import (
    jellyfin_library,
    jellyfin_settings,
    jellyfin_setup,
    jellyfin_user,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import (
    PASSWORD,
    SimulatedServer,
)


class LostResponse:
    """Loses the response of one call after the server has processed it; with ``for_good``, all calls after it fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, for_good: bool) -> None:
        self.for_good = for_good
        self.left: int | None = None
        self.lost = ""
        send = UrlHttp.request

        def request(own: UrlHttp, method: str, url: str, **more: Any) -> Response:
            if self.left is not None and self.left < 0 and self.for_good:
                raise Unreachable(f"{url}: the connection was cut")
            answer = send(own, method, url, **more)
            if self.left is not None:
                self.left -= 1
                if self.left == -1:
                    self.lost = urlsplit(url).path
                    raise Unreachable(f"{url}: the connection was cut in the middle of the answer")
            return answer

        monkeypatch.setattr(UrlHttp, "request", request)

    def run(self, calls: int, run: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], bool]:
        """Return the module's result, and whether it made as many calls."""
        self.left = calls
        answer = run()
        hit, self.left = self.left < 0, None
        return answer, hit


def renewed(host: SimulatedServer, number: int, media: Path) -> dict[str, Any]:
    host.key_file.unlink()
    return {"username": "anna", "password": PASSWORD, "app_name": f"program {number}"}


WORK: dict[str, tuple[ModuleType, Callable[[SimulatedServer, int, Path], dict[str, Any]]]] = {
    "setup": (jellyfin_setup, renewed),
    "settings": (
        jellyfin_settings,
        lambda host, number, media: {
            "system": {"LibraryMonitorDelay": number + 2},
            "encoding": {"EncodingThreadCount": number + 2},
        },
    ),
    "library": (
        jellyfin_library,
        lambda host, number, media: {
            "libraries": [{"name": f"Library {number}", "type": "movies", "paths": [str(media / str(number))]}]
        },
    ),
    "user": (
        jellyfin_user,
        lambda host, number, media: {"users": [{"name": f"user{number}", "password": PASSWORD, "libraries": []}]},
    ),
}


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "permanently"])
@pytest.mark.parametrize("work", WORK.values(), ids=list(WORK))
def test_lost_response_fails_the_run_and_the_next_run_completes(
    claimed: SimulatedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, work: Any, for_good: bool
) -> None:
    module, options_of = work
    cut = LostResponse(monkeypatch, for_good=for_good)
    for number in range(40):
        (tmp_path / "media" / str(number)).mkdir(parents=True)
        options = options_of(claimed, number, tmp_path / "media")

        def run(options: dict[str, Any] = options) -> dict[str, Any]:
            return claimed.with_key(module, **options)

        answer, hit = cut.run(number, run)
        if not hit:
            assert "failed" not in answer
            break
        # A health request is repeated, and a session that could not be ended is a warning.
        harmless = cut.lost == "/Sessions/Logout" or (cut.lost == "/health" and not for_good)
        assert bool(answer.get("failed")) is not harmless, (cut.lost, answer)
        if module is jellyfin_user:
            policies = {user["Name"]: user["Policy"] for user in claimed.administrator().get("/Users")}
            seen = policies.get(f"user{number}", {}).get("EnableAllFolders", False)
            assert not seen or for_good, "an account without its policy has access to everything"
        again = run()
        assert "failed" not in again, again
        assert not run()["changed"]
    assert number > 3, "too few responses were lost for a result"
