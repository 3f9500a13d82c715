# SPDX-License-Identifier: GPL-3.0-or-later
"""A broken compose.override.yml is named, and repairs go on with compose.yml alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mediaserver._core.errors import ComposeError
from mediaserver.docker import compose
from mediaserver.firewall.nft import Nft
from mediaserver.monitor import observe, repairs
from mediaserver.monitor.steps import Act, Step

BROKEN = "yaml: line 2: mapping values are not allowed in this context"
CONFIG = json.dumps({"services": {"vpn": {}, "wireguard": {"network_mode": "service:vpn"}}})


class Unasked(Nft):
    """No library, no tables: nothing here looks at them."""

    def __init__(self) -> None:
        pass


class Docker:
    """Compose, which cannot read some of the files."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        read = (compose.FILE,) if "--file" in command else (compose.FILE, *compose.OVERRIDES)
        if set(read) & set(self.broken):
            return subprocess.CompletedProcess(command, 1, "", BROKEN + "\n")
        return subprocess.CompletedProcess(command, 0, CONFIG, "")

    @property
    def last(self) -> str:
        return " ".join(self.commands[-1])


@pytest.fixture(params=compose.OVERRIDES)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / compose.FILE).write_text("services: {}\n")
    (tmp_path / request.param).write_text("services: {}\n")
    return tmp_path


def broken(monkeypatch: pytest.MonkeyPatch, root: Path, *, ours: bool = False) -> Docker:
    found = Docker(compose.FILE) if ours else Docker(*compose.OVERRIDES)
    monkeypatch.setattr(subprocess, "run", found)
    return found


def test_the_services_of_our_own_file_are_watched_and_the_override_is_named_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    broken(monkeypatch, root)
    observer = observe.Observer(root, Unasked())
    assert observer.services() == {"vpn": "", "wireguard": "service:vpn"}
    observer.services()
    name = compose.override(root)
    assert capsys.readouterr().out == (
        f"{name} is not used, because compose cannot read it: {BROKEN}; containers are repaired by compose.yml alone\n"
    )


def test_an_override_that_was_mended_is_used_again(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    broken(monkeypatch, root)
    observer = observe.Observer(root, Unasked())
    observer.services()
    docker = Docker()
    monkeypatch.setattr(subprocess, "run", docker)
    name = compose.override(root)
    assert name is not None
    name.write_text("services: {jellyfin: {}}\n")
    observer.services()
    assert docker.last == f"docker compose --project-directory {root} config --format json"


@pytest.mark.parametrize(
    ("act", "tail"),
    [(Act.BRING_UP, "--no-recreate"), (Act.RECREATE, "--force-recreate --no-deps vpn")],
    ids=lambda one: getattr(one, "name", ""),
)
def test_repairs_use_our_own_file_and_remove_no_service_of_the_override(
    monkeypatch: pytest.MonkeyPatch, root: Path, act: Act, tail: str
) -> None:
    docker = broken(monkeypatch, root)
    repairs.Repairs(root).do(Step(act, "", ("vpn",)))
    assert docker.last == (
        f"docker compose --project-directory {root} --file {root}/compose.yml up --detach --pull never --no-build "
        f"{tail}"
    )


def test_a_good_override_is_used(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    docker = Docker()
    monkeypatch.setattr(subprocess, "run", docker)
    repairs.Repairs(root).do(Step(Act.BRING_UP, ""))
    assert docker.last == (
        f"docker compose --project-directory {root} up --detach --pull never --no-build --no-recreate"
    )


def test_our_own_broken_file_is_not_blamed_on_the_override(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    broken(monkeypatch, root, ours=True)
    text = f"compose cannot read {root}/compose.yml: {BROKEN}"
    with pytest.raises(ComposeError, match="^" + text):
        observe.Observer(root, Unasked()).services()
    with pytest.raises(ComposeError, match="^" + text):
        repairs.Repairs(root).do(Step(Act.BRING_UP, ""))
