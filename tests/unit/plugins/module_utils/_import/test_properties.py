# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of every plan: targets are safe and distinct, and each file of the torrent has one result."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._import import film
from ansible_collections.household.mediaserver.plugins.module_utils._import.model import (
    KINDS,
    REASONS,
    ExistingFiles,
    ImportPlan,
    Torrent,
    TorrentFile,
)
from ansible_collections.household.mediaserver.plugins.module_utils._import.names import fold, size
from ansible_collections.household.mediaserver.plugins.module_utils._import.plan import plan
from ansible_collections.household.mediaserver.plugins.module_utils._import.titles import read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

THIS_YEAR = 2026
WORDS = [
    "Dune", "The", "1984", "2019", "1080p", "2160p", "S01E02", "S02", "Season 1", "E03", "- 05", "[Group]",
    "[ABCD1234]", "Part 1", "CD2", "Extended", "3D", "sample", "Sample", "trailer", "Featurettes", "Specials",
    "Subs", "eng", "forced", "BluRay", "x264", "2024-03-14", "VIDEO_TS", "BDMV", "Show", "(2003)",
    "[tmdbid-603]", "..", ".", "", " ", "\u202e", "\n", "\x00", "\u00e9", "e\u0301", "\u0419", "\u5343", "?",
    ":", "\\", "CON", "aux", ".hidden", "._x", "a" * 240, "\u0416" * 120, "www.site.org -", "The Show",
    "-trailer", "Unknown", "Disc 1", "misc", "pt-BR", "Making Of", "Vol. 2", "1x03", "...And", "U.N.C.L.E.",
]  # fmt: skip
EXTENSIONS = [
    "mkv", "mkv", "mkv", "mp4", "avi", "srt", "sub", "idx", "nfo", "rar", "r00", "jpg", "mp3", "flac", "epub", "exe",
    "iso", "ts", "part", "txt", "m4b", "VOB", "bin", "mka", "",
]  # fmt: skip

names = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).flatmap(
    lambda words: st.sampled_from([".", " ", "_", ""]).map(lambda separator: separator.join(words))
)
file_names = st.tuples(names, st.sampled_from(EXTENSIONS)).map(
    lambda pair: f"{pair[0]}.{pair[1]}" if pair[1] else pair[0]
)
paths = st.tuples(st.lists(names, max_size=2), file_names).map(lambda pair: "/".join([*pair[0], pair[1]]))
sizes = st.sampled_from([0, 1, 50_000, 40_000_000, 2_000_000_000, 9_000_000_000])


@st.composite
def torrents(draw: Any) -> Torrent:
    name = draw(names)
    chosen = draw(
        st.lists(
            st.tuples(paths, sizes, st.booleans(), st.integers(0, 9)),
            min_size=1,
            max_size=9,
            unique_by=lambda file: file[0],
        )
    )
    single = len(chosen) == 1 and "/" not in chosen[0][0]
    files = []
    for number, (path, length, wanted, state) in enumerate(chosen):
        full = path if single else f"{name}/{path}"
        completed = length if state else max(length - 1, 0)
        files.append(TorrentFile(full, length, completed, wanted or state > 2, identity=number))
    label = draw(st.sampled_from([(), (), (), ("movies",), ("tv",), ("music",), ("books",), ("misc",), ("seedbox",)]))
    return Torrent(name, tuple(files), label)


@st.composite
def libraries(draw: Any) -> dict[str, Any]:
    """Existing files under names that a plan may choose."""
    folders = [
        "movies/Dune (2019)",
        "movies/Dune",
        "tv/The Show/Season 01",
        "tv/Show (2003)/Season 02",
        "music/Dune",
        "misc/Dune",
    ]
    stems = ["Dune (2019)", "Dune", "The Show S01E02", "Show (2003) S02E05", "Dune (2019) - 1080p", "Dune (2019).en"]
    chosen = draw(
        st.lists(
            st.tuples(st.sampled_from(folders), st.sampled_from(stems), st.sampled_from(["mkv", "srt"])), max_size=6
        )
    )
    return {f"{folder}/{stem}.{extension}": None for folder, stem, extension in chosen}


def planned(torrent: Torrent, library: dict[str, Any]) -> ImportPlan:
    result = plan(torrent, ExistingFiles(library), this_year=THIS_YEAR)
    assert isinstance(result, ImportPlan)
    return result


CHECKS = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@CHECKS
@given(torrent=torrents(), library=libraries())
def test_every_target_is_a_safe_path_below_its_library(torrent: Torrent, library: dict[str, Any]) -> None:
    for link in planned(torrent, library).links:
        kind, *rest = link.target.split("/")
        assert kind in KINDS
        assert rest
        for part in rest:
            assert part not in ("", ".", "..")
            assert "\0" not in part
            assert "\n" not in part
            assert "\u202e" not in part
            assert size(part) <= 255
        if kind in ("movies", "tv"):
            for folder in rest[:-1]:
                assert folder == folder.strip()
                assert not folder.startswith(".")
            assert not set("".join(rest)) & set('<>:"\\|?*')
        if kind in ("movies", "music", "books"):
            assert len(rest) >= 2
        if kind == "tv":
            assert len(rest) == 3


