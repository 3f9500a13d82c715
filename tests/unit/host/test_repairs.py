# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor does for each step: requests to a scripted Docker, commands, and words to the containers."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_script import Exchange, scripted
from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import DockerError, GatewayError
from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor import repairs
from mediaserver.monitor.repairs import Repairs
from mediaserver.monitor.steps import Act, Step
from mediaserver.tunnel.configuration import State, failed_over

COMPOSE = "docker compose --project-directory {root} up --detach --pull never --no-build"


class Host:
    """Notes what it is asked."""

    done: list[str]

    def reload_barrier(self) -> None:
        self.done.append("reload the barrier")

    def signal(self, container: str) -> None:
        self.done.append(f"tell {container}")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was done, in order."""
    found: list[str] = []

    class Gateway:
        def __init__(self, root: Path, *, resolve: object, change: Any = None) -> None:
            what = "as it is" if change is None else "failed over" if change is failed_over else "resolved again"
            asked = "without a resolver" if resolve is repairs.look_up_nothing else "asking"
            found.append(f"gateway {what}, {asked}")

        def apply(self, host: object) -> None:
            assert isinstance(host, Host)
            found.append("apply")

        def notes(self) -> list[str]:
            return ["vpn.example cannot be resolved now; vpn-monitor tries again"]

    @contextlib.contextmanager
    def locked(path: Path) -> Iterator[None]:
        found.append("lock")
        yield
        found.append("unlock")

    monkeypatch.setattr(Host, "done", found, raising=False)
    monkeypatch.setattr(repairs, "Host", Host)
    monkeypatch.setattr(repairs, "Gateway", Gateway)
    monkeypatch.setattr(repairs.files, "locked", locked)
    monkeypatch.setattr(repairs.host_settings, "switch_on_forwarding", lambda: found.append("switch on forwarding"))
    monkeypatch.setattr(repairs, "run", lambda *command: found.append(" ".join(command)))
    return found


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Step(Act.LOAD_BARRIER, ""), ["reload the barrier"]),
        (Step(Act.FORWARD, ""), ["switch on forwarding"]),
        (Step(Act.RESTART_DOCKER, ""), ["systemctl restart docker.service"]),
        (Step(Act.BRING_UP, ""), [f"{COMPOSE} --no-recreate"]),
        (
            Step(Act.RECREATE, "", (TUNNEL, "transmission")),
            [f"{COMPOSE} --force-recreate --no-deps {TUNNEL} transmission"],
        ),
        (Step(Act.RELOAD_HOLDER, ""), [f"tell {HOLDER}", f"tell {TUNNEL}"]),
        (
            Step(Act.RESOLVE, ""),
            ["lock", "gateway resolved again, asking", "apply", "unlock", f"tell {TUNNEL}"],
        ),
        (Step(Act.FAIL_OVER, ""), ["lock", "gateway failed over, asking", "apply", "unlock"]),
    ],
    ids=lambda one: one.act.name if isinstance(one, Step) else "",
)
def test_steps_that_are_commands_and_words(done: list[str], tmp_path: Path, step: Step, expected: list[str]) -> None:
    Repairs(tmp_path).do(step)
    assert done == [line.format(root=tmp_path) for line in expected]


def listed(service: str, *, found: bool = True) -> Exchange:
    """The question for a service's container, and Docker's answer."""
    own = {"com.docker.compose.project": "mediaserver", "com.docker.compose.service": service}
    labels = json.dumps([f"{name}={value}" for name, value in own.items()])
    row = {"Id": f"{service}-id", "Names": [f"/mediaserver-{service}-1"], "State": "running", "Labels": own}
    return f'GET /containers/json?all=true&filters={{"label": {labels}}}', 200, [row] if found else []


@pytest.mark.parametrize(
    ("step", "script"),
    [
        (Step(Act.START, "", ("jellyfin",)), [("POST /containers/jellyfin-id/start", 204, None)]),
        (Step(Act.START, "", ("jellyfin",)), [("POST /containers/jellyfin-id/start", 304, None)]),
        (Step(Act.UNPAUSE, "", (HOLDER,)), [("POST /containers/vpn-id/unpause", 204, None)]),
        (Step(Act.RESTART, "", ("transmission",)), [("POST /containers/transmission-id/restart?t=10", 204, None)]),
        (Step(Act.RESTART_TUNNEL, ""), [("POST /containers/wireguard-id/restart?t=2", 204, None)]),
        (
            Step(Act.START, "", ("a", "b")),
            [("POST /containers/a-id/start", 204, None), ("POST /containers/b-id/start", 204, None)],
        ),
    ],
)
def test_steps_that_are_requests(
    done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Step, script: list[Exchange]
) -> None:
    asked = [(listed(request[0].split("/")[2].removesuffix("-id")), request) for request in script]
    with scripted(monkeypatch, tmp_path, *(one for pair in asked for one in pair)):
        Repairs(tmp_path).do(step)
    assert done == []


def test_a_foreign_container_is_never_taken_for_a_service_of_the_same_name(
    done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker is asked for the labels of both, so that it returns no other one."""
    with (
        scripted(monkeypatch, tmp_path, listed("jellyfin", found=False)),
        pytest.raises(DockerError, match="service jellyfin of project mediaserver has no container"),
    ):
        Repairs(tmp_path).do(Step(Act.START, "", ("jellyfin",)))


