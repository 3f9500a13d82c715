# SPDX-License-Identifier: GPL-3.0-or-later
"""How a running service is asked to read its files again: by the labels of its container."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from docker_script import Exchange, scripted
from mediaserver._core import docker
from mediaserver._core.errors import GatewayError
from mediaserver.firewall.nft import Nft
from mediaserver.tunnel.gateway import Host


def host() -> Host:
    """The host without nft, which a signal does not need."""
    return Host(cast(Nft, object()))


LABELS = '["com.docker.compose.project=mediaserver", "com.docker.compose.service=vpn"]'
LIST = f'GET /containers/json?all=true&filters={{"label": {LABELS}}}'


def row(service: str, state: str = "running", name: str = "", **labels: str) -> dict[str, Any]:
    named = name or f"/mediaserver-{service}-1"
    own = {"com.docker.compose.project": "mediaserver", "com.docker.compose.service": service, **labels}
    return {"Id": f"{service}-{state}", "Names": [named], "State": state, "Labels": own}


ONE_OFF = row("vpn", name="/mediaserver-vpn-run-1", **{"com.docker.compose.oneoff": "True"}) | {"Id": "run"}


@pytest.mark.parametrize(
    ("rows", "then"),
    [
        ([row("vpn")], [("POST /containers/vpn-running/kill?signal=HUP", 204, None)]),
        ([row("vpn", name="/vpn")], [("POST /containers/vpn-running/kill?signal=HUP", 204, None)]),
        ([row("vpn", "created"), row("vpn")], [("POST /containers/vpn-running/kill?signal=HUP", 204, None)]),
        ([ONE_OFF, row("vpn")], [("POST /containers/vpn-running/kill?signal=HUP", 204, None)]),
        ([row("vpn", "exited")], []),
        ([ONE_OFF], []),
        ([], []),
    ],
    ids=[
        "runs",
        "old name",
        "while replaced",
        "beside docker compose run",
        "stopped",
        "docker compose run alone",
        "none",
    ],
)
def test_the_running_container_of_the_service_gets_the_signal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: list[dict[str, Any]], then: list[Exchange]
) -> None:
    with scripted(monkeypatch, tmp_path, (LIST, 200, rows), *then):
        host().signal("vpn")


def test_a_docker_that_does_not_answer_runs_nothing_that_could_be_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(docker, "DOCKER_SOCKET", str(tmp_path / "none.sock"))
    host().signal("vpn")


def test_a_signal_that_is_refused_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refusal = ("POST /containers/vpn-running/kill?signal=HUP", 409, {"message": "is not running"})
    with (
        scripted(monkeypatch, tmp_path, (LIST, 200, [row("vpn")]), refusal),
        pytest.raises(GatewayError, match=r"service vpn did not reload its files: .*is not running"),
    ):
        host().signal("vpn")
