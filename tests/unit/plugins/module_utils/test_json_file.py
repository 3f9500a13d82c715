# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that a service owns: read without trust, replaced whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import FileProblem
from ansible_collections.household.mediaserver.plugins.module_utils._core.json_file import JsonFile, parse_object
from hypothesis import given
from hypothesis import strategies as st

DAMAGED = [
    (b"", "empty"),
    (b" \n", "empty"),
    (b'{"a": tr', "line 1, column 7"),
    (b'// no\n{"a": 1}', "not JSON"),
    (b"[1]", "not a JSON object"),
    (b'{"a": "\xff"}', "UTF-8"),
    (b"[" * 200_000, "nested"),
]


@pytest.fixture
def file(tmp_path: Path) -> JsonFile:
    return JsonFile(str(tmp_path / "settings.json"))


def test_what_was_written_is_read(file: JsonFile) -> None:
    file.write({"b": "ü", "a": [1]}, found=file.read())
    found = file.read()
    assert (found.exists, found.data, found.problem) == (True, {"a": [1], "b": "ü"}, "")
    assert os.stat(file.path).st_mode & 0o7777 == 0o600
    assert os.listdir(os.path.dirname(file.path)) == ["settings.json"]


def test_an_absent_file_is_no_problem(file: JsonFile) -> None:
    found = file.read()
    assert (found.exists, found.data, found.problem) == (False, {}, "")
    assert not file.wrong_owner(found, may_be_missing=False)


@pytest.mark.parametrize(("raw", "problem"), DAMAGED)
def test_damage_is_named_and_kept_aside_once(file: JsonFile, raw: bytes, problem: str) -> None:
    Path(file.path).write_bytes(raw)
    found = file.read()
    assert problem in found.problem
    assert found.data == {}
    copy = file.keep_aside(found)
    assert file.keep_aside(found) == copy
    assert Path(copy).read_bytes() == raw == Path(file.path).read_bytes()
    assert os.stat(copy).st_mode & 0o7777 == 0o600


def test_a_copy_that_was_cut_short_is_made_whole(file: JsonFile) -> None:
    Path(file.path).write_bytes(b"damaged")
    found = file.read()
    Path(file.keep_aside(found)).write_bytes(b"dam")
    assert Path(file.keep_aside(found)).read_bytes() == b"damaged"


@given(st.binary(max_size=200))
def test_whatever_stands_there_is_an_object_or_a_problem(raw: bytes) -> None:
    data, problem = parse_object(raw)
    assert isinstance(data, dict)
    assert not (data and problem)


def test_links_are_refused(file: JsonFile, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{}")
    os.symlink(tmp_path / "secret", file.path)
    with pytest.raises(FileProblem, match="symbolic link"):
        file.read()


def test_other_kinds_of_files_are_refused_without_waiting(file: JsonFile) -> None:
    os.mkfifo(file.path)
    with pytest.raises(FileProblem, match="not a file"):
        file.read()


def test_a_writing_that_fails_leaves_the_old_file(file: JsonFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write({"a": 1}, found=file.read())

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(FileProblem, match="No space left"):
        file.write({"a": 2}, found=file.read())
    monkeypatch.undo()
    assert file.read().data == {"a": 1}
    assert os.listdir(os.path.dirname(file.path)) == ["settings.json"]


def test_every_writing_changes_the_stamp(file: JsonFile) -> None:
    file.write({"a": 1}, found=file.read())
    first = file.read()
    file.write({"a": 1}, found=first)
    assert file.read().stamp != first.stamp


def test_an_account_to_come_is_a_change_in_check_mode_and_an_error_otherwise(file: JsonFile) -> None:
    file.write({}, found=file.read())
    strange = JsonFile(file.path, owner="unknown-account")
    assert strange.wrong_owner(file.read(), may_be_missing=True)
    with pytest.raises(FileProblem, match="unknown-account"):
        strange.wrong_owner(file.read(), may_be_missing=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_is_seen_and_repaired(file: JsonFile) -> None:
    owned = JsonFile(file.path, owner="2000", group="2001")
    file.write({"a": 1}, found=file.read())
    found = owned.read()
    assert owned.wrong_owner(found, may_be_missing=False)
    owned.give_to_owner()
    assert owned.read().owner == (2000, 2001)
    assert owned.read().stamp == found.stamp, "it was written, not only given to its owner"
    file.write({"a": 2}, found=file.read())
    assert file.read().owner == (2000, 2001), "without a wish the old owner stays"
