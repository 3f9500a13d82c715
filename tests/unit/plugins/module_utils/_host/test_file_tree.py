# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and writes of file_tree, on a real filesystem."""

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
    """Do what the module does; return the paths that changed."""
    wanted = file_tree.entries(raw, owner, None, secrets=secrets or {})
    wanted += disk.unlisted(wanted)
    changes = file_tree.plan(wanted, {one.path: disk.read(one.path) for one in wanted})
    file_tree.check_empty(changes)
    file_tree.check_owners(changes)
    file_tree.check_parents(changes)
    TREE.validate(changes, only_if_installed=False)
    TREE.apply(changes)
    return [change.entry.path for change in changes]


def test_installs_a_tree_in_one_run_and_changes_nothing_after(tmp_path: Path) -> None:
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
def test_plan_is_empty_after_apply(tmp_path: Path, contents: dict[str, str], modes: str) -> None:
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
def test_drift_is_repaired(tmp_path: Path, break_it: Any, repaired: bool) -> None:
    path = tmp_path / "file"
    install(entry(path, content="text", mode="0644"))
    break_it(path)
    assert install(entry(path, content="text", mode="0644")) == ([str(path)] if repaired else [])
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("text", 0o644)


def test_unmanaged_mode_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o604)
    install(entry(path, content="new"))
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("new", 0o604)


def test_without_force_existing_content_is_kept_and_mode_is_set(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    path.chmod(0o666)
    assert install(entry(path, content="ours", mode="0600", force=False)) == [str(path)]
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("mine", 0o600)


def test_symbolic_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "file").symlink_to(tmp_path / "victim")
    install(entry(tmp_path / "file", content="text", mode="0644"))
    assert (tmp_path / "victim").read_text() == "untouched"
    assert not (tmp_path / "file").is_symlink()


def test_link_in_place_of_a_folder_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(FileProblem, match="link is a link or special file, not a directory; move it away first"):
        install(entry(tmp_path / "link", mode="0755"))


def test_absent_removes_files_and_only_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "film").touch()
    assert install(entry(tmp_path / "file", state="absent")) == [str(tmp_path / "file")]
    assert install(entry(tmp_path / "file", state="absent")) == []
    with pytest.raises(FileProblem, match="full cannot be removed, because it is not empty"):
        install(entry(tmp_path / "new", mode="0755"), entry(tmp_path / "full", state="absent"))
    assert (tmp_path / "full" / "film").exists()
    assert not (tmp_path / "new").exists()


def test_folder_emptied_by_earlier_entries_is_removed(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "film").touch()
    paths = (tmp_path / "full" / "film", tmp_path / "full")
    assert install(*(entry(path, state="absent") for path in paths)) == [str(path) for path in paths]


def test_recurse_removes_a_full_folder_and_no_link_target(tmp_path: Path) -> None:
    (tmp_path / "full" / "deep").mkdir(parents=True)
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "film").touch()
    (tmp_path / "full" / "link").symlink_to(tmp_path / "victim")
    install(entry(tmp_path / "full", state="absent", recurse=True))
    assert [path.name for path in tmp_path.iterdir()] == ["victim"]
    assert (tmp_path / "victim" / "film").exists()


def test_exclusive_removes_unlisted_paths(tmp_path: Path) -> None:
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


def test_exclusive_creates_a_missing_folder(tmp_path: Path) -> None:
    assert install(entry(tmp_path / "lib", exclusive=True)) == [str(tmp_path / "lib")]


def test_absent_removes_a_link_and_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    install(entry(tmp_path / "link", state="absent", recurse=True))
    assert [path.name for path in tmp_path.iterdir()] == ["victim"]


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_link_placed_after_the_read_is_not_followed(tmp_path: Path, kind: str) -> None:
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change a file's owner")
def test_owner_is_repaired_and_set_id_bits_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    raw = entry(path, mode="2775", owner="4321", group="4322")
    install(raw)
    os.chown(path, 0, 0)
    assert install(raw) == [str(path)]
    assert (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o7777) == (4321, 4322, 0o2775)
    assert install(raw) == []


def test_content_of_a_folder_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "folder" / "film").touch(mode=0o640)
    install(entry(tmp_path / "folder", mode="0755"))
    assert (tmp_path / "folder" / "film").stat().st_mode & 0o7777 == 0o640


