# SPDX-License-Identifier: GPL-3.0-or-later
"""Many files as one plan, on a real file system."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import FileProblem, InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._host import file_tree
from ansible_collections.household.mediaserver.plugins.module_utils._host import file_tree_disk as disk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def run(command: list[str]) -> tuple[int, str]:
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return process.returncode, process.stderr or process.stdout


TREE = disk.Tree(run, shlex.split)


def entry(path: Path, **given: Any) -> dict[str, Any]:
    return {"path": str(path), "state": "file" if "content" in given else "directory", **given}


def install(*raw: dict[str, Any], owner: str | None = None, secrets: dict[str, str] | None = None) -> list[str]:
    """What the module does; returns the paths that changed."""
    wanted = file_tree.entries(raw, owner, None, secrets=secrets or {})
    wanted += disk.unlisted(wanted)
    changes = file_tree.plan(wanted, {one.path: disk.read(one.path) for one in wanted})
    file_tree.check_empty(changes)
    file_tree.check_owners(changes)
    file_tree.check_parents(changes)
    TREE.validate(changes, only_if_installed=False)
    TREE.apply(changes)
    return [change.entry.path for change in changes]


def test_a_tree_is_made_in_one_go_and_then_stands(tmp_path: Path) -> None:
    raw = (entry(tmp_path / "a", mode="0750"), entry(tmp_path / "a" / "b", content="text", mode="0640"))
    assert install(*raw) == [str(tmp_path / "a"), str(tmp_path / "a" / "b")]
    assert (tmp_path / "a" / "b").read_text() == "text"
    assert [oct(path.stat().st_mode & 0o7777) for path in (tmp_path / "a", tmp_path / "a" / "b")] == ["0o750", "0o640"]
    assert install(*raw) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.dictionaries(st.sampled_from("abcdef"), st.text(max_size=20), min_size=1),
    modes=st.sampled_from(["0600", "0644", "0755", "2775"]),
)
def test_after_apply_the_plan_is_empty(tmp_path: Path, contents: dict[str, str], modes: str) -> None:
    raw = [entry(tmp_path / name, content=text, mode=modes) for name, text in contents.items()]
    install(*raw)
    assert install(*raw) == []


@pytest.mark.parametrize(
    ("break_it", "repaired"),
    [
        (lambda path: path.write_text("other"), True),
        (lambda path: path.chmod(0o600), True),
        (lambda path: path.unlink(), True),
        (lambda path: os.utime(path, (1, 1)), False),
    ],
    ids=["content", "mode", "gone", "only touched"],
)
def test_drift_is_found_and_repaired(tmp_path: Path, break_it: Any, repaired: bool) -> None:
    path = tmp_path / "file"
    install(entry(path, content="text", mode="0644"))
    break_it(path)
    assert install(entry(path, content="text", mode="0644")) == ([str(path)] if repaired else [])
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("text", 0o644)


def test_what_was_not_asked_for_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o604)
    install(entry(path, content="new"))
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("new", 0o604)


def test_without_force_a_file_that_is_there_keeps_its_content_but_not_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    path.chmod(0o666)
    assert install(entry(path, content="ours", mode="0600", force=False)) == [str(path)]
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("mine", 0o600)


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "file").symlink_to(tmp_path / "victim")
    install(entry(tmp_path / "file", content="text", mode="0644"))
    assert (tmp_path / "victim").read_text() == "untouched"
    assert not (tmp_path / "file").is_symlink()


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(FileProblem, match="something else is there"):
        install(entry(tmp_path / "link", mode="0755"))


def test_absent_removes_a_file_and_an_empty_folder_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "film").touch()
    assert install(entry(tmp_path / "file", state="absent")) == [str(tmp_path / "file")]
    assert install(entry(tmp_path / "file", state="absent")) == []
    with pytest.raises(FileProblem, match="full is to be removed, but is not empty"):
        install(entry(tmp_path / "new", mode="0755"), entry(tmp_path / "full", state="absent"))
    assert (tmp_path / "full" / "film").exists()
    assert not (tmp_path / "new").exists()


def test_a_folder_is_empty_when_entries_before_it_empty_it(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "film").touch()
    paths = (tmp_path / "full" / "film", tmp_path / "full")
    assert install(*(entry(path, state="absent") for path in paths)) == [str(path) for path in paths]


def test_recurse_removes_a_full_folder_and_nothing_that_a_link_in_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "full" / "deep").mkdir(parents=True)
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "film").touch()
    (tmp_path / "full" / "link").symlink_to(tmp_path / "victim")
    install(entry(tmp_path / "full", state="absent", recurse=True))
    assert [path.name for path in tmp_path.iterdir()] == ["victim"]
    assert (tmp_path / "victim" / "film").exists()


def test_exclusive_removes_what_is_not_listed(tmp_path: Path) -> None:
    library, victim = tmp_path / "lib", tmp_path / "victim"
    for folder in (library / "package" / "__pycache__", library / "old" / "deep", victim):
        folder.mkdir(parents=True)
    for file in ("package/new.py", "package/old.py", "package/__pycache__/new.pyc", "old/deep/x.py", "old.py"):
        (library / file).write_text("1")
    (victim / "film").touch()
    (library / "link").symlink_to(victim)
    raw = (
        entry(library, exclusive=True),
        entry(library / "package"),
        entry(library / "package" / "new.py", content="2"),
    )
    assert sorted(install(*raw)) == [
        str(library / name) for name in ("link", "old", "old.py", "package/new.py", "package/old.py")
    ]
    assert sorted(str(path.relative_to(library)) for path in library.rglob("*") if not path.is_dir()) == [
        "package/__pycache__/new.pyc",
        "package/new.py",
    ]
    assert (victim / "film").exists()
    assert install(*raw) == []


def test_exclusive_passes_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert install(entry(tmp_path / "lib", exclusive=True)) == [str(tmp_path / "lib")]


def test_absent_removes_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    install(entry(tmp_path / "link", state="absent", recurse=True))
    assert [path.name for path in tmp_path.iterdir()] == ["victim"]


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_link_that_is_put_there_after_the_look_is_not_followed(tmp_path: Path, kind: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / "path"
    for place in (victim, path):
        place.mkdir() if kind == "directory" else place.touch()
        place.chmod(0o700)
    wanted = file_tree.entries(
        [entry(path, mode="0777", state=kind, content="" if kind == "file" else None)], None, None
    )
    changes = file_tree.plan(wanted, {str(path): disk.read(str(path))})
    path.rename(tmp_path / "away")
    path.symlink_to(victim)
    with pytest.raises(FileProblem, match="cannot be changed"):
        TREE.apply(changes)
    assert victim.stat().st_mode & 0o7777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away, which only root may")
def test_a_changed_owner_is_given_back_and_set_id_bits_survive_it(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    raw = entry(path, mode="2775", owner="4321", group="4322")
    install(raw)
    os.chown(path, 0, 0)
    assert install(raw) == [str(path)]
    assert (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o7777) == (4321, 4322, 0o2775)
    assert install(raw) == []


def test_a_folder_s_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "folder" / "film").touch(mode=0o640)
    install(entry(tmp_path / "folder", mode="0755"))
    assert (tmp_path / "folder" / "film").stat().st_mode & 0o7777 == 0o640


def test_a_refused_content_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    raw = (
        entry(tmp_path / "one", content="new"),
        entry(tmp_path / "two", content="{", validate="python3 -m json.tool %s"),
    )
    with pytest.raises(InvalidValue, match="two: python3 refuses the new content"):
        install(*raw)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one"]
    assert (tmp_path / "one").read_text() == "old"


def test_what_is_said_of_a_refused_secret_is_not_repeated(tmp_path: Path) -> None:
    raw = entry(tmp_path / "key", state="file", validate="sh -c 'cat \"$0\" >&2; exit 1' %s")
    with pytest.raises(InvalidValue, match="sh refuses the new content") as caught:
        install(raw, secrets={str(tmp_path / "key"): "hunter2"})
    assert "hunter" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_for_no_entry_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="secrets: no entry has the path /elsewhere"):
        install(entry(tmp_path / "key", content="x"), secrets={"/elsewhere": "hunter2"})


def test_in_check_mode_a_judge_who_is_not_installed_is_not_asked(tmp_path: Path) -> None:
    wanted = file_tree.entries([entry(tmp_path / "x", content="x", validate="no-such-program %s")], None, None)
    changes = file_tree.plan(wanted, {str(tmp_path / "x"): file_tree.Found()})
    TREE.validate(changes, only_if_installed=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"path": "relative", "state": "directory"}, "must be absolute"),
        ({"path": "/a/../b", "state": "directory"}, "must be absolute"),
        ({"path": "/a", "state": "file"}, "one content is needed"),
        ({"path": "/a", "state": "directory", "content": "x"}, "useless for 'directory'"),
        ({"path": "/a", "state": "directory", "mode": "0899"}, "is not octal"),
        ({"path": "/a", "state": "directory", "mode": "77777"}, "is not octal"),
        ({"path": "/a", "state": "directory", "recurse": True}, "recurse is for folders that are to be absent"),
        ({"path": "/", "state": "absent", "recurse": True}, "recurse is for folders that are to be absent"),
        ({"path": "/a", "state": "absent", "exclusive": True}, "exclusive is for folders that are to be there"),
        ({"path": "/", "state": "directory", "exclusive": True}, "exclusive is for folders that are to be there"),
    ],
)
def test_a_bad_entry_is_named(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=rf"entries\[1\].*{message}"):
        file_tree.entries([raw], None, None)


def test_a_path_may_be_listed_once() -> None:
    with pytest.raises(InvalidValue, match=r"entries\[2\].*listed twice"):
        file_tree.entries([{"path": "/a", "state": "directory"}] * 2, None, None)


def test_a_missing_folder_and_an_unknown_owner_are_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"its folder .*/nowhere does not exist"):
        install(entry(tmp_path / "here", content="x"), entry(tmp_path / "nowhere" / "file", content="x"))
    with pytest.raises(InvalidValue, match="not an account of this host"):
        install(entry(tmp_path / "here", content="x"), owner="nobody-of-this-name")
    assert list(tmp_path.iterdir()) == []


def shown(path: Path, content: str, *, secret: bool) -> dict[str, str]:
    item = {"path": str(path), "state": "file", "mode": "0600"} | ({} if secret else {"content": content})
    wanted = file_tree.entries([item], None, None, secrets={str(path): content} if secret else {})
    (change,) = file_tree.plan(wanted, {str(path): disk.read(str(path))})
    return file_tree.diff(change)


def test_a_diff_shows_content_and_mode(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old\n")
    (tmp_path / "file").chmod(0o644)
    diff = shown(tmp_path / "file", "new\n", secret=False)
    owner = f"{os.getuid()}:{(tmp_path / 'file').stat().st_gid}"
    assert diff["before"] == f"# file, mode 0644, owner {owner}\nold\n"
    assert diff["after"] == f"# file, mode 0600, owner {owner}\nnew\n"


def test_a_new_file_without_a_mode_is_shown_with_the_one_it_gets(tmp_path: Path) -> None:
    wanted = file_tree.entries([entry(tmp_path / "new", content="x")], None, None)
    (change,) = file_tree.plan(wanted, {str(tmp_path / "new"): file_tree.Found()})
    assert file_tree.diff(change)["after"].startswith("# file, mode 0644")
    install(entry(tmp_path / "new", content="x"))
    assert (tmp_path / "new").stat().st_mode & 0o7777 == 0o644


def test_a_secret_is_in_no_diff_and_its_change_still_shows(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hunter1")
    (tmp_path / "file").chmod(0o600)
    diff = shown(tmp_path / "file", "hunter2", secret=True)
    assert "hunter" not in str(diff)
    assert diff["before"] != diff["after"]
