# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that a restored service works: what its container says, and what the service itself answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_host import Docker, container
from health_home import settings_data
from import_home import PASSWORD, URL, FakeClock, Transmission
from mediaserver._core.errors import MediaserverError, ServiceProblem
from mediaserver._core.transport import Response
from mediaserver.monitor import hold
from mediaserver.restore import containers
from mediaserver.restore.containers import PROOF_S, Containers
from mediaserver.restore.service import Expected

KEY = "0123456789abcdef0123456789abcdef"
NOTHING = Expected({}, 0)


class Engine(Docker):
    """Docker with one container whose state is a list of answers, the last of which stays."""

    def __init__(self, service: str, *states: dict[str, Any]) -> None:
        super().__init__(container(service))
        self.states = list(states)
        self.asked: list[str] = []

    def request(self, method: str, path: str, **_more: Any) -> Any:
        self.asked.append(f"{method} {path}")

    def details(self, container: str) -> Any:
        del container
        return {"State": self.states.pop(0) if len(self.states) > 1 else self.states[0]}


def healthy(status: str = "healthy") -> dict[str, Any]:
    return {"Running": True, "Status": "running", "Health": {"Status": status}}


class Jellyfin:
    """The server's answers by path."""

    def __init__(self, **changes: Any) -> None:
        self.answers: dict[str, Any] = {
            "/Library/VirtualFolders": [{"Name": "Films"}],
            "/Items/Counts": {"MovieCount": 3, "EpisodeCount": 2},
            "/Users": [{"Name": "a"}, {"Name": "b"}],
            **{f"/{name.replace('_', '/')}": value for name, value in changes.items()},
        }

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        path = "/" + url.split("/", 3)[3]
        if path == "/health":
            return Response(200, {}, b"Healthy")
        found = self.answers[path]
        if isinstance(found, int):
            return Response(found, {}, b"Error processing request.")
        return Response(200, {"content-type": "application/json"}, json.dumps(found).encode())


def make(root: Path, engine: Engine, **more: Any) -> Containers:
    jellyfin = {"url": "http://127.0.0.1:8096", "administrator": "family", "folders": []}
    (root / "health.json").write_text(json.dumps(settings_data(root, jellyfin=jellyfin)))
    for name in ("secrets", "gateway"):
        (root / name).mkdir(exist_ok=True)
    access = {"url": URL, "user": "family", "password": PASSWORD}
    for path, text in (("secrets/jellyfin.key", f"{KEY}\n"), ("gateway/transmission.json", json.dumps(access))):
        (root / path).write_text(text)
        (root / path).chmod(0o600)
    return Containers(root, lambda: engine, FakeClock(None), root / "hold", **more)


def test_stops_and_starts_by_docker_and_pauses_vpn_monitor(tmp_path: Path) -> None:
    engine = Engine("jellyfin", healthy())
    made = make(tmp_path, engine)
    made.require("jellyfin")
    with made.paused():
        assert json.loads((tmp_path / "hold").read_text())["owner"] == containers.OWNER
        made.stop("jellyfin")
        made.start("jellyfin")
    assert not (tmp_path / "hold").exists()
    assert containers.HOLD_S <= hold.LONGEST_S
    assert engine.asked == ["POST /containers/id-jellyfin/stop", "POST /containers/id-jellyfin/start"]
    with pytest.raises(ServiceProblem, match="sonarr has no container"):
        made.require("sonarr")


def test_waits_until_the_container_is_healthy(tmp_path: Path) -> None:
    made = make(tmp_path, Engine("jackett", {"Running": False}, healthy("starting"), healthy()))
    assert made.prove("jackett", NOTHING) == ["its container is healthy"]
    assert made.clock.monotonic() == 2 * containers.PAUSE_S


def test_a_container_without_a_health_check_must_stay(tmp_path: Path) -> None:
    steady = {"Running": True, "Status": "running"}
    assert make(tmp_path, Engine("own", steady)).prove("own", NOTHING) == ["its container runs since 15 s"]
    restarting = {"Running": True, "Restarting": True, "Status": "restarting"}
    with pytest.raises(ServiceProblem, match=r"its container is restarting after 600 s"):
        make(tmp_path, Engine("own", restarting)).prove("own", NOTHING)


def test_an_unhealthy_container_is_no_proof(tmp_path: Path) -> None:
    made = make(tmp_path, Engine("jackett", healthy("unhealthy")))
    with pytest.raises(ServiceProblem, match="its container is unhealthy"):
        made.prove("jackett", NOTHING)
    assert made.clock.monotonic() >= PROOF_S


def test_jellyfin_must_list_libraries_items_and_the_users_of_the_snapshot(tmp_path: Path) -> None:
    made = make(tmp_path, Engine("jellyfin", healthy()), jellyfin_http=Jellyfin())
    assert made.prove("jellyfin", Expected({"Users": 2}, 0))[1] == (
        "it lists 1 libraries, 2 users, 3 films and 2 episodes"
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"Users": [{"Name": "a"}]}, "it lists 1 users, and the snapshot has 2"),
        ({"Library_VirtualFolders": []}, "it lists no library"),
        # Healthy, on a database of another version.
        ({"Library_VirtualFolders": 500}, "500"),
        ({"Items_Counts": 500}, "500"),
    ],
)
def test_a_healthy_jellyfin_that_cannot_be_read_is_no_proof(tmp_path: Path, changes: Any, text: str) -> None:
    made = make(tmp_path, Engine("jellyfin", healthy()), jellyfin_http=Jellyfin(**changes))
    with pytest.raises(MediaserverError, match=text):
        made.prove("jellyfin", Expected({"Users": 2}, 0))


def add(number: int) -> Callable[[Transmission], None]:
    return lambda daemon: daemon.add(f"{number:040x}", "a", [{"name": "a", "length": 1}])


def test_transmission_must_have_the_torrents_of_the_snapshot(tmp_path: Path) -> None:
    daemon = Transmission()
    add(1)(daemon)
    made = make(tmp_path, Engine("transmission", healthy()), transmission_http=daemon)
    assert made.prove("transmission", Expected({}, 1))[1] == "it has 1 torrents"
    with pytest.raises(ServiceProblem, match="it has 1 torrents, and the snapshot has 2"):
        made.prove("transmission", Expected({}, 2))


def test_transmission_that_refuses_the_password_is_not_asked_again(tmp_path: Path) -> None:
    daemon = Transmission(password="another")
    made = make(tmp_path, Engine("transmission", healthy()), transmission_http=daemon)
    with pytest.raises(MediaserverError, match="password"):
        made.prove("transmission", Expected({}, 1))
    # The handshake may take one more; a hundred lock all clients out.
    assert daemon.attempts <= 2
