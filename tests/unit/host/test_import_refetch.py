# SPDX-License-Identifier: GPL-3.0-or-later
"""A dead media disk: the torrents download again, and each file gets the path in the library that it had."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from command_host import make_context, run
from import_home import FOLDERS, Household, hash_of, media_as_jellyfin_sees_it
from mediaserver._core.errors import AccessDenied, Unreachable
from mediaserver.command import import_session
from mediaserver.command import refetch as command
from mediaserver.command.frame import Context
from mediaserver.importer import by_hand, refetch
from mediaserver.importer.problem import ImportProblem, LibraryProblem
from test_import_removal import with_torrent_files

OTHER_DISK = "fedcba9876543210" * 2
DUNE, ALIEN = "movies/Dune (2021)/Dune (2021).mkv", "movies/Alien (1979)/Alien (1979).mkv"
CHOSEN = "misc/Lecture"
SIZE = 8192


def new_disk(home: Household, disk: str = OTHER_DISK) -> None:
    """An empty disk, as the playbook prepares it; Transmission meets no data at its start."""
    for folder in (home.media, home.downloads):
        shutil.rmtree(folder)
    for name in FOLDERS:
        (home.media / name).mkdir(parents=True)
        (home.media / name / ".mediaserver").touch()
    (home.downloads / "complete").mkdir(parents=True)
    home.disk_id.write_text(f"{disk}\n")
    for torrent in home.transmission.torrents.values():
        torrent.update(error=3, errorString="No data found! Ensure your drives are connected")


def download_all(home: Household) -> None:
    """The swarm brings what is wanted."""
    for torrent, known in home.transmission.torrents.items():
        for one, stats in zip(known["files"], known["fileStats"], strict=True):
            if stats["wanted"] and one["bytesCompleted"] < one["length"]:
                path = home.downloads / "complete" / one["name"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"y" * one["length"])
                one["bytesCompleted"] = stats["bytesCompleted"] = one["length"]
        if known["leftUntilDone"]:
            known["leftUntilDone"] = 0
            home.done(torrent)


def filled(home: Household) -> Household:
    home.run()
    home.film(1, size=SIZE, labels=["kept"])
    home.film(2, "Alien", 1979, size=SIZE)
    # A second version, whose name follows from the first one.
    home.download(3, "Dune.2021.2160p.WEB", ["Dune.2021.2160p.WEB/Dune.2021.2160p.WEB.mkv"], size=SIZE)
    home.run()
    # A person has chosen the kind.
    talk = home.download(4, "Lecture.2020.720p", ["Lecture.2020.720p/Lecture.2020.720p.mkv"], size=SIZE, done=False)
    by_hand.request(home.runner(), talk, kind="misc")
    home.run()
    return with_torrent_files(home)


@pytest.fixture
def home(tmp_path: Path) -> Household:
    return filled(Household(tmp_path, with_jellyfin=False))


@pytest.fixture
def context(tmp_path: Path, home: Household, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(import_session, "prepare", lambda _context, _name: home.runner())
    return make_context(tmp_path, ask=lambda _question: "")


def states(home: Household) -> dict[str, str]:
    return {one.hash: one.state for one in refetch.plan(home.runner()).torrents}


@pytest.mark.parametrize("json_rpc", [False, True])
def test_new_disk_gets_the_same_library(tmp_path: Path, json_rpc: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    home = filled(Household(tmp_path / "house", with_jellyfin=False, json_rpc=json_rpc))
    monkeypatch.setattr(import_session, "prepare", lambda _context, _name: home.runner())
    before = sorted(home.library())
    assert len(before) == 4
    assert any(path.startswith("misc/") for path in before)
    new_disk(home)
    home.run()
    assert home.library() == {}
    found = run(command, make_context(tmp_path), "--yes")
    assert (found.exit_code, found.data["done"], len(found.data["download"])) == (0, "begun", 4)
    assert found.data["bytes"] == 4 * SIZE
    assert {one["error"] for one in home.transmission.torrents.values()} == {0}
    assert home.transmission.torrents[hash_of(1)]["labels"] == ["kept"]
    # Those that the first one's name depended on come last.
    download_all(home)
    home.run()
    assert sorted(home.library()) == before
    assert home.library()[DUNE] == home.source_inode("Dune.2021.1080p.WEB/Dune.2021.1080p.WEB.mkv")
    assert home.found().waiting == ()


def test_versions_that_come_in_another_order_get_their_old_names(home: Household) -> None:
    before = home.library()
    names = {name for name in before if name.startswith("movies/Dune")}
    assert len(names) == 2
    new_disk(home)
    refetch.begin(home.runner(), refetch.plan(home.runner()))
    late = home.transmission.torrents.pop(hash_of(1))
    download_all(home)
    home.run()
    assert DUNE not in home.library()
    home.transmission.torrents[hash_of(1)] = late
    download_all(home)
    home.run()
    assert sorted(home.library()) == sorted(before)


def test_files_that_come_back_are_no_arrivals(home: Household) -> None:
    assert home.runner().ledger.get(hash_of(1)).announced == 1
    new_disk(home)
    refetch.begin(home.runner(), refetch.plan(home.runner()))
    download_all(home)
    home.run()
    record = home.runner().ledger.get(hash_of(1))
    assert (record.disk, record.fresh, record.former) == (OTHER_DISK, 0, {})
    # A second change of disks knows the paths, too.
    assert record.former_targets("a" * 32) == {"Dune.2021.1080p.WEB/Dune.2021.1080p.WEB.mkv": DUNE}


def test_a_lost_message_of_transmission_is_found_by_the_import(home: Household) -> None:
    new_disk(home)
    refetch.begin(home.runner(), refetch.plan(home.runner()))
    download_all(home)
    for path in home.spool.iterdir():
        path.unlink()
    home.run()
    assert DUNE in home.library()


def test_what_was_copied_is_verified_and_what_is_whole_is_left_alone(home: Household) -> None:
    two = ["Show.S01/Show.S01E01.mkv", "Show.S01/Show.S01E02.mkv"]
    home.download(5, "Show.S01", two, size=SIZE)
    home.run()
    with_torrent_files(home)
    before = sorted(home.library())
    new_disk(home)
    for path in (two[0], "Dune.2021.1080p.WEB/Dune.2021.1080p.WEB.mkv"):
        (home.downloads / "complete" / path).parent.mkdir(parents=True, exist_ok=True)
        (home.downloads / "complete" / path).write_bytes(b"x" * SIZE)
    # At its start the daemon has found data of these.
    for number in (1, 5):
        home.transmission.torrents[hash_of(number)].update(error=0, errorString="")
    assert states(home) == {
        hash_of(1): refetch.COPIED,
        hash_of(2): refetch.LOST,
        hash_of(3): refetch.LOST,
        hash_of(4): refetch.LOST,
        hash_of(5): refetch.PARTIAL,
    }
    home.transmission.calls.clear()
    refetch.begin(home.runner(), refetch.plan(home.runner()))
    asked = [(name, arguments["ids"]) for name, arguments in home.transmission.calls if "ids" in arguments]
    assert ("torrent-verify", [hash_of(5)]) in asked
    assert ("torrent-remove", [hash_of(5)]) not in asked
    assert ("torrent-remove", [hash_of(1)]) not in asked
    download_all(home)
    home.run()
    assert sorted(home.library()) == before


def test_files_that_a_person_removed_from_this_disk_stay_removed(home: Household, context: Context) -> None:
    shutil.rmtree(home.downloads / "complete" / "Dune.2021.1080p.WEB")
    found = run(command, context, "--yes")
    assert (found.data["done"], found.data["removed"]) == ("nothing", ["Dune.2021.1080p.WEB"])
    assert found.data["download"] == []


def test_a_torrent_that_downloads_is_left_alone(home: Household) -> None:
    home.transmission.add(hash_of(9), "New", [{"name": "New/a.mkv", "length": SIZE, "completed": 10}])
    assert states(home)[hash_of(9)] == refetch.PRESENT
    home.transmission.torrents[hash_of(9)]["error"] = 3
    (home.downloads / "incomplete" / "New").mkdir(parents=True)
    (home.downloads / "incomplete" / "New" / "a.mkv.part").write_bytes(b"x" * 10)
    assert states(home)[hash_of(9)] == refetch.PRESENT
    # The control: its part is gone.
    shutil.rmtree(home.downloads / "incomplete")
    assert states(home)[hash_of(9)] == refetch.NO_FILE


def test_unwanted_files_stay_unwanted(home: Household) -> None:
    paths = ["Show.S02/Show.S02E01.mkv", "Show.S02/Show.S02E02.mkv"]
    home.download(6, "Show.S02", paths, size=SIZE, done=False)
    known = home.transmission.torrents[hash_of(6)]
    known["fileStats"][1]["wanted"] = 0
    with_torrent_files(home)
    new_disk(home)
    refetch.begin(home.runner(), refetch.plan(home.runner()))
    assert [bool(one["wanted"]) for one in home.transmission.torrents[hash_of(6)]["fileStats"]] == [True, False]


def test_what_has_no_torrent_is_listed_by_name_again_and_again(home: Household, context: Context) -> None:
    del home.transmission.torrents[hash_of(2)]
    (home.folder / "torrents" / f"{hash_of(4)}.torrent").unlink()
    new_disk(home)
    found = run(command, context, "--yes")
    assert found.exit_code == 3
    assert found.data["no_torrent_file"] == ["Lecture.2020.720p"]
    assert ALIEN in found.data["without_torrent"]
    assert DUNE not in found.data["without_torrent"]
    assert any(CHOSEN in path for path in found.data["without_torrent"])
    assert hash_of(4) in home.transmission.torrents
    home.runner().ledger.remove(hash_of(2))
    assert ALIEN in run(command, context).data["without_torrent"]
    # Copied from elsewhere, it is there.
    (home.media / ALIEN).parent.mkdir()
    (home.media / ALIEN).write_text("x")
    assert ALIEN not in run(command, context).data["without_torrent"]


def test_jellyfin_knows_what_no_torrent_brings_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Household(tmp_path / "house")
    media_as_jellyfin_sees_it(monkeypatch, home)
    home.run()
    home.film(1, size=SIZE)
    home.run()
    own = home.media / "movies" / "Holiday (2019)"
    own.mkdir()
    (own / "Holiday (2019).mkv").write_text("x")
    jellyfin = home.runner().jellyfin
    assert jellyfin is not None
    jellyfin.inform(["movies/Holiday (2019)"])
    home.clock.sleep(10)
    with_torrent_files(home)
    assert jellyfin.all_files() == {DUNE, "movies/Holiday (2019)/Holiday (2019).mkv"}
    new_disk(home)
    monkeypatch.setattr(import_session, "prepare", lambda _context, _name: home.runner())
    found = run(command, make_context(tmp_path), "--dry-run")
    assert found.data["without_torrent"] == ["movies/Holiday (2019)/Holiday (2019).mkv"]


def test_too_small_a_disk_is_refused_before_anything_changes(
    home: Household, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_disk(home)
    calls = len(home.transmission.calls)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=SIZE))
    with pytest.raises(LibraryProblem, match=f"{4 * SIZE} bytes have to be downloaded, and {SIZE} are free"):
        run(command, context, "--yes")
    assert {name for name, _arguments in home.transmission.calls[calls:]} == {"torrent-get"}


def test_a_disk_that_is_not_there_is_refused(home: Household, context: Context) -> None:
    new_disk(home)
    home.disk_id.unlink()
    with pytest.raises(ImportProblem, match="the media disk is not there"):
        run(command, context, "--yes")


def test_without_a_yes_nothing_changes(home: Household, context: Context) -> None:
    new_disk(home)
    found = run(command, context)
    assert (found.exit_code, found.lines) == (3, ["nothing was changed; to download without a question, add --yes"])
    assert {one["error"] for one in home.transmission.torrents.values()} == {3}
    assert run(command, context, "--dry-run").data["download"] != []


def test_transmission_that_does_not_answer_is_named(home: Household, context: Context) -> None:
    new_disk(home)
    home.transmission.down = True
    with pytest.raises(Exception, match="Transmission does not answer as expected"):
        run(command, context, "--yes")


def test_needs_root(tmp_path: Path) -> None:
    with pytest.raises(AccessDenied, match="sudo mediaserver refetch"):
        run(command, make_context(tmp_path, uid=lambda: 1000))


def test_interrupted_between_remove_and_add_loses_no_torrent(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    new_disk(home)
    made = refetch.plan(home.runner())
    answer = home.transmission._answer

    def broken(name: str, arguments: dict[str, object]) -> dict[str, object]:
        if name == "torrent-add":
            raise Unreachable("cut off", refused=True)
        return answer(name, arguments)

    monkeypatch.setattr(home.transmission, "_answer", broken)
    with pytest.raises(Exception, match="cut off"):
        refetch.begin(home.runner(), made)
    assert len(home.transmission.torrents) == 3
    notes = list((home.state / "refetch").iterdir())
    assert [(path.name in made.torrents[0].hash, path.stat().st_mode & 0o777) for path in notes] == [(True, 0o600)]
    monkeypatch.setattr(home.transmission, "_answer", answer)
    # The import's timer completes it.
    home.run()
    assert len(home.transmission.torrents) == 4
    assert list((home.state / "refetch").iterdir()) == []


def test_a_damaged_note_stops_nothing(home: Household) -> None:
    (home.state / "refetch").mkdir()
    (home.state / "refetch" / hash_of(1)).write_text('{"hash": "')
    home.run()
    assert home.found().waiting == ()
    assert len(home.transmission.torrents) == 4


def test_damaged_record_of_what_is_missing_counts_as_none(home: Household) -> None:
    for text in ("", "[]", '{"files": 3}', json.dumps({"disk": "x", "files": ["a"]})):
        (home.state / refetch.MISSING).write_text(text)
        assert refetch.read_missing(home.settings) == set()


@pytest.mark.parametrize("moment", range(8))
def test_killed_at_any_moment_the_next_run_ends_the_same(home: Household, moment: int) -> None:
    before = sorted(home.library())
    new_disk(home)
    made = refetch.plan(home.runner())
    count = 0
    answer = home.transmission._answer

    def killed(name: str, arguments: dict[str, object]) -> dict[str, object]:
        nonlocal count
        count += 1
        if count == moment + 1:
            raise KeyboardInterrupt
        return answer(name, arguments)

    home.transmission._answer = killed  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        refetch.begin(home.runner(), made)
    home.transmission._answer = answer  # type: ignore[method-assign]
    home.runner().notes.complete()
    refetch.begin(home.runner(), refetch.plan(home.runner()))
    download_all(home)
    home.run()
    assert sorted(home.library()) == before
    assert len(home.transmission.torrents) == 4
