# SPDX-License-Identifier: GPL-3.0-or-later
"""The forwarded port of an own service: a file below its configuration, and a command in its container."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import DockerError
from mediaserver.monitor.port_delivery import LONGEST_S, RETRY_S, PortDelivery
from mediaserver.services import Service

COMMAND = ("reload", "--now")
SERVICE = Service(
    "own", "Own", "vpn", waits=False, port_delivery="file", port_file="config/own/a/port", port_command=COMMAND
)


@dataclass
class Docker(DockerClient):
    """An engine with one container."""

    state: str = "running"
    status: str = "Up 3 seconds (healthy)"
    started: str = "first"
    code: int | None = 0  # of each command
    trouble: bool = False
    commands: list[tuple[str, ...]] = field(default_factory=list)

    def service(self, project: str, service: str) -> dict[str, Any] | None:
        if self.trouble:
            raise DockerError("Docker does not answer")
        return {"Id": "abc", "State": self.state, "Status": self.status} if self.state else None

    def details(self, container: str) -> dict[str, Any] | None:
        return {"State": {"StartedAt": self.started}}

    def start_command(self, container: str, command: Sequence[str]) -> str:
        self.commands.append(tuple(command))
        return "command"

    def exit_code(self, command: str) -> int | None:
        return self.code


@dataclass
class Scene:
    """One service whose port is refreshed as time passes."""

    root: Path
    logged: Callable[[], str]
    docker: Docker = field(default_factory=Docker)
    clock: float = 1000.0
    service: Service = SERVICE

    def __post_init__(self) -> None:
        (self.root / "config" / "own" / "a").mkdir(parents=True)
        self.delivery = PortDelivery(self.root, self.docker)

    def refresh(self, port: int = 40001, *, after: float = 5.0, rounds: int = 2) -> list[str]:
        for _ in range(rounds):
            self.clock += after
            self.delivery.refresh(self.service, port, self.clock)
        return self.logged().splitlines()

    @property
    def file(self) -> Path:
        return self.root / "config" / "own" / "a" / "port"


@pytest.fixture
def scene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Scene:
    return Scene(tmp_path, lambda: capsys.readouterr().out)


def test_a_service_gets_the_port_once(scene: Scene) -> None:
    assert scene.refresh() == ["Own has got the forwarded port 40001"]
    assert scene.file.read_text() == "40001\n"
    assert scene.file.stat().st_mode & 0o777 == 0o644
    assert scene.docker.commands == [COMMAND]
    assert scene.refresh() == []
    assert len(scene.docker.commands) == 1


def test_another_port_and_another_start_are_reasons_to_give_it_again(scene: Scene) -> None:
    scene.refresh()
    scene.refresh(40002)
    assert scene.file.read_text() == "40002\n"
    scene.docker.started = "second"
    scene.file.unlink()
    scene.refresh(40002)
    assert scene.file.read_text() == "40002\n"
    assert len(scene.docker.commands) == 3


def test_without_a_port_or_a_receiver_nothing_is_done(scene: Scene) -> None:
    scene.docker.trouble = True
    assert scene.refresh(0) == []
    scene.delivery.refresh(None, 40001, scene.clock)
    assert scene.logged() == ""
    assert not scene.file.exists()


def test_while_no_port_is_forwarded_the_file_stays(scene: Scene) -> None:
    scene.refresh()
    scene.refresh(0)
    assert scene.file.read_text() == "40001\n"


@pytest.mark.parametrize(
    ("state", "status"),
    [("exited", "Exited (0)"), ("running", "Up 1 second (health: starting)"), ("", "")],
    ids=["stopped", "starting", "missing"],
)
def test_the_file_is_there_before_the_service_is_ready_and_the_command_waits(
    scene: Scene, state: str, status: str
) -> None:
    scene.docker.state, scene.docker.status = state, status
    assert scene.refresh() == []
    assert (scene.file.read_text(), scene.docker.commands) == ("40001\n", [])
    scene.docker.state, scene.docker.status = "running", "Up 9 seconds (healthy)"
    assert scene.refresh() == ["Own has got the forwarded port 40001"]
    assert scene.docker.commands == [COMMAND]


def test_a_file_may_do_without_a_command(scene: Scene) -> None:
    scene.service = Service("own", "Own", "vpn", port_delivery="file", port_file="config/own/a/port")
    assert scene.refresh() == ["Own has got the forwarded port 40001"]
    assert scene.docker.commands == []


def test_a_command_that_fails_is_reported_once_and_run_again(scene: Scene) -> None:
    scene.docker.code = 7
    (said,) = scene.refresh(rounds=5)
    assert said == "Own does not get the forwarded port 40001: reload --now ended with exit code 7"
    assert len(scene.docker.commands) == 1, "it is not repeated at once"
    assert scene.refresh(after=RETRY_S, rounds=4) == []
    assert len(scene.docker.commands) == 3
    scene.docker.code = 0
    assert scene.refresh(after=RETRY_S, rounds=4) == ["Own has got the forwarded port 40001"]


def test_command_that_does_not_end_is_reported_once_and_not_started_again(scene: Scene) -> None:
    scene.docker.code = None
    assert scene.refresh(rounds=4) == []
    (said,) = scene.refresh(after=LONGEST_S, rounds=4)
    assert said.endswith("reload --now has not ended after 60 s")
    assert scene.refresh(after=LONGEST_S, rounds=4) == []
    assert len(scene.docker.commands) == 1
    scene.docker.code = 0
    assert scene.refresh(rounds=4) == ["Own has got the forwarded port 40001"]


def test_command_that_does_not_end_does_not_keep_another_port_back(scene: Scene) -> None:
    scene.docker.code = None
    scene.refresh(rounds=4)
    scene.refresh(port=40002, after=LONGEST_S, rounds=2)
    assert scene.file.read_text() == "40002\n"
    assert len(scene.docker.commands) == 2


def test_a_port_that_changes_while_the_command_runs_is_given_afterwards(scene: Scene) -> None:
    scene.docker.code = None
    scene.refresh()
    scene.docker.code = 0
    assert scene.refresh(40002, after=RETRY_S, rounds=4) == ["Own has got the forwarded port 40002"]
    assert (scene.file.read_text(), len(scene.docker.commands)) == ("40002\n", 2)


def test_a_docker_that_does_not_answer_is_asked_again_later(scene: Scene) -> None:
    scene.docker.trouble = True
    (said,) = scene.refresh(rounds=3)
    assert said == "Own does not get the forwarded port 40001: Docker does not answer"
    scene.docker.trouble = False
    assert scene.refresh(after=RETRY_S) == ["Own has got the forwarded port 40001"]


def test_a_link_that_the_service_has_made_is_not_followed(scene: Scene, tmp_path: Path) -> None:
    """Its container may change everything below /config, and vpn-monitor is root."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    scene.file.parent.rmdir()
    scene.file.parent.symlink_to(elsewhere)
    (said,) = scene.refresh()
    assert "Own does not get the forwarded port 40001" in said
    assert list(elsewhere.iterdir()) == []
    assert scene.docker.commands == []


def test_a_file_that_is_a_link_is_replaced(scene: Scene, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    scene.file.symlink_to(target)
    scene.refresh()
    assert (target.read_text(), scene.file.is_symlink(), scene.file.read_text()) == ("mine", False, "40001\n")