def test_rejected_content_changes_no_file(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    raw = (
        entry(tmp_path / "one", content="new"),
        entry(tmp_path / "two", content="{", validate="python3 -m json.tool %s"),
    )
    with pytest.raises(InvalidValue, match="two: python3 rejects the new content"):
        install(*raw)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one"]
    assert (tmp_path / "one").read_text() == "old"


def test_output_about_a_rejected_secret_is_not_shown(tmp_path: Path) -> None:
    raw = entry(tmp_path / "key", state="file", validate="sh -c 'cat \"$0\" >&2; exit 1' %s")
    with pytest.raises(InvalidValue, match="sh rejects the new content") as caught:
        install(raw, secrets={str(tmp_path / "key"): "hunter2"})
    assert "hunter" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_secret_without_an_entry_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="secrets: no entry has the path /elsewhere"):
        install(entry(tmp_path / "key", content="x"), secrets={"/elsewhere": "hunter2"})


def test_check_mode_skips_a_validating_program_that_is_not_installed(tmp_path: Path) -> None:
    wanted = file_tree.entries([entry(tmp_path / "x", content="x", validate="no-such-program %s")], None, None)
    changes = file_tree.plan(wanted, {str(tmp_path / "x"): file_tree.PathState()})
    TREE.validate(changes, only_if_installed=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"path": "relative", "state": "directory"}, "must be absolute"),
        ({"path": "/a/../b", "state": "directory"}, "must be absolute"),
        ({"path": "/a", "state": "file"}, "neither content nor secrets holds the file's content"),
        (
            {"path": "/a", "state": "directory", "content": "x"},
            "content is valid only with .*'file', not 'directory'",
        ),
        ({"path": "/a", "state": "directory", "mode": "0899"}, "is not octal"),
        ({"path": "/a", "state": "directory", "mode": "77777"}, "is not octal"),
        ({"path": "/a", "state": "directory", "recurse": True}, "recurse is valid only with state 'absent'"),
        ({"path": "/", "state": "absent", "recurse": True}, "recurse is valid only with state 'absent', and not for /"),
        ({"path": "/a", "state": "absent", "exclusive": True}, "exclusive is valid only with state 'directory'"),
        ({"path": "/", "state": "directory", "exclusive": True}, "exclusive is valid only with .* and not for /"),
    ],
)
def test_invalid_entry_is_named(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=rf"entries\[1\].*{message}"):
        file_tree.entries([raw], None, None)


def test_path_listed_twice_is_rejected() -> None:
    with pytest.raises(InvalidValue, match=r"entries\[2\].*listed twice"):
        file_tree.entries([{"path": "/a", "state": "directory"}] * 2, None, None)


def test_content_in_both_places_is_rejected() -> None:
    with pytest.raises(InvalidValue, match=r"entries\[1\].*both content and secrets hold the file's content"):
        file_tree.entries([{"path": "/a", "state": "file", "content": "x"}], None, None, secrets={"/a": "y"})


def test_missing_folder_and_unknown_owner_are_reported_before_any_write(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"its folder .*/nowhere does not exist"):
        install(entry(tmp_path / "here", content="x"), entry(tmp_path / "nowhere" / "file", content="x"))
    with pytest.raises(InvalidValue, match="not an account of this host"):
        install(entry(tmp_path / "here", content="x"), owner="no-such-account")
    assert list(tmp_path.iterdir()) == []


def shown(path: Path, content: str, *, secret: bool) -> dict[str, str]:
    item = {"path": str(path), "state": "file", "mode": "0600"} | ({} if secret else {"content": content})
    wanted = file_tree.entries([item], None, None, secrets={str(path): content} if secret else {})
    (change,) = file_tree.plan(wanted, {str(path): disk.read(str(path))})
    return file_tree.diff(change)


def test_diff_shows_content_and_mode(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old\n")
    (tmp_path / "file").chmod(0o644)
    diff = shown(tmp_path / "file", "new\n", secret=False)
    owner = f"{os.getuid()}:{(tmp_path / 'file').stat().st_gid}"
    assert diff["before"] == f"# file, mode 0644, owner {owner}\nold\n"
    assert diff["after"] == f"# file, mode 0600, owner {owner}\nnew\n"


def test_diff_of_a_new_file_without_mode_shows_the_default_mode(tmp_path: Path) -> None:
    wanted = file_tree.entries([entry(tmp_path / "new", content="x")], None, None)
    (change,) = file_tree.plan(wanted, {str(tmp_path / "new"): file_tree.PathState()})
    assert file_tree.diff(change)["after"].startswith("# file, mode 0644")
    install(entry(tmp_path / "new", content="x"))
    assert (tmp_path / "new").stat().st_mode & 0o7777 == 0o644


def test_diff_hides_a_secret_and_shows_that_it_changes(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hunter1")
    (tmp_path / "file").chmod(0o600)
    diff = shown(tmp_path / "file", "hunter2", secret=True)
    assert "hunter" not in str(diff)
    assert diff["before"] != diff["after"]
