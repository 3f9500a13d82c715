# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a power cut has emptied or truncated: the entry points restore the last complete copy of each.

Run with the shells and programs of the images, as in test_last_good.py.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.tests.unit.roles.test_last_good import SHELLS, XML, Box

MakeBox = Callable[..., Box]
OPTIONS = """<?xml version="1.0" encoding="utf-8"?>
<LibraryOptions xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <Enabled>true</Enabled>
  <PathInfos>
    <MediaPathInfo>
      <Path>/media/Tom &amp; Jerry</Path>
    </MediaPathInfo>
    <MediaPathInfo>
      <Path>/media/old.films/movies</Path>
    </MediaPathInfo>
    <MediaPathInfo><Path>/media/movies</Path></MediaPathInfo>
  </PathInfos>
</LibraryOptions>"""
FOLDER = "root/default/My Movies"
LINKS = {
    "movies.mblink": "/media/movies",
    "movies1.mblink": "/media/old.films/movies",
    "Tom & Jerry.mblink": "/media/Tom & Jerry",
}
FILES: dict[str, dict[str, str]] = {
    "jellyfin": {
        "config/network.xml": '\ufeff<?xml version="1.0"?>\r\n<Network>\r\n  <BaseUrl />\r\n</Network>\r\n',
        "config/encoding.xml": "<EncodingOptions>\n  <A>1</A>\n</EncodingOptions>",
        "config/database.xml": "<DatabaseOptions><Type>Jellyfin-SQLite</Type></DatabaseOptions>",
        "config/metadata.xml": '<MetadataConfiguration a="b" />',
        "config/ScheduledTasks/7738148f-fcd0.js": '[{"Type":"IntervalTrigger","IntervalTicks":432000000000,"X":[]}]',
        "data/device.txt": "756f79f2a96248588425822bd9b37337",
        "data/playlists/Mine [x]/playlist.xml": "<Item>\n  <LocalTitle>Mine</LocalTitle>\n</Item>",
        "plugins/configurations/Jellyfin.Plugin.Tmdb.xml": "<PluginConfiguration>\n  <A />\n</PluginConfiguration>\n",
        "plugins/Tmdb_1.0/meta.json": '{\n  "name": "TMDb {[",\n  "guid": "x"\n}',
        f"{FOLDER}/options.xml": OPTIONS,
        **{f"{FOLDER}/{name}": text for name, text in LINKS.items()},
    },
    "jackett": {
        "Jackett/Indexers/one.json": '[\n  {"id": "sitelink", "value": "https://x/"},\n  {"id": "p", "value": null}\n]',
        "Jackett/DataProtection/key-1.xml": '<?xml version="1.0"?>\n<key id="1">\n  <!-- Warning: <x> -->\n</key>',
    },
}


@pytest.fixture
def make_box(tmp_path: Path) -> MakeBox:
    def make(service: str, shell: str = "dash") -> Box:
        box = Box(tmp_path / f"{service}-{shell}", service, shell)
        for name, text in FILES[service].items():
            path = box.config / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        if service == "jellyfin":
            (box.config / FOLDER / "movies.collection").touch()
        return box

    return make


def store(box: Box) -> Path:
    return box.config / ("Jackett/.last-whole" if box.service == "jackett" else ".last-whole")


def text_of(box: Box, name: str) -> str:
    return (box.config / name).read_bytes().decode()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("service", FILES)
