# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper of the outer barrier: owned where the kernel supports it, plain elsewhere, and each fault is an error."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from mediaserver._core import files
from mediaserver._core.errors import GatewayError
from mediaserver.firewall import keeper
from mediaserver.firewall.nft import Nft


class FakeNft:
    """A kernel that keeps the last table, and refuses those that contain a given word."""

    def __init__(self, *refused: str, vanishing: bool = False) -> None:
        self.refused = refused
        self.vanishing = vanishing
        self.tried: list[str] = []
        self.table: str | None = None

    def load(self, text: str) -> None:
        self.tried.append(text)
        for word in self.refused:
            if word in text:
                raise GatewayError(f"nft: no {word} here")
        self.table = None if self.vanishing else text

    def fingerprint(self, table: str) -> str | None:
        assert table == "mediaserver_barrier"
        # In its own words, as the kernel: whether a table is owned is no part of it.
        return self.table and f"the kernel's {self.table.removesuffix(' owned')}"


def render(owned: bool) -> str:
    return "table" + (" owned" if owned else "")


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "run" / "barrier.json"


def load(kernel: FakeNft, note: Path) -> bool:
    return keeper.load(cast(Nft, kernel), render, note)


def stands(kernel: FakeNft, text: str, note: Path) -> bool:
    return keeper.stands(cast(Nft, kernel), text, note)


def test_the_table_is_owned_where_the_kernel_can(note: Path) -> None:
    kernel = FakeNft()
    assert load(kernel, note)
    assert kernel.tried == ["table owned"]
    assert stands(kernel, "table", note)
    assert note.stat().st_mode & 0o777 == 0o600


def test_an_older_kernel_gets_a_table_that_is_not_owned(note: Path) -> None:
    kernel = FakeNft("owned")
    assert not load(kernel, note)
    assert kernel.tried == ["table owned", "table"]
    assert kernel.table == "table"
    assert stands(kernel, "table", note)


def test_a_table_that_cannot_be_loaded_stops_docker_and_leaves_the_old_one(note: Path) -> None:
    kernel = FakeNft()
    load(kernel, note)
    before = note.read_text()
    kernel.refused = ("owned", "table")
    with pytest.raises(GatewayError, match="could not be loaded, so Docker must not start: nft: no table here"):
        load(kernel, note)
    assert note.read_text() == before
    assert stands(kernel, "table", note)


def test_a_table_that_vanishes_is_not_noted_as_loaded(note: Path) -> None:
    with pytest.raises(GatewayError, match="vanished right after it was loaded, so Docker must not start"):
        load(FakeNft(vanishing=True), note)
    assert not note.exists()


def test_a_barrier_that_is_gone_or_changed_or_wanted_otherwise_does_not_stand(note: Path) -> None:
    kernel = FakeNft()
    load(kernel, note)
    assert not stands(kernel, "another table", note)
    kernel.table = "table with a hole"
    assert not stands(kernel, "table", note)
    kernel.table = None
    assert not stands(kernel, "table", note)


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "null", '{"text": "x"}', pytest.param("[" * 200_000, id="nested")]
)
def test_without_a_note_that_can_be_believed_no_barrier_stands(note: Path, text: str | None) -> None:
    kernel = FakeNft()
    load(kernel, note)
    note.unlink()
    if text is not None:
        files.write(note, text, mode=0o600)
    assert not stands(kernel, "table", note)


@pytest.fixture
def systemd() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        yield listener


def test_systemd_is_reported_at_its_socket(
    systemd: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    keeper.notify("READY=1")
    keeper.notify("RELOADING=1\nMONOTONIC_USEC=5")
    assert [systemd.recv(100) for _round in range(2)] == [b"READY=1", b"RELOADING=1\nMONOTONIC_USEC=5"]


def test_systemd_is_reported_at_an_abstract_socket(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    systemd.bind("")  # the kernel chooses a name
    name = systemd.getsockname()
    assert name[:1] == b"\0"
    monkeypatch.setenv("NOTIFY_SOCKET", "@" + name[1:].decode())
    keeper.notify("READY=1")
    assert systemd.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setattr(keeper.socket, "socket", forbidden)
    keeper.notify("READY=1")
