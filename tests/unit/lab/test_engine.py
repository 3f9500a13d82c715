# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab reads from Docker by its SDK, with a client that answers as Docker 26.1.5 does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import engine
import pytest
from engine import FOLDER, FOLDER_LABEL, LabContainer, LabError


class DockerException(Exception):
    """As docker.errors has it."""


class NotFound(DockerException):
    """Docker has no such object."""


class Client:
    """Has these objects by name, and notes the containers that are removed."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.rows: list[dict[str, Any]] = []
        self.removed: list[str] = []
        self.in_use = False
        self.fault: Exception | None = None

    def _find(self, name: str) -> dict[str, Any]:
        if self.fault:
            raise self.fault
        if name not in self.objects:
            raise NotFound(f"404 Client Error: Not Found: {name}")
        return self.objects[name]

    inspect_container = inspect_image = inspect_network = _find

    def _list(self, *, filters: dict[str, str], **options: bool) -> list[dict[str, Any]]:
        assert filters == {"label": engine.LABEL}
        if self.fault:
            raise self.fault
        return self.rows

    networks = images = _list

    def containers(self, *, all: bool, filters: dict[str, str]) -> list[dict[str, Any]]:
        assert all
        return self._list(filters=filters)

    def remove_container(self, name: str, *, v: bool, force: bool) -> None:
        assert v
        assert force
        self._find(name)
        self.removed.append(name)

    def prune_images(self, *, filters: dict[str, str | bool]) -> dict[str, list[str] | None]:
        """Remove the last image alone: it was built from the one before."""
        assert filters == {"label": engine.LABEL, "dangling": False}
        if self.in_use:
            return {"ImagesDeleted": None}
        self.removed.append(self.rows.pop()["Id"])
        return {"ImagesDeleted": [self.removed[-1]]}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """Also where the SDK is not installed."""
    package, errors = ModuleType("docker"), ModuleType("docker.errors")
    errors.DockerException, errors.NotFound = DockerException, NotFound  # type: ignore[attr-defined]
    package.errors = errors  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "docker", package)
    monkeypatch.setitem(sys.modules, "docker.errors", errors)
    found = Client()
    monkeypatch.setattr(engine, "api", lambda: found)
    return found


@pytest.mark.parametrize("kind", ["container", "image", "network"])
def test_returns_details_of_object_and_none_without_it(client: Client, kind: str) -> None:
    client.objects["here"] = {"Id": "1"}
    assert engine.inspect(kind, "here") == {"Id": "1"}
    assert engine.inspect(kind, "elsewhere") is None


def test_container_runs_only_in_state_running(client: Client) -> None:
    client.objects = {"up": {"State": {"Running": True}}, "down": {"State": {"Running": False}}}
    assert [engine.running(name) for name in ("up", "down", "missing")] == [True, False, False]


def test_lists_lab_containers_of_every_checkout(client: Client) -> None:
    client.rows = [
        {"Names": ["/household-lab-pi"], "State": "running", "Labels": {FOLDER_LABEL: str(FOLDER)}},
        {"Names": ["/household-lab-registry"], "State": "exited", "Labels": {engine.LABEL: ""}},
    ]
    assert engine.lab_containers() == [
        LabContainer("household-lab-pi", True, str(FOLDER)),
        LabContainer("household-lab-registry", False, ""),
    ]


@pytest.mark.parametrize("kind", ["network", "image"])
def test_lists_ids_of_labelled_objects(client: Client, kind: str) -> None:
    client.rows = [{"Id": "sha256:1"}, {"Id": "sha256:2"}]
    assert engine.labelled(kind) == ["sha256:1", "sha256:2"]


def test_removes_container_that_exists(client: Client) -> None:
    client.objects["pi"] = {}
    engine.remove("pi")
    engine.remove("missing")
    assert client.removed == ["pi"]


def test_removes_images_and_then_those_they_were_built_from(client: Client) -> None:
    client.rows = [{"Id": "common"}, {"Id": "pi"}]
    engine.remove_images()
    assert client.removed == ["pi", "common"]


def test_image_in_use_is_lab_error(client: Client) -> None:
    client.rows, client.in_use = [{"Id": "common"}], True
    with pytest.raises(LabError, match="something uses common"):
        engine.remove_images()


@pytest.mark.parametrize(
    "call",
    [
        lambda: engine.inspect("container", "pi"),
        lambda: engine.labelled("image"),
        engine.lab_containers,
        lambda: engine.remove("pi"),
    ],
    ids=["inspect", "labelled", "lab_containers", "remove"],
)
def test_fault_of_docker_is_lab_error(client: Client, call: Callable[[], object]) -> None:
    client.fault = DockerException("Error while fetching server API version")
    with pytest.raises(LabError, match=r"^docker: .*: Error while fetching server API version$"):
        call()