def test_complete_files_are_copied_once_and_not_changed(make_box: MakeBox, service: str, shell: str) -> None:
    box = make_box(service, shell)
    started, said = box.start()
    assert (started is not None, said) == (True, "")
    root = store(box).parent
    for name, text in FILES[service].items():
        copy = store(box) / (box.config / name).relative_to(root)
        assert copy.read_bytes().decode() == text
    assert store(box).stat().st_mode & 0o777 == 0o700
    stamps = {path: path.stat().st_ino for path in store(box).rglob("*")}
    assert box.start()[1] == ""
    assert {path: path.stat().st_ino for path in store(box).rglob("*")} == stamps, "equal copies were written again"
    for name, text in FILES[service].items():
        assert text_of(box, name) == text


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "cut off": lambda raw: raw[: len(raw) - 3].rstrip(b"\r\n>"),
    "zeros": lambda raw: bytes(len(raw)),
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("service", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_restored(make_box: MakeBox, service: str, damage: str, shell: str) -> None:
    """One file after the other, in one folder: a start also shows that the one before is left alone."""
    box = make_box(service, shell)
    box.start()
    for name, text in FILES[service].items():
        if damage == "cut off" and name.endswith((".mblink", ".txt")):
            continue  # one line in one block: it is there or not
        path = box.config / name
        path.chmod(0o640)
        path.write_bytes(DAMAGES[damage](text.encode()))
        started, said = box.start()
        assert started is not None, name
        (line,) = said.splitlines()
        assert str(path) in line
        assert "the copy from its last whole start is back" in line
        assert text_of(box, name) == text
    assert box.start()[1] == ""


def test_a_truncated_file_never_counts_as_complete(make_box: MakeBox) -> None:
    """At every byte of its first 60. One start sees all of them, as files of the same kind."""
    box = make_box("jellyfin")
    kinds = ["config/encoding.xml", "plugins/Tmdb_1.0/meta.json", "config/ScheduledTasks/7738148f-fcd0.js"]
    names = {
        **{f"config/encoding{cut}.xml": (kinds[0], cut) for cut in range(60)},
        **{f"plugins/Tmdb_{cut}/meta.json": (kinds[1], cut) for cut in range(60)},
        **{f"config/ScheduledTasks/{cut}.js": (kinds[2], cut) for cut in range(60)},
    }
    for name, (kind, _cut) in names.items():
        (box.config / name).parent.mkdir(exist_ok=True)
        (box.config / name).write_text(FILES["jellyfin"][kind])
    assert box.start()[1] == ""
    for name, (kind, cut) in names.items():
        raw = FILES["jellyfin"][kind].encode()
        (box.config / name).write_bytes(raw[: min(cut, len(raw) - 1)])
    said = box.start()[1]
    assert {name: text_of(box, name) for name in names} == {name: FILES["jellyfin"][names[name][0]] for name in names}
    assert len(said.splitlines()) == len(names)


def test_a_newer_complete_file_replaces_its_copy(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    box.start()
    newer = "<EncodingOptions>\n  <A>2</A>\n</EncodingOptions>"
    (box.config / "config/encoding.xml").write_text(newer)
    assert box.start()[1] == ""
    (box.config / "config/encoding.xml").write_text("")
    box.start()
    assert text_of(box, "config/encoding.xml") == newer


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", LINKS)
def test_a_folder_entry_without_a_copy_is_restored_from_the_options(make_box: MakeBox, name: str, shell: str) -> None:
    """After a power cut soon after the library was created: no start has copied anything yet."""
    box = make_box("jellyfin", shell)
    (box.config / FOLDER / name).write_text("")
    started, said = box.start()
    assert started is not None
    assert f"its folder {LINKS[name]} is back" in said
    assert {path.name: path.read_text() for path in (box.config / FOLDER).glob("*.mblink")} == LINKS


@pytest.mark.parametrize("shell", SHELLS)
def test_all_folder_entries_are_restored_without_copies(make_box: MakeBox, shell: str) -> None:
    box = make_box("jellyfin", shell)
    for name in LINKS:
        (box.config / FOLDER / name).write_text("")
    box.start()
    found = {path.name: path.read_text() for path in (box.config / FOLDER).glob("*.mblink")}
    assert sorted(found.values()) == sorted(LINKS.values())


def test_an_entry_with_another_name_gets_the_only_folder_that_is_left(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    folder = box.config / FOLDER
    (folder / "Tom & Jerry.mblink").rename(folder / "cartoons.mblink")
    (folder / "cartoons.mblink").write_text("")
    box.start()
    assert (folder / "cartoons.mblink").read_text() == "/media/Tom & Jerry"


@pytest.mark.parametrize("options", ["", OPTIONS], ids=["no options", "named twice"])
def test_a_folder_entry_without_a_folder_is_removed(make_box: MakeBox, options: str) -> None:
    """With it, the server would remove all items of the library in its next scan."""
    box = make_box("jellyfin")
    folder = box.config / FOLDER
    extra = folder / ("more.mblink" if options else "movies.mblink")
    extra.write_text("")
    (folder / "options.xml").write_text(options)
    started, said = box.start()
    assert started is not None
    assert not extra.exists()
    assert f"{extra} was empty, so it is removed" in said
    assert len(list(folder.glob("*.mblink"))) == (3 if options else 2)


def test_the_service_starts_without_any_copy(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    (box.config / "config/encoding.xml").write_text("")
    started, said = box.start()
    assert started is not None
    assert "there is no whole copy of it" in said
    assert text_of(box, "config/encoding.xml") == ""


def test_a_damaged_copy_is_not_restored(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    box.start()
    (store(box) / "config/encoding.xml").write_text("<EncodingOptions>")
    (box.config / "config/encoding.xml").write_text("")
    assert "there is no whole copy of it" in box.start()[1]


def test_the_servers_id_is_restored_when_its_file_is_missing(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    box.start()
    (box.config / "data/device.txt").unlink()
    box.start()
    assert text_of(box, "data/device.txt") == FILES["jellyfin"]["data/device.txt"]


def test_a_removed_file_stays_removed_and_its_copy_is_removed(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    box.start()
    gone = [f"{FOLDER}/movies1.mblink", "config/encoding.xml", "plugins/Tmdb_1.0/meta.json"]
    for name in gone:
        (box.config / name).unlink()
    assert box.start()[1] == ""
    for name in gone:
        assert not (box.config / name).exists()
        assert not (store(box) / name).exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_type_of_a_library_is_restored(make_box: MakeBox, shell: str) -> None:
    box = make_box("jellyfin", shell)
    box.start()
    kind = box.config / FOLDER / "movies.collection"
    kind.unlink()
    (box.config / FOLDER / "options.xml").write_text("")
    started, said = box.start()
    assert started is not None
    assert kind.exists()
    assert "movies.collection is back" in said


def test_a_library_of_the_same_name_and_other_options_gets_no_type(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    box.start()
    (box.config / FOLDER / "movies.collection").unlink()
    (box.config / FOLDER / "options.xml").write_text(OPTIONS.replace("true", "false"))
    box.start()
    assert not (box.config / FOLDER / "movies.collection").exists()


def test_links_are_neither_followed_nor_copied(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    secret = box.folder / "secret.xml"
    secret.write_text("<Secret></Secret>")
    (box.config / "config/extra.xml").symlink_to(secret)
    box.start()
    assert not (store(box) / "config/extra.xml").exists()


def test_a_power_cut_during_copying_leaves_the_older_copies(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    box.start()
    leftover = store(box) / "config/encoding.xml.new"
    leftover.write_text("half")
    (box.config / "config/encoding.xml").write_text("")
    box.start()
    assert text_of(box, "config/encoding.xml") == FILES["jellyfin"]["config/encoding.xml"]
    assert not leftover.exists()


def test_the_service_starts_on_a_full_disk(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    box.start()
    copier = box.folder / "bin" / "cp"
    copier.write_text("#!/bin/sh\nexit 1\n")
    copier.chmod(0o755)
    (box.config / "config/encoding.xml").write_text("")
    (box.config / "config/network.xml").write_text("<NetworkConfiguration></NetworkConfiguration>")
    started, said = box.start()
    assert started == XML
    assert "is the disk full?" in said


def test_hundreds_of_files_take_little_time(make_box: MakeBox) -> None:
    box = make_box("jellyfin")
    for number in range(200):
        path = box.config / f"data/collections/c {number} [boxset]/collection.xml"
        path.parent.mkdir(parents=True)
        path.write_text("<Item>\n  <LocalTitle>x</LocalTitle>\n</Item>")
    box.start()
    begun = time.monotonic()
    assert box.start()[1] == ""
    assert time.monotonic() - begun < 5


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_restored_file_keeps_its_owner(make_box: MakeBox) -> None:
    box = make_box("jackett")
    path = box.config / "Jackett/Indexers/one.json"
    os.chown(path, 2000, 2001)
    box.start()
    path.write_text("")
    box.start()
    assert (path.stat().st_uid, path.stat().st_gid) == (2000, 2001)
