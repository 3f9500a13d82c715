# SPDX-License-Identifier: GPL-3.0-or-later
"""The hold: believed only from root, and only for a bounded time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from mediaserver._core import files
from mediaserver.monitor import hold
from mediaserver.monitor.hold import LONGEST_S, Hold

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only what root wrote is believed")
NOW = 1000.0
UNWRITABLE = Hold(False, "is ignored: it is not a file that only root can write")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hold"


def put(path: Path, deadline: float | str | None, mode: int = 0o644) -> None:
    files.write(path, json.dumps({"owner": "ansible", "deadline": deadline}), mode=mode)


def test_without_a_file_there_is_no_hold(path: Path) -> None:
    assert hold.read(NOW, path) is None


@as_root
def test_a_hold_is_valid_until_its_deadline(path: Path) -> None:
    hold.take("ansible", 60.0, NOW, path)
    assert hold.read(NOW, path) == Hold(True, "by ansible for 60 s more")
    assert hold.read(NOW + 59.5, path) == Hold(True, "by ansible for 0 s more")
    assert hold.read(NOW + 60.0, path) == Hold(False, "by ansible has expired")


@as_root
def test_a_second_hold_takes_the_place_of_the_first(path: Path) -> None:
    hold.take("one", 600.0, NOW, path)
    hold.take("two", 5.0, NOW, path)
    assert hold.read(NOW, path) == Hold(True, "by two for 5 s more")


@as_root
def test_a_released_hold_is_gone_and_may_be_released_again(path: Path) -> None:
    hold.take("ansible", 60.0, NOW, path)
    hold.release(path)
    hold.release(path)
    assert hold.read(NOW, path) is None


@as_root
def test_the_longest_hold_is_believed_and_a_longer_one_is_not(path: Path) -> None:
    put(path, NOW + LONGEST_S)
    assert hold.read(NOW, path) == Hold(True, "by ansible for 3600 s more")
    put(path, NOW + LONGEST_S + 1)
    assert hold.read(NOW, path) == Hold(False, "by ansible is ignored: its deadline is further away than 3600 s")


@as_root
@pytest.mark.parametrize("deadline", [float("inf"), float("nan"), "inf", "nan"])
def test_a_deadline_that_never_comes_is_not_believed(path: Path, deadline: float | str) -> None:
    put(path, deadline)
    found = hold.read(NOW, path)
    assert found is not None
    assert not found.valid
    assert "further away" in found.why


@as_root
@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o777])
def test_a_hold_that_others_can_write_is_ignored(path: Path, mode: int) -> None:
    put(path, NOW + 60, mode)
    assert hold.read(NOW, path) == UNWRITABLE


@as_root
def test_a_hold_that_is_not_roots_is_ignored(path: Path) -> None:
    put(path, NOW + 60)
    os.chown(path, 1000, 0)
    assert hold.read(NOW, path) == UNWRITABLE


def test_a_symlink_to_a_hold_is_ignored(path: Path) -> None:
    target = path.with_name("elsewhere")
    put(target, NOW + 60)
    path.symlink_to(target)
    assert hold.read(NOW, path) == UNWRITABLE


def test_a_folder_and_a_pipe_are_ignored(path: Path) -> None:
    path.mkdir()
    assert hold.read(NOW, path) == UNWRITABLE
    path.rmdir()
    os.mkfifo(path)
    assert hold.read(NOW, path) == UNWRITABLE


@as_root
@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"{}",
        b"\xff\xfe",
        b'{"owner": "ansible"}',
        b'{"owner": "ansible", "deadline": null}',
        b'{"owner": "ansible", "deadline": "soon"}',
        b'{"owner": "ansible", "deadline": 1' + b"0" * 400 + b"}",
        b"[" * 200_000,
    ],
    ids=lambda garbage: garbage[:45].decode(errors="replace"),
)
def test_garbage_is_ignored_and_never_raises(path: Path, garbage: bytes) -> None:
    path.write_bytes(garbage)
    path.chmod(0o644)
    found = hold.read(NOW, path)
    assert found is not None
    assert not found.valid
    assert found.why.startswith("is ignored: it cannot be read")


@pytest.mark.parametrize("seconds", [LONGEST_S + 1, 0.0, -5.0, float("inf"), float("nan")])
def test_a_hold_for_too_long_or_for_no_time_is_refused_and_the_earlier_one_stays(path: Path, seconds: float) -> None:
    hold.take("ansible", 60.0, NOW, path)
    before = path.read_text()
    with pytest.raises(ValueError, match=r"a hold of .* s is refused; the longest is 3600 s"):
        hold.take("other", seconds, NOW, path)
    assert path.read_text() == before
