# SPDX-License-Identifier: GPL-3.0-or-later
"""The import reads the recorded answers of the real Jellyfin: ids that it computes, versions, and unreadable ids."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from shared_material import RECORDED, RECORDINGS, missing

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "roles" / "runtime" / "files" / "lib"))

from mediaserver._core.transport import Response  # noqa: E402
from mediaserver.importer.jellyfin import Jellyfin  # noqa: E402
from mediaserver.importer.listing import expectations, item_id  # noqa: E402
from mediaserver.importer.settings import Library  # noqa: E402

if missing(RECORDED):
    pytest.skip(missing(RECORDED), allow_module_level=True)

TYPES = {"Movie": "Movies.Movie", "Episode": "TV.Episode", "Video": "Video"}
FOLDER = "movies/Film (2019)"
FIRST, SECOND = f"{FOLDER}/Film (2019).mp4", f"{FOLDER}/Film (2019) - 2160p.mkv"
LIBRARIES = (Library("movies", "movies"), Library("shows", "tvshows"))


def lines(version: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((RECORDED / RECORDINGS[version] / "import.json").read_text("utf-8"))
    return found


def named(version: str, name: str) -> dict[str, Any]:
    return next(line for line in lines(version) if line["name"] == name)


class Recorded:
    """Answers with one recorded answer, whatever is asked for."""

    def __init__(self, line: dict[str, Any]) -> None:
        self.line = line
        self.urls: list[str] = []

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        self.urls.append(url)
        return Response(self.line["answer"]["status"], {}, json.dumps(self.line["answer"]["body"]).encode())


def listed(line: dict[str, Any], ids: list[str]) -> set[str]:
    return Jellyfin.connect("http://127.0.0.1:8096", "key", http=Recorded(line)).listed(ids)


def expected(*targets: str) -> Any:
    names = {FOLDER: [FIRST.rpartition("/")[2], SECOND.rpartition("/")[2]]}
    (found,) = expectations(targets, LIBRARIES, lambda folder: names.get(folder, ()))
    return found


@pytest.mark.parametrize("version", RECORDINGS)
def test_computed_ids_are_those_of_the_server(version: str) -> None:
    items = [
        item
        for line in lines(version)
        if "/Items?ids=" in line["path"] and isinstance(line["answer"]["body"], dict)
        for item in line["answer"]["body"]["Items"]
        if item["Type"] in TYPES
    ]
    assert len(items) > 4
    assert [item for item in items if item_id(TYPES[item["Type"]], item["Path"]) != item["Id"]] == []


@pytest.mark.parametrize("version", RECORDINGS)
def test_second_version_counts_as_listed_in_either_form(version: str) -> None:
    want = expected(SECOND)
    before, after = named(version, "listed"), named(version, "a second version")
    assert want.missing(listed(before, want.ids))
    assert not want.missing(listed(after, want.ids))
    # The ids that were asked for in the recording are among those that the import asks for.
    asked = after["path"].partition("ids=")[2].partition("&")[0].split(",")
    assert set(asked) <= set(want.ids)


@pytest.mark.parametrize("version", RECORDINGS)
def test_late_subtitle_counts_through_its_video(version: str) -> None:
    want = expected(f"{FOLDER}/Film (2019).en.srt")
    assert not want.missing(listed(named(version, "listed"), want.ids))
    assert want.missing(listed(named(version, "ask for a path that is not there"), want.ids))


@pytest.mark.parametrize("version", RECORDINGS)
def test_root_folders_of_an_unreadable_id_are_no_answer(version: str) -> None:
    line = named(version, "an id that is none")
    assert len(line["answer"]["body"]["Items"]) == 3
    assert listed(line, ["nonsense"]) == set()
