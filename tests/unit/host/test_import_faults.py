# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input of the import: each gives a clear message, loses nothing, and delays no other torrent."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from import_home import DISK, URL, Household, hash_of, media_as_jellyfin_sees_it
from jellyfin_double import Timing
from mediaserver._core.errors import FileProblem, InvalidValue
from mediaserver._transmission.access import Access
from mediaserver.importer import by_hand
from mediaserver.importer.library import STAGING, Library
from mediaserver.importer.program import runner
from mediaserver.importer.retry import is_due, pause
from mediaserver.importer.runner import UNKNOWN_TRIES
from mediaserver.importer.settings import Credentials

FILM = "movies/Dune (2021)/Dune (2021).mkv"
SOURCE = "Dune.2021.1080p.WEB/Dune.2021.1080p.WEB.mkv"


@pytest.fixture
def home(tmp_path: Path) -> Household:
    made = Household(tmp_path, with_jellyfin=False)
    made.run()
    return made


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Household:
    """A household with Jellyfin."""
    made = Household(tmp_path)
    media_as_jellyfin_sees_it(monkeypatch, made)
    made.run()
    return made


def text(home: Household) -> str:
    (waiting,) = home.found().waiting
    return waiting.text


def later(home: Household, seconds: float = 1000.0) -> None:
    """Let time pass, and start the import as the timer does."""
    home.clock.sleep(seconds)
    home.run()


# The spool.


@pytest.mark.parametrize("name", ["film.mkv", "a" * 39, "..hidden", "g" * 40, "-rf", "x\ny", "ü" * 100])
def test_spool_file_that_is_not_a_hash_is_set_aside_and_named(home: Household, name: str) -> None:
    (home.spool / name).write_text("x")
    home.film(1)
    home.run()
    assert list(home.spool.iterdir()) == []
    assert (home.state / "rejected" / name).read_text() == "x"
    assert home.found().rejected == (name.replace("\n", "\ufffd"),)
    assert set(home.library()) == {FILM}
    home.run()
    assert len(home.found().rejected) == 1, "it is named until it is removed"
    (home.state / "rejected" / name).unlink()
    home.run()
    assert home.found().rejected == ()


