# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bench_import
import pytest
from bench import BenchError

LARGE = 3_000_000_000


@pytest.fixture(autouse=True)
def build_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "build").mkdir()
    monkeypatch.setattr(bench_import, "ROOT", tmp_path)
    return tmp_path / "build"


def test_a_large_file_is_published_whole(build_folder: Path) -> None:
    assert bench_import.one_file(LARGE) > 0
    assert list(build_folder.iterdir()) == []


def test_a_copy_in_place_of_a_link_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_content(source: str, target: Any, **_more: Any) -> None:
        Path(target).write_text("")

    monkeypatch.setattr(os, "link", without_content)
    with pytest.raises(BenchError, match="0 files are in the library; expected 1"):
        bench_import.one_file(LARGE)


def test_each_file_of_a_large_torrent_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_import, "FILES", 200)
    assert bench_import.many_files() > 0


def test_a_film_that_is_not_listed_is_no_measurement() -> None:
    with bench_import.home(with_jellyfin=True) as household:
        household.film(1)
        with pytest.raises(BenchError, match=r"lists \['movies/Dune.*expected one file below tv/"):
            bench_import.run_and_expect(household, "tv/")
        with pytest.raises(BenchError, match=r"Jellyfin lists \[\] after the import"):
            bench_import.run_and_expect(household, "movies/")


def test_the_clock_of_the_simulated_jellyfin_is_real() -> None:
    with bench_import.home(with_jellyfin=True) as household, bench_import.in_real_time(household):
        household.film(1)
        # The delay of the library monitor is a second.
        assert 1 < bench_import.run_and_expect(household, "movies/Dune (2021)/") < 10


def test_what_does_not_happen_on_the_pi_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_import, "PATIENCE_S", 0.1)
    pi = object.__new__(bench_import.Pi)
    answers = iter([False, True])
    asked, answered = pi._wait("is there", lambda: next(answers))
    assert 0 < asked <= answered
    with pytest.raises(BenchError, match=r"after 0\.1 s; expected that it is there"):
        pi._wait("is there", lambda: False)


def test_a_full_disk_leaves_no_folder(build_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Any, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "truncate", full)
    with pytest.raises(OSError, match="No space"):
        bench_import.one_file(LARGE)
    assert list(build_folder.iterdir()) == []
