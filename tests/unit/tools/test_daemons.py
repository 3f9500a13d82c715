# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/daemons.py: apt sources of each Debian, and installation of its Transmission."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import daemons
import pytest
from engine import LabError

BACKPORTS = daemons.SYSTEMS[-1]


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    return tmp_path


def test_backports_are_used_with_their_release(apt: Path) -> None:
    assert BACKPORTS.sources(apt) == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian trixie-updates main",
        "deb http://mirror.example/debian trixie-backports main",
    ]
    assert daemons.SYSTEMS[0].sources(apt) == [
        "deb http://mirror.example/debian bookworm main",
        "deb http://mirror.example/debian bookworm-updates main",
    ]
    assert [len(system.options()) - len(daemons.OPTIONS) for system in daemons.SYSTEMS] == [0, 0, 1]


class Machine:
    """A double of mmdebstrap and chroot."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.ran: list[str] = []

    def __call__(self, program: str, *arguments: str) -> str:
        self.ran.append(program)
        if program == "mmdebstrap":
            (folder,) = (argument for argument in arguments if argument.endswith(".unfinished"))
            Path(folder).mkdir()
        return f"transmission-daemon {self.version} (abc)\n"


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(daemons, "ROOT", tmp_path)
    monkeypatch.setattr(daemons.System, "sources", lambda _: ["deb http://mirror.example/debian trixie main"])
    return tmp_path / "daemons"


def test_keeps_installed_system(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine: Any = Machine("4.1.4")
    monkeypatch.setattr(daemons, "run", machine)
    for _ in range(2):
        assert daemons.provide(BACKPORTS, target) == target / "trixie-backports"
    assert machine.ran == ["mmdebstrap", "chroot"]


def test_refuses_other_version(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemons, "run", Machine("5.0"))
    with pytest.raises(LabError, match=r"has 'transmission-daemon 5\.0 \(abc\)'; expected Transmission 4\.1"):
        daemons.provide(BACKPORTS, target)
    assert not (target / "trixie-backports").exists()
