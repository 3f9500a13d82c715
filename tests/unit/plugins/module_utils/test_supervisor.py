# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps the daemon running: the states of Docker and systemd, and the commands to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core import supervisor
from ansible_collections.household.mediaserver.plugins.module_utils._core.docker import DockerClient
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import ServiceProblem
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.docker_by_path import engine, row


class Runner:
    """Gives one answer and keeps the command."""

    def __init__(self, result: tuple[int, str, str] | None) -> None:
        self.result = result
        self.commands: list[str] = []

    def __call__(self, command: list[str]) -> tuple[int, str, str] | None:
        self.commands.append(" ".join(command))
        return self.result


def docker(status: str) -> tuple[int, str, str]:
    # The shape of Docker 20.10's and 28's answer.
    return (
        0,
        json.dumps(
            {
                "State": {"Status": status, "Running": status == "running", "Pid": 1, "ExitCode": 0},
                "Config": {"Entrypoint": ["/init"], "Env": ["PASS=correct horse"]},
            }
        )
        + "\n",
        "",
    )


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (docker("running"), "running"),
        (docker("paused"), "running"),
        (docker("restarting"), "restarting"),
        (docker("created"), "stopped"),
        (docker("exited"), "stopped"),
        (docker("dead"), "stopped"),
        ((1, "\n", "Error: No such container: transmission"), "stopped"),
        ((1, "[]\n", "Error response from daemon: No such container: transmission"), "stopped"),
        ((1, "", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."), "stopped"),
        (None, "stopped"),
    ],
)
def test_a_containers_state(result: tuple[int, str, str] | None, state: str) -> None:
    assert supervisor.Container(Runner(result), "transmission", stop_timeout=60).state() == state


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ((0, "ActiveState=active\nSubState=running\n", ""), "running"),
        ((0, "ActiveState=deactivating\nSubState=stop-sigterm\n", ""), "running"),
        ((0, "ActiveState=inactive\nSubState=dead\n", ""), "stopped"),
        ((0, "ActiveState=failed\nSubState=failed\n", ""), "stopped"),
        ((0, "ActiveState=activating\nSubState=auto-restart\n", ""), "restarting"),
        (None, "stopped"),
    ],
)
def test_a_units_state(result: tuple[int, str, str] | None, state: str) -> None:
    assert supervisor.Unit(Runner(result), "transmission-daemon.service").state() == state


@pytest.mark.parametrize("result", [(1, "", "permission denied"), (0, "nonsense", ""), (0, "[]", "")])
def test_what_is_not_understood_is_never_taken_for_stopped(result: tuple[int, str, str]) -> None:
    with pytest.raises(ServiceProblem, match="transmission"):
        supervisor.Container(Runner(result), "transmission", stop_timeout=60).state()
    with pytest.raises(ServiceProblem, match="transmission"):
        supervisor.Unit(Runner(result), "transmission.service").state()


def test_what_a_container_was_made_with_comes_with_its_state() -> None:
    run = Runner(docker("running"))
    container = supervisor.Container(run, "transmission", stop_timeout=60)
    assert container.setup() == {}
    container.state()
    assert container.setup() == {"Entrypoint": ["/init"], "Env": ["PASS=correct horse"]}
    assert len(run.commands) == 1
    assert supervisor.Unit(run, "t.service").setup() == supervisor.Unmanaged().setup() == {}


def test_the_environment_is_in_no_message() -> None:
    result = (0, '{"State": {}, "Config": {"Env": ["PASS=correct horse"]}}', "")
    with pytest.raises(ServiceProblem) as caught:
        supervisor.Container(Runner(result), "transmission", stop_timeout=60).state()
    assert "correct horse" not in str(caught.value)


def test_the_commands() -> None:
    run = Runner((0, "", ""))
    container = supervisor.Container(run, "transmission", stop_timeout=7)
    container.stop()
    container.start()
    unit = supervisor.Unit(run, "t.service")
    unit.stop()
    unit.start()
    assert run.commands == [
        "docker stop -t 7 transmission",
        "docker start transmission",
        "systemctl stop t.service",
        "systemctl start t.service",
    ]


@pytest.mark.parametrize("result", [(1, "", "no such namespace"), None])
def test_a_command_that_fails_is_named(result: tuple[int, str, str] | None) -> None:
    with pytest.raises(ServiceProblem, match="docker"):
        supervisor.Container(Runner(result), "transmission", stop_timeout=7).start()


def test_an_unmanaged_daemon_is_not_stopped() -> None:
    unmanaged = supervisor.Unmanaged()
    assert not unmanaged.can_stop
    assert unmanaged.state() == "unknown"
    with pytest.raises(ServiceProblem):
        unmanaged.stop()
    with pytest.raises(ServiceProblem):
        unmanaged.start()


DETAILS = {"Id": "f00d", "Config": {"Env": ["PASS=correct horse"]}, "State": {"Status": "exited"}}


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"/containers/json": [row("jackett", id="f00d")], "/containers/f00d/json": DETAILS}, "stopped"),
        (
            {
                "/containers/json": [row("jackett", id="f00d", name="/jackett")],
                "/containers/f00d/json": {**DETAILS, "State": {"Status": "restarting"}},
            },
            "restarting",
        ),
        ({"/containers/json": []}, "stopped"),
        ({"/containers/json": [row("jackett", id="gone")]}, "stopped"),
    ],
)
def test_a_compose_services_state(tmp_path: Path, answers: dict[str, Any], state: str) -> None:
    run = Runner((0, "", ""))
    with engine(tmp_path, answers) as (address, _asked):
        service = supervisor.ComposeService(run, DockerClient(address), "mediaserver", "jackett", stop_timeout=7)
        assert service.state() == state
    assert run.commands == []


def test_a_compose_service_is_stopped_by_the_id_of_its_container(tmp_path: Path) -> None:
    run = Runner((0, "", ""))
    answers = {"/containers/json": [row("jackett", id="f00d", name="/jackett")], "/containers/f00d/json": DETAILS}
    with engine(tmp_path, answers) as (address, _asked):
        service = supervisor.ComposeService(run, DockerClient(address), "mediaserver", "jackett", stop_timeout=7)
        service.state()
    service.stop()
    service.start()
    assert run.commands == ["docker stop -t 7 f00d", "docker start f00d"]
    assert service.setup() == {"Env": ["PASS=correct horse"]}


def test_a_docker_that_does_not_run_runs_no_service_and_one_that_fails_is_never_taken_for_that(tmp_path: Path) -> None:
    def service(address: str) -> supervisor.ComposeService:
        return supervisor.ComposeService(Runner(None), DockerClient(address), "mediaserver", "jackett", stop_timeout=7)

    assert service(str(tmp_path / "none.sock")).state() == "stopped"
    with (
        engine(tmp_path, {"/containers/json": b"nonsense"}) as (address, _asked),
        pytest.raises(ServiceProblem, match="container of service jackett in project mediaserver"),
    ):
        service(address).state()