@CHECKS
@given(torrent=torrents(), library=libraries())
def test_every_file_is_linked_or_left_out_for_a_reason(torrent: Torrent, library: dict[str, Any]) -> None:
    result = planned(torrent, library)
    sources = [entry.source for entry in (*result.links, *result.left_out, *result.present)]
    assert sorted(sources) == sorted({file.path for file in torrent.files})
    assert {entry.reason for entry in result.left_out} <= set(REASONS)
    first = {}
    for file in sorted(torrent.files, key=lambda file: file.path):
        first.setdefault(file.path, file)
    for link in result.links:
        assert first[link.source].wanted
        assert first[link.source].is_complete


@CHECKS
@given(torrent=torrents(), library=libraries())
def test_targets_are_distinct_and_free(torrent: Torrent, library: dict[str, Any]) -> None:
    result = planned(torrent, library)
    targets = [link.target for link in result.links]
    assert len(set(targets)) == len(targets)
    assert not set(targets) & set(library)
    folded = [fold(target) for target in targets if not target.startswith("misc/")]
    assert len(set(folded)) == len(folded)
    assert not set(folded) & {fold(path) for path in library}
    everything = set(targets) | set(library)
    for path in everything:
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            assert "/".join(parents[:depth]) not in everything


@CHECKS
@given(torrent=torrents(), library=libraries())
def test_planning_again_with_the_result_in_the_library_links_nothing(torrent: Torrent, library: dict[str, Any]) -> None:
    result = planned(torrent, library)
    identities = {file.path: file.identity for file in sorted(torrent.files, key=lambda file: file.path, reverse=True)}
    for file in sorted(torrent.files, key=lambda file: file.path):
        identities.setdefault(file.path, file.identity)
    extended = {**library, **{link.target: identities[link.source] for link in result.links}}
    again = planned(torrent, extended)
    assert again.links == ()
    assert {entry.source for entry in again.present} == {entry.source for entry in result.links}
    assert planned(torrent, library) == result


@CHECKS
@given(torrent=torrents(), library=libraries(), half=st.sets(st.integers(0, 8)))
def test_a_torrent_that_completes_in_two_steps_overwrites_nothing(
    torrent: Torrent, library: dict[str, Any], half: set[int]
) -> None:
    early = Torrent(
        torrent.name,
        tuple(
            TorrentFile(file.path, file.length, file.completed, file.wanted and number in half, file.identity)
            for number, file in enumerate(torrent.files)
        ),
        torrent.labels,
    )
    first = planned(early, library)
    identities = {file.path: file.identity for file in reversed(torrent.files)}
    extended = {**library, **{link.target: identities[link.source] for link in first.links}}
    second = planned(torrent, extended)
    assert not {fold(link.target) for link in second.links if not link.target.startswith("misc/")} & {
        fold(path) for path in extended
    }
    assert not {link.target for link in second.links} & set(extended)
    assert {link.source for link in first.links} <= {link.source for link in second.present}


FILMS = st.tuples(
    st.sampled_from(
        ["Dune", "Dune Part Two", "Iron Man", "Iron Man 2", "1984", "Blade Runner 2049", "It", "Mother!", "Mother"]
    ),
    st.sampled_from([1984, 2001, 2019, 2024]),
)


@CHECKS
@given(
    films=st.lists(FILMS, min_size=1, max_size=6, unique=True),
    separator=st.sampled_from([".", " "]),
    existing=st.lists(FILMS, max_size=3),
)
def test_two_films_never_share_a_folder(
    films: list[tuple[str, int]], separator: str, existing: list[tuple[str, int]]
) -> None:
    files = [
        TorrentFile(
            f"Box/{separator.join(f'{title} ({year}) 1080p'.split(' '))}.mkv", 10**9, 10**9, identity=(title, year)
        )
        for title, year in films
    ]
    library = {f"movies/{title} ({year})/{title} ({year}).mkv": None for title, year in existing}
    result = planned(Torrent("Box", tuple(files)), library)
    assert len(result.links) == len(films)
    owner = {file.path: file.identity for file in files}
    for link in result.links:
        folder = read(link.target.split("/")[1], THIS_YEAR)
        title, year = owner[link.source]  # type: ignore[misc]
        assert film.film_key(folder.title, folder.year) == film.film_key(title, year)


HUGE = {
    "episodes": lambda n: f"Series/Season {n // 100 + 1:02d}/Series.S{n // 100 + 1:02d}E{n % 100 + 1:02d}.1080p.mkv",
    "one episode": lambda n: f"Series/{n}/Series.S01E01.1080p.mkv",
    "films": lambda n: f"Series/Film {n}.{1950 + n % 70}.1080p.mkv",
    "one film": lambda n: f"Series/{n}/Film.1999.1080p.mkv",
    "subtitles": lambda n: f"Series/Subs/{n}_English.srt" if n else "Series/Film.1999.mkv",
    "fansub": lambda n: f"Series/[Group] Series - {n:04d} [1080p].mkv",
    "songs": lambda n: f"Series/{n % 100}/{n}.flac",
    "anything": lambda n: f"Series/{n % 100}/{n}.c",
}


@pytest.mark.parametrize("form", HUGE)
def test_plans_ten_thousand_files_in_bounded_time(form: str) -> None:
    files = tuple(TorrentFile(HUGE[form](number), 10**9, 10**9, identity=number) for number in range(10_000))
    began = time.process_time()
    result = planned(Torrent("Series", files), {})
    # Takes two seconds on an idle machine; the limit allows for a busy one.
    assert time.process_time() - began < 8
    assert len(result.links) == 10_000