def test_an_endpoint_that_cannot_be_used_is_named_when_names_are_looked_up_again(
    done: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Repairs(tmp_path).do(Step(Act.RESOLVE, ""))
    Repairs(tmp_path).do(Step(Act.FAIL_OVER, ""))
    assert capsys.readouterr().out == "vpn.example cannot be resolved now; vpn-monitor tries again\n"


def test_a_request_that_docker_refuses_is_raised(
    done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = ("POST /containers/jellyfin-id/start", 500, {"message": "port is already allocated"})
    with (
        scripted(monkeypatch, tmp_path, listed("jellyfin"), script),
        pytest.raises(DockerError, match="port is already allocated"),
    ):
        Repairs(tmp_path).do(Step(Act.START, "", ("jellyfin",)))


@pytest.mark.parametrize("act", Act)
def test_every_act_has_a_repair(done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    asked: list[str] = []
    monkeypatch.setattr(DockerClient, "required", lambda self, project, service: {"Id": service})
    monkeypatch.setattr(DockerClient, "request", lambda self, method, path, **_: asked.append(path))
    Repairs(tmp_path).do(Step(act, "", ("jellyfin",)))
    assert done or asked


def test_a_new_lease_is_brought_to_the_containers_without_asking_for_names(done: list[str], tmp_path: Path) -> None:
    Repairs(tmp_path).apply()
    assert done == ["lock", "gateway as it is, without a resolver", "apply", "unlock"]


def test_names_are_looked_up_again_with_what_is_known_kept(
    done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[State] = []
    monkeypatch.setattr(repairs, "resolved_again", lambda settings, state, resolve: given.append(state) or state)
    monkeypatch.setattr(repairs, "Gateway", lambda root, *, resolve, change: given.append(change(None, State("a", {}))))
    with pytest.raises(AttributeError):
        Repairs(tmp_path).do(Step(Act.RESOLVE, ""))
    assert given == [State("a", {})] * 2


def test_a_command_that_fails_is_reported_with_its_last_lines() -> None:
    with pytest.raises(GatewayError, match=r"failed: two three four$"):
        repairs.run("sh", "-c", "printf 'one\ntwo\nthree\nfour\n' >&2; exit 3")
    with pytest.raises(GatewayError, match=r"failed: said here$"):
        repairs.run("sh", "-c", "echo said here; exit 1")
    repairs.run("true")


def test_a_command_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(command: list[str], **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", never)
    with pytest.raises(GatewayError, match=r"systemctl restart docker\.service has not ended after 180 s"):
        repairs.run("systemctl", "restart", "docker.service")
