# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookups of the backup: which files of an inventory belong to a host, and which process a run is."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.lookup import controller_process, inventory_files


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("hosts.yml", True),
        ("provider.conf", True),
        ("host_vars/livingroom.yml", True),
        ("host_vars/livingroom/vault.yml", True),
        ("host_vars/living.room/vault.yml", False),
        ("host_vars/neighbour.yml", False),
        ("group_vars/all.yml", True),
        ("group_vars/mediaserver/main.yml", True),
        ("group_vars/others/vault.yml", False),
        (".git/config", False),
        ("hosts.yml~", False),
    ],
)
def test_only_what_concerns_the_host_is_copied(tmp_path: Path, name: str, kept: bool) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("text")
    found = dict(inventory_files.files_below(tmp_path, "livingroom", ["mediaserver"]))
    assert found == ({name: "text"} if kept else {})


def test_large_files_and_links_out_of_the_folder_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "film.mkv").write_bytes(b"x" * (inventory_files.SIZE_MAX + 1))
    (tmp_path / "link").symlink_to("/etc/hostname")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "hosts.yml").write_text("kept")
    assert dict(inventory_files.files_below(tmp_path, "x", [])) == {"hosts.yml": "kept"}


def _in_a_child(queue: multiprocessing.Queue[int]) -> None:
    queue.put(controller_process.process_of_the_run())


def test_every_task_of_a_run_has_the_same_process() -> None:
    assert controller_process.process_of_the_run() == os.getpid()
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[int] = context.Queue()
    child = context.Process(target=_in_a_child, args=(queue,))
    child.start()
    assert queue.get(timeout=30) == os.getpid()
    child.join()


def test_the_run_is_among_the_living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert os.getpid() in controller_process.living()
    monkeypatch.setattr(controller_process, "PROCESSES", tmp_path)
    assert os.getpid() in controller_process.living(), "by ps(1)"
