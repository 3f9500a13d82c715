# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/import_plan.py prints one line of JSON for each case, and names a case that it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import import_plan
import pytest

CASES = """\
cases:
- id: film
  torrent:
    name: Dune.2021.2160p.mkv
    label: null
    files:
    - [Dune.2021.2160p.mkv, 9000]
  already_in_library:
  - movies/Dune (2021)/Dune (2021).mkv
- id: partial
  torrent:
    name: Show
    label: tv
    files:
    - [Show/Show.S01E01.mkv.part, 9000]
    - [Show/Show.S01E02.mkv, 9000, false]
    - [Show/Show.S01E03.mkv, 9000]
- id: nothing
  torrent: {name: a.mkv, label: null, files: []}
"""


def test_prints_one_line_per_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cases.yml"
    file.write_text(CASES, encoding="utf-8")
    assert import_plan.main([str(file), "--year", "2026"]) == 0
    film, partial, refused = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert film == {
        "id": "film",
        "kind": "movies",
        "links": {"Dune.2021.2160p.mkv": "movies/Dune (2021)/Dune (2021) - 2160p.mkv"},
        "left_out": {},
    }
    assert partial["links"] == {"Show/Show.S01E03.mkv": "tv/Show/Season 01/Show S01E03.mkv"}
    assert partial["left_out"] == {"Show/Show.S01E01.mkv.part": "incomplete", "Show/Show.S01E02.mkv": "not_wanted"}
    assert refused["refused"] == "Transmission does not list any file yet."


def test_names_unreadable_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cases.yml"
    file.write_text("- id: broken\n  torrent: {name: x}\n- id: good\n  torrent: {name: a.txt, files: [[a.txt, 1]]}\n")
    assert import_plan.main([str(file)]) == 1
    printed = capsys.readouterr()
    assert "case broken" in printed.err
    assert [json.loads(line)["id"] for line in printed.out.splitlines()] == ["good"]


@pytest.mark.parametrize("content", ["just text", "a: [", "cases: 3"])
def test_refuses_file_without_cases(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cases.yml"
    file.write_text(content)
    assert import_plan.main([str(file)]) == 1
    assert "cannot be read" in capsys.readouterr().err
