# SPDX-License-Identifier: GPL-3.0-or-later
"""Who keeps the daemon running: what Docker and systemd say, and what they are told."""

from __future__ import annotations

import json

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils import _supervisor as supervisor
from ansible_collections.household.mediaserver.plugins.module_utils._errors import ServiceProblem


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
    assert supervisor.Unit(run, "t.service").setup() == supervisor.Nobody().setup() == {}


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


def test_nobody_stops_nothing() -> None:
    nobody = supervisor.Nobody()
    assert not nobody.can_stop
    assert nobody.state() == "unknown"
    with pytest.raises(ServiceProblem):
        nobody.stop()
    with pytest.raises(ServiceProblem):
        nobody.start()