def test_folders_and_links_in_the_spool_are_not_followed(home: Household, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("kept")
    torrent = home.film(1, done=False)
    (home.spool / torrent).symlink_to(outside)
    (home.spool / hash_of(2)).mkdir()
    (home.spool / hash_of(2) / "x").touch()
    (home.spool / "link").symlink_to(outside)
    home.run()
    assert list(home.spool.iterdir()) == []
    assert outside.read_text() == "kept"
    assert set(home.library()) == {FILM}
    assert [one.hash for one in home.found().waiting] == [hash_of(2)]


def test_rejected_files_do_not_fill_the_disk(home: Household) -> None:
    for number in range(30):
        (home.spool / f"no-{number}").touch()
    home.run()
    assert len(list((home.state / "rejected").iterdir())) == 20
    assert len(home.found().rejected) == 10


def test_damaged_entry_is_begun_again(home: Household) -> None:
    torrent = home.film(1, done=False)
    (home.state / "pending").mkdir()
    (home.state / "pending" / torrent).write_text('{"since": ')
    home.run()
    assert set(home.library()) == {FILM}
    assert home.pending() == []


def test_torrent_that_transmission_does_not_have_is_kept_then_given_up(home: Household) -> None:
    home.done(hash_of(9))
    home.run()
    assert "Transmission does not have this torrent" in text(home)
    for _ in range(UNKNOWN_TRIES):
        later(home)
    assert home.found().waiting == ()
    assert "does not have this torrent" in home.found().recent[0].warning


def test_torrent_that_appears_late_is_imported(home: Household) -> None:
    home.done(hash_of(1))
    home.run()
    home.film(1, done=False)
    later(home)
    assert set(home.library()) == {FILM}


# Transmission.


def test_transmission_that_is_down_delays_and_loses_nothing(home: Household) -> None:
    home.transmission.down = True
    home.film(1)
    home.run()
    assert "Transmission does not answer" in text(home)
    assert home.found().troubles == (text(home),)
    assert home.library() == {}
    home.transmission.down = False
    later(home)
    assert set(home.library()) == {FILM}
    assert home.found().troubles == ()


def test_wrong_password_is_tried_once_until_the_file_changes(home: Household) -> None:
    home.transmission.password = "another"
    home.film(1)
    before = home.transmission.attempts
    home.run()
    for _ in range(120):
        later(home)
    assert home.transmission.attempts - before == 1
    assert "refused the credentials" in text(home)
    assert "transmission_password" in text(home)
    home.password = "another"
    later(home)
    assert set(home.library()) == {FILM}


def test_wrong_password_after_an_outage_ends_the_run(home: Household) -> None:
    home.transmission.down = True
    home.film(1)

    def comes_back(seconds: float) -> None:
        home.clock.now += seconds
        home.clock.passed += seconds
        home.transmission.down, home.transmission.password = False, "another"
        assert home.clock.passed < 600, "the run does not end"

    home.clock.sleep = comes_back  # type: ignore[method-assign]
    home.run()
    assert "refuse" in text(home)


def test_missed_torrent_is_found_without_its_script(home: Household) -> None:
    home.film(1, done=False)
    home.run()
    assert set(home.library()) == {FILM}


def test_without_its_spool_torrents_are_found_and_the_loss_is_named(home: Household) -> None:
    home.film(1)
    shutil.rmtree(home.spool)
    home.run()
    assert set(home.library()) == {FILM}
    (trouble,) = home.found().troubles
    assert f"{home.spool} does not exist" in trouble
    home.spool.mkdir()
    home.run()
    assert home.found().troubles == ()


def test_torrents_from_before_the_import_are_left_alone_until_asked_for(tmp_path: Path) -> None:
    home = Household(tmp_path, with_jellyfin=False)
    old = home.film(1, done=False)
    home.run()
    home.film(2, "Alien", 1979)
    # Verified again, an old torrent runs the script, too.
    home.done(old)
    home.run()
    alien = "movies/Alien (1979)/Alien (1979).mkv"
    assert set(home.library()) == {alien}
    assert by_hand.request_existing(home.runner()) == 1
    home.run()
    assert set(home.library()) == {alien, FILM}


def test_torrent_from_before_that_is_added_again_is_new(tmp_path: Path) -> None:
    home = Household(tmp_path, with_jellyfin=False)
    old = home.film(1, done=False)
    home.run()
    known = home.transmission.torrents.pop(old)
    home.run()
    home.transmission.torrents[old] = known
    home.run()
    assert set(home.library()) == {FILM}


@pytest.mark.parametrize("name", ["{}.torrent", "Dune.{:.16}.torrent"])
def test_torrents_that_transmission_has_not_loaded_yet_stay_from_before(tmp_path: Path, name: str) -> None:
    home = Household(tmp_path, with_jellyfin=False)
    old = home.film(1, done=False)
    loaded = dict(home.transmission.torrents)
    (home.folder / "torrents").mkdir()
    (home.folder / "torrents" / name.format(old)).touch()
    for known in ({}, loaded, {}, loaded):
        home.transmission.torrents = dict(known)
        home.run()
        assert (home.library(), home.pending()) == ({}, [])
    # The control: a new one is imported.
    home.film(2, "Alien", 1979)
    home.run()
    assert set(home.library()) == {"movies/Alien (1979)/Alien (1979).mkv"}


def test_magnet_link_without_metadata_is_not_finished(home: Household) -> None:
    home.transmission.add(hash_of(1), "magnet", [])
    home.run()
    assert (home.pending(), home.library()) == ([], {})


def test_one_failing_torrent_delays_none_of_fifty(home: Household) -> None:
    (home.downloads / "complete" / SOURCE).parent.mkdir(parents=True)
    home.film(1)
    (home.downloads / "complete" / SOURCE).unlink()
    for number in range(2, 52):
        home.film(number, f"Film{number}", 1990)
    home.run()
    assert len(home.library()) == 50
    assert home.pending() == [hash_of(1)]
    assert "1 of its files are not in /downloads/complete" in text(home)


def test_defect_met_by_one_torrent_delays_no_other(home: Household) -> None:
    bad = home.film(1)
    home.transmission.torrents[bad]["files"] = [{"name": None, "length": "many"}]
    home.film(2, "Alien", 1979)
    home.run()
    assert set(home.library()) == {"movies/Alien (1979)/Alien (1979).mkv"}
    assert home.pending() == [bad]


# The torrent.


def test_local_error_waits_and_tracker_errors_do_not(home: Household) -> None:
    home.film(1, error=3, errorString="No space left on device")
    home.film(2, "Alien", 1979, error=2, errorString="tracker down")
    home.run()
    assert set(home.library()) == {"movies/Alien (1979)/Alien (1979).mkv"}
    assert "No space left on device" in text(home)


def test_only_wanted_and_whole_files_are_imported_and_the_rest_later(home: Household) -> None:
    paths = [f"Show.S01/Show.S01E0{number}.mkv" for number in (1, 2, 3)]
    torrent = home.download(1, "Show.S01", paths, done=False)
    files = [{"name": path, "length": 100} for path in paths]
    home.transmission.add(torrent, "Show.S01", [files[0], {**files[1], "wanted": False}, {**files[2], "completed": 7}])
    home.done(torrent)
    home.run()
    assert set(home.library()) == {"tv/Show/Season 01/Show S01E01.mkv"}
    assert text(home) == "1 of 3 files is not complete yet"
    home.transmission.add(torrent, "Show.S01", files)
    home.done(torrent)
    home.run()
    assert len(home.library()) == 3
    assert home.found().waiting == ()
    assert [one.new for one in home.found().recent] == [3]


@pytest.mark.parametrize("more", [{"labels": ["Sonarr"]}, {"downloadDir": "/downloads/complete/radarr"}])
def test_torrent_of_another_program_is_left_alone_unless_named(home: Household, more: dict[str, Any]) -> None:
    torrent = home.film(1, **more)
    if "downloadDir" in more:
        (home.downloads / "complete" / "radarr").mkdir()
        source = home.downloads / "complete" / Path(SOURCE).parent
        source.rename(home.downloads / "complete" / "radarr" / source.name)
    home.run()
    later(home)
    assert (home.library(), home.pending()) == ({}, [])
    by_hand.request(home.runner(), torrent, kind="movies")
    home.run()
    assert set(home.library()) == {FILM}


def test_torrent_of_another_program_that_has_moved_its_files_waits_for_nothing(home: Household) -> None:
    home.film(1, labels=["Sonarr"])
    (home.downloads / "complete" / SOURCE).unlink()
    home.run()
    assert (home.pending(), home.found().waiting) == ([], ())


def test_torrent_of_another_program_is_imported_by_its_hash_alone(home: Household) -> None:
    torrent = home.film(1, labels=["Sonarr"])
    home.run()
    assert home.library() == {}
    (shown,) = by_hand.propose(home.runner(), torrent)
    assert shown.planned is not None
    by_hand.request(home.runner(), torrent)
    home.run()
    assert set(home.library()) == {FILM}


def test_local_error_is_named_where_the_files_were_not_moved(home: Household) -> None:
    home.film(1, error=3, errorString="Couldn't move: No space left on device")
    (home.downloads / "complete" / SOURCE).unlink()
    home.run()
    assert "Couldn't move: No space left on device" in text(home)


@pytest.mark.parametrize("folder", ["/config", "/downloads/../etc", "/downloadsx"])
def test_torrent_outside_of_the_downloads_is_refused(home: Household, folder: str) -> None:
    home.film(1, downloadDir=folder)
    home.run()
    assert home.library() == {}
    assert "outside of /downloads" in text(home)


def test_symbolic_links_in_a_torrent_are_left_out(home: Household, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mkv"
    secret.write_text("secret")
    paths = ["Dune.2021/Dune.2021.mkv", "Dune.2021/Alien.1979.mkv", "Dune.2021/Subs/Up.2009.mkv"]
    torrent = home.download(1, "Dune.2021", paths)
    folder = home.downloads / "complete" / "Dune.2021"
    (folder / "Alien.1979.mkv").unlink()
    (folder / "Alien.1979.mkv").symlink_to(secret)
    (folder / "Subs" / "Up.2009.mkv").unlink()
    (folder / "Subs").rmdir()
    (tmp_path / "Up.2009.mkv").write_text("secret")
    (folder / "Subs").symlink_to(tmp_path)
    home.run()
    assert set(home.library()) == {FILM}
    assert [path for path in home.media.rglob("*") if path.is_symlink()] == []
    (arrival,) = home.found().recent
    assert {source for source, reason in arrival.left_out if "symbolic link" in reason} == set(paths[1:])
    assert arrival.hash == torrent


HOSTILE = ["../../etc/passwd", "/etc/passwd", "a/../../b.mkv", "a//b.mkv", "\ud800.mkv", "x\0y.mkv", "."]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_name_publishes_nothing_outside_of_the_library(home: Household, name: str, tmp_path: Path) -> None:
    torrent = home.film(1, done=False)
    before = {path for path in tmp_path.rglob("*") if home.state not in path.parents and home.spool not in path.parents}
    files = [{"name": SOURCE, "length": 100}, {"name": name, "length": 5}]
    home.transmission.add(torrent, "Dune.2021.1080p.WEB", files)
    home.done(torrent)
    home.run()
    # Either it is left out, or the torrent waits, because no such file is there.
    assert set(home.library()) in ({FILM}, set())
    assert len(home.found().waiting) + len(home.found().recent) == 1
    after = {path for path in tmp_path.rglob("*") if home.state not in path.parents and home.spool not in path.parents}
    assert {path for path in after - before if home.media not in path.parents} == set()


def test_name_of_300_bytes_waits_with_words(home: Household) -> None:
    torrent = home.film(1, done=False)
    home.transmission.add(torrent, "long", [{"name": f"{'x' * 300}.mkv", "length": 5}])
    home.done(torrent)
    home.film(2, "Alien", 1979)
    home.run()
    assert set(home.library()) == {"movies/Alien (1979)/Alien (1979).mkv"}
    assert "not in /downloads/complete" in text(home)


def test_names_of_255_bytes_are_published(home: Household) -> None:
    name = "Dune.2021." + "x" * 241
    home.download(1, name, [f"{name}/{name}.mkv"])
    home.run()
    (path,) = home.library()
    assert path.startswith("movies/Dune (2021)/")


def test_two_torrents_of_one_film_at_the_same_time_are_both_kept(home: Household) -> None:
    home.film(1)
    home.download(2, "Dune.2021.2160p", ["Dune.2021.2160p/Dune.2021.2160p.mkv"])
    home.download(3, "Dune (2021)", ["Dune (2021).mkv"])
    home.run()
    assert len(set(home.library().values())) == len(home.library()) == 3
    assert {path.split("/")[1] for path in home.library()} == {"Dune (2021)"}


def test_clock_before_2020_imports_and_recovers(home: Household) -> None:
    (home.downloads / "complete" / SOURCE).parent.mkdir(parents=True)
    home.film(1)
    (home.downloads / "complete" / SOURCE).unlink()
    home.run()
    home.clock.now = 100.0
    (home.downloads / "complete" / SOURCE).write_text("x")
    home.run()
    assert set(home.library()) == {FILM}


def test_ten_thousand_files_take_two_seconds(home: Household) -> None:
    paths = [f"Box/{disc:02}/{track:03} Song.flac" for disc in range(100) for track in range(100)]
    home.download(1, "Box", paths, size=1)
    begun = time.process_time()
    home.run()
    taken = time.process_time() - begun
    assert len(home.library()) == 10_000
    assert taken < 2, f"{taken:.2f} s"
    begun = time.process_time()
    home.done(hash_of(1))
    home.run()
    assert time.process_time() - begun < 2
    assert len(home.library()) == 10_000


# The library and its disk.


def test_links_share_inode_mode_and_owner_and_nothing_is_changed(home: Household) -> None:
    home.film(1, done=False)
    source = home.downloads / "complete" / SOURCE
    source.chmod(0o640)
    before = source.stat()
    home.done(hash_of(1))
    home.run()
    after = (home.media / FILM).stat()
    assert (after.st_ino, after.st_mode, after.st_uid, after.st_mtime_ns, after.st_nlink) == (
        *(before.st_ino, before.st_mode, before.st_uid, before.st_mtime_ns),
        2,
    )
    assert (home.media / FILM).parent.stat().st_mode & 0o777 == 0o775


def test_existing_file_of_the_same_name_is_never_overwritten(home: Household) -> None:
    path = home.media / FILM
    path.parent.mkdir()
    path.write_text("the household's own")
    home.film(1)
    home.run()
    assert path.read_text() == "the household's own"
    assert len(home.library()) == 2


def test_file_that_is_elsewhere_in_the_library_is_not_published_twice(home: Household) -> None:
    home.film(1)
    home.run()
    (home.media / FILM).rename(home.media / "movies" / "My own name.mkv")
    home.done(hash_of(1))
    home.run()
    assert set(home.library()) == {"movies/My own name.mkv"}


def test_deleted_file_stays_deleted_on_this_disk_only(home: Household) -> None:
    torrent = home.film(1)
    home.run()
    (home.media / FILM).unlink()
    home.done(torrent)
    home.run()
    assert home.library() == {}
    home.disk_id.write_text("f" * 32)
    home.done(torrent)
    home.run()
    assert set(home.library()) == {FILM}
    (home.media / FILM).unlink()
    home.done(torrent)
    home.run()
    assert home.library() == {}
    by_hand.request(home.runner(), torrent, again=True)
    home.run()
    assert set(home.library()) == {FILM}


def test_torrent_that_is_downloaded_once_more_is_not_published_twice(home: Household) -> None:
    home.film(1)
    home.run()
    inode = home.library()[FILM]
    (home.downloads / "complete" / SOURCE).unlink()
    home.film(1)
    home.run()
    assert home.source_inode(SOURCE) != inode
    assert home.library() == {FILM: inode}
    assert "an earlier download" in home.found().recent[0].left_out[0][1]
    (home.media / FILM).unlink()
    home.done(hash_of(1))
    home.run()
    assert home.library() == {}


@pytest.mark.parametrize(
    ("content", "words"), [(None, "the media disk is not there"), ("", "no id of a disk"), ("x", "no id of a disk")]
)
def test_without_its_disk_nothing_is_written(home: Household, content: str | None, words: str) -> None:
    if content is None:
        home.disk_id.unlink()
    else:
        home.disk_id.write_text(content)
    home.film(1)
    home.run()
    assert home.library() == {}
    assert words in text(home)
    home.disk_id.write_text(DISK)
    later(home)
    assert set(home.library()) == {FILM}


def test_missing_library_folder_is_named_and_not_made(home: Household) -> None:
    (home.media / "movies" / ".mediaserver").unlink()
    (home.media / "movies").rmdir()
    home.film(1)
    home.download(2, "Band - Album (2020)", ["Band - Album (2020)/01 Song.flac"])
    home.run()
    assert set(home.library()) == {"music/Band - Album (2020)/01 Song.flac"}
    assert f"{home.media}/movies does not exist" in text(home)
    (home.media / "movies").mkdir()
    later(home)
    assert FILM in home.library()


def test_folder_that_vanishes_while_the_library_is_read_stops_nothing(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Gone (1990)", "Kept (1991)"):
        (home.media / "movies" / name).mkdir()
        (home.media / "movies" / name / f"{name}.mkv").touch()
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("Gone (1990)"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert set(Library.scan(home.media).files) == {"movies/Kept (1991)/Kept (1991).mkv"}
    home.film(1)
    home.run()
    assert FILM in home.library()


def test_folder_that_cannot_be_read_is_named(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.media / "movies" / "Private").mkdir()
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("Private"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    home.film(1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", scandir)
        home.run()
    assert f"{home.media}/movies/Private" in text(home)
    assert home.pending() == [hash_of(1)]
    later(home)
    assert set(home.library()) == {FILM}


def test_symbolic_link_in_the_library_is_not_followed(home: Household, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (home.media / "movies" / "Dune (2021)").symlink_to(elsewhere)
    home.film(1)
    home.run()
    assert list(elsewhere.iterdir()) == []
    assert len(home.library()) + len(home.pending()) >= 1


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the media disk is full"),
        (errno.EROFS, "the media disk is read-only"),
        (errno.EXDEV, "are not on one filesystem"),
        (errno.EMLINK, "as many hard links"),
        (errno.EPERM, "the kernel does not allow"),
    ],
)
def test_link_that_fails_is_explained_and_never_a_copy(
    home: Household, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    home.film(1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", refuse)
        home.run()
    assert words in text(home)
    assert home.library() == {}
    assert not list(home.media.rglob(f"{STAGING}*"))
    later(home)
    assert home.library() == {FILM: home.source_inode(SOURCE)}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS], ids=["full", "read-only"])
@pytest.mark.parametrize("place", ["media", "state"])
def test_full_or_read_only_disk_at_each_step_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, place: str
) -> None:
    def attempt(folder: Path, at: int) -> tuple[Household, int]:
        """Run with a disk that takes no change from one of the calls on; return how many there were."""
        home = Household(folder, with_jellyfin=False)
        home.run()
        home.film(1)
        home.download(2, "Show.S01", [f"Show.S01/Show.S01E0{one}.mkv" for one in (1, 2)])
        disk = home.media if place == "media" else home.state
        count = 0

        def guarded(real: Callable[..., Any], where: int) -> Callable[..., Any]:
            def call(*arguments: Any, **more: Any) -> Any:
                nonlocal count
                changes = real is not real_open or arguments[1] & os.O_CREAT
                if changes and str(arguments[where]).startswith(str(disk)):
                    count += 1
                    if count > at:
                        raise OSError(number, os.strerror(number))
                return real(*arguments, **more)

            return call

        real_open = os.open
        with monkeypatch.context() as patched:
            for name, where in (("link", 1), ("mkdir", 0), ("replace", 1), ("open", 0)):
                patched.setattr(os, name, guarded(getattr(os, name), where))
            try:
                home.run()
            except FileProblem as error:
                assert place == "state", error
        return home, count

    _home, calls = attempt(tmp_path / "control", 10_000)
    assert calls > 4
    for at in range(calls):
        home, _count = attempt(tmp_path / f"{at}", at)
        if place == "media":
            assert any("disk is" in one.text for one in home.found().waiting)
        later(home)
        assert len(home.library()) == 3, f"after call {at}"
        assert not list(home.media.rglob(f"{STAGING}*"))
        assert (home.pending(), list(home.spool.iterdir())) == ([], [])


# Jellyfin.


def test_without_jellyfin_a_torrent_is_done_when_published(home: Household) -> None:
    home.film(1)
    home.run()
    assert (set(home.library()), home.pending()) == ({FILM}, [])


def test_kind_without_a_library_is_done_when_published(seen: Household) -> None:
    seen.download(1, "Stuff", ["Stuff/one.xyz"])
    begun = seen.clock.passed
    seen.run()
    assert set(seen.library()) == {"misc/Stuff/one.xyz"}
    assert (seen.pending(), seen.clock.passed) == ([], begun)


def test_jellyfin_that_is_down_for_an_hour_delays_only_the_listing(seen: Household) -> None:
    installation = seen.installation
    assert installation is not None
    installation.server.stop()
    seen.clock.installation = None
    seen.film(1)
    for _ in range(4):
        seen.run()
        seen.clock.sleep(900)
    assert set(seen.library()) == {FILM}
    assert seen.pending() == [hash_of(1)]
    (waiting,) = seen.found().waiting
    assert waiting.published
    assert "Jellyfin does not answer" in waiting.text
    installation.start("12.0")
    installation.pass_time(60)
    seen.clock.installation = installation
    seen.run()
    assert seen.pending() == []
    assert FILM in seen.listed()


def test_publishes_without_the_address_of_jellyfin(tmp_path: Path) -> None:
    home = Household(tmp_path)
    home.run()
    home.film(1)
    # Of the documentation's range, so this host does not have it.
    settings = replace(home.settings, jellyfin_url="http://203.0.113.1:8096")
    credentials = Credentials(Access(URL, "family", home.password), home.key)
    runner(settings, credentials, transmission_http=home.transmission, clock=home.clock, guess=lambda _name: {}).run()
    assert set(home.library()) == {FILM}
    assert "203.0.113.1 is not an address of this host now" in text(home)
    assert home.pending() == [hash_of(1)]


def test_revoked_key_is_tried_once_until_it_is_replaced(seen: Household) -> None:
    installation = seen.installation
    assert installation is not None
    assert installation.call("DELETE", f"/Auth/Keys/{seen.key}").status == 204
    seen.film(1)
    seen.run()
    assert set(seen.library()) == {FILM}
    (waiting,) = seen.found().waiting
    assert "refuses the credentials" in waiting.text or "refused the credentials" in waiting.text
    assert "new API key" in waiting.text
    requests = len(installation.lines)
    later(seen)
    assert len(installation.lines) == requests
    assert installation.call("POST", "/Auth/Keys", app="import").status == 204
    seen.key = installation.call("GET", "/Auth/Keys").json["Items"][-1]["AccessToken"]
    later(seen)
    assert seen.pending() == []
    assert FILM in seen.listed()


def test_news_that_a_scan_swallows_are_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Household(tmp_path)
    media_as_jellyfin_sees_it(monkeypatch, home)
    home.run()
    home.film(2, "Alien", 1979)
    home.run()
    installation = home.installation
    assert installation is not None
    installation.options["scan_item_s"] = 300.0
    installation.restart()
    installation.pass_time(60)
    installation.call("POST", "/Library/Refresh")
    installation.pass_time(1)
    home.film(1)
    home.run()
    for _ in range(10):
        later(home, 60)
    assert home.pending() == []
    assert FILM in home.listed()
    assert [one.warning for one in home.found().recent] == ["", ""]


def test_folder_that_was_never_scanned_ends_with_a_warning(seen: Household) -> None:
    installation = seen.installation
    assert installation is not None
    # Without the dot file, an empty folder of a new library is neither scanned nor watched.
    (seen.media / "music" / ".mediaserver").unlink()
    assert installation.call("DELETE", "/Library/VirtualFolders", name="music").status == 204
    body = {"LibraryOptions": {"PathInfos": [{"Path": str(seen.media / "music")}]}}
    installation.call("POST", "/Library/Refresh")
    installation.pass_time(10)
    installation.call("POST", "/Library/VirtualFolders", body, name="music", collectionType="music")
    installation.pass_time(10)
    seen.download(1, "Band - Album (2020)", ["Band - Album (2020)/01 Song.flac"])
    for _ in range(10):
        later(seen, 60)
    assert seen.pending() == []
    assert "Jellyfin does not list it, although it is idle" in seen.found().recent[0].warning


def test_server_that_is_starting_does_not_count_as_a_refusal(seen: Household) -> None:

    installation = seen.installation
    assert installation is not None
    seen.film(1)
    installation.restart(timing=Timing())
    seen.run()
    for _ in range(5):
        later(seen, 60)
    assert not (seen.state / "jellyfin.refused").exists()
    assert seen.pending() == []
    assert FILM in seen.listed()


# By hand.


@pytest.mark.parametrize("torrent", ["", "x", "../../etc", "a" * 41])
def test_hash_by_hand_is_checked(home: Household, torrent: str) -> None:
    with pytest.raises(InvalidValue, match="40 hexadecimal digits"):
        by_hand.request(home.runner(), torrent)


def test_dry_run_shows_the_plan_and_changes_nothing(home: Household) -> None:
    torrent = home.film(1, done=False)
    before = sorted(home.folder.rglob("*"))
    (proposal,) = by_hand.propose(home.runner(), torrent)
    assert proposal.planned is not None
    assert [(link.source, link.target) for link in proposal.planned.links] == [(SOURCE, FILM)]
    (forced,) = by_hand.propose(home.runner(), torrent, kind="misc")
    assert forced.planned is not None
    assert forced.planned.kind == "misc"
    assert sorted(home.folder.rglob("*")) == before


def test_failing_torrent_is_tried_again_only_after_its_pause(home: Household) -> None:
    home.film(1)
    (home.downloads / "complete" / SOURCE).unlink()
    home.run()

    def asked() -> int:
        return sum(1 for name, more in home.transmission.calls if name == "torrent-get" and "ids" in more)

    before = asked()
    # The first run ends when nothing is due within its stay, so the next try is later than that.
    home.run()
    assert asked() == before
    later(home)
    assert asked() > before
    assert all(is_due(time, 0.0) is (time <= 0) for time in (-1.0, 0.0, pause(1), pause(99)))
    assert (pause(1), pause(2), pause(99)) == (5.0, 10.0, 900.0)
