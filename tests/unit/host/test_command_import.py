# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver import``, ``space`` and ``remove``, on a household with real folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_host import make_context, run
from import_home import Household
from mediaserver._core.errors import AccessDenied, FileProblem, InvalidValue
from mediaserver.command import import_session, import_torrents, remove, space
from mediaserver.command.frame import Context, WrongArgument
from mediaserver.importer.settings import Library

FILM = "movies/Dune (2021)/Dune (2021).mkv"
SOURCE = "Dune.2021.1080p.WEB/Dune.2021.1080p.WEB.mkv"
SIZE = 8192


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Household:
    made = Household(tmp_path, with_jellyfin=False)
    made.run()
    monkeypatch.setattr(import_session, "prepare", lambda _context, _name: made.runner())
    (tmp_path / "torrents").mkdir()
    return made


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(tmp_path, ask=lambda _question: "")


@pytest.mark.parametrize("one", [import_torrents, space, remove], ids=lambda one: one.NAME)
def test_needs_root(tmp_path: Path, one: Any) -> None:
    arguments = ["x"] if one is remove else []
    with pytest.raises(AccessDenied, match=f"sudo mediaserver {one.NAME}"):
        run(one, make_context(tmp_path, uid=lambda: 1000), *arguments)


@pytest.mark.parametrize("one", [import_torrents, space, remove], ids=lambda one: one.NAME)
def test_a_host_without_the_import_says_how_to_have_it(tmp_path: Path, one: Any) -> None:
    with pytest.raises(FileProblem, match=r"import\.json does not exist.* set upkeep_import to true"):
        run(one, make_context(tmp_path), *(["x"] if one is remove else []))


def test_import_by_hand_says_what_arrived_and_what_waits(home: Household, context: Context) -> None:
    home.film(1)
    home.film(2, "Alien", 1979, error=3, errorString="disk full")
    found = run(import_torrents, context)
    assert (found.exit_code, [one["name"] for one in found.data["arrived"]]) == (3, ["Dune.2021.1080p.WEB"])
    assert found.lines == ["Alien.1979.1080p.WEB waits: Transmission reports a local error: disk full."]
    home.transmission.torrents[f"{2:040x}"]["error"] = 0
    found = run(import_torrents, context, f"{2:040X}")
    assert (found.exit_code, found.lines) == (0, ["1 arrived, nothing waits"])


def test_dry_run_is_a_table(home: Household, context: Context) -> None:
    torrent = home.download(1, "Dune.2021.1080p.WEB", [SOURCE, "Dune.2021.1080p.WEB/backup.rar"], done=False)
    found = run(import_torrents, context, "--dry-run", torrent)
    width = len(SOURCE)
    assert found.lines == [
        "Dune.2021.1080p.WEB: movies",
        f"  {SOURCE:<{width}}  {FILM}",
        f"  {'Dune.2021.1080p.WEB/backup.rar':<{width}}  (left out) archives are not unpacked; the file stays with the"
        " download",
    ]
    assert home.library() == {}
    forced = run(import_torrents, context, "--dry-run", "--kind", "misc", torrent)
    assert forced.data["plans"][0]["kind"] == "misc"
    unknown = run(import_torrents, context, "--dry-run", "f" * 40)
    assert (unknown.exit_code, unknown.data["plans"][0]["problem"]) == (3, "Transmission does not have this torrent")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--kind", "tv"],
        ["--again"],
        ["nonsense"],
        ["--existing", "--dry-run"],
        ["--existing", "a" * 40],
    ],
)
def test_import_refuses_what_makes_no_sense(home: Household, context: Context, arguments: list[str]) -> None:
    with pytest.raises(WrongArgument):
        run(import_torrents, context, *arguments)
    assert home.pending() == []


def test_json_is_not_mixed_with_the_journal(
    home: Household, context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    home.film(1)
    run(import_torrents, context, "--json")
    out, err = capsys.readouterr()
    assert (out, FILM in err) == ("", True)


def test_existing_imports_what_was_finished_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Household(tmp_path, with_jellyfin=False)
    home.film(1, done=False)
    home.run()
    assert home.library() == {}
    monkeypatch.setattr(import_session, "prepare", lambda _context, _name: home.runner())
    assert run(import_torrents, make_context(tmp_path), "--existing").exit_code == 0
    assert set(home.library()) == {FILM}


def test_space_lists_names_that_remove_takes(home: Household, context: Context) -> None:
    home.film(1, size=SIZE)
    home.run()
    (home.media / FILM).unlink()
    found = run(space, context)
    assert found.data["offers"] == [
        {"name": "Dune.2021.1080p.WEB", "frees": SIZE, "reasons": ["a download without a link in the library"]}
    ]
    assert "Dune.2021.1080p.WEB  (a download" in found.lines[1]
    assert run(remove, context, "--yes", "Dune.2021.1080p.WEB").data["done"] == "removed"


def test_space_says_that_it_has_found_nothing(home: Household, context: Context) -> None:
    home.film(1)
    home.run()
    found = run(space, context)
    assert (found.data["offers"], found.lines[1:]) == ([], ["nothing to remove was found"])


def test_remove_shows_asks_and_keeps_on_a_no(home: Household, tmp_path: Path) -> None:
    home.film(1, size=SIZE)
    home.run()
    shown: list[str] = []
    before = home.library()
    for answer in ("", "n", "what?"):
        found = run(
            remove, make_context(tmp_path, ask=lambda _q, answer=answer: answer, show=shown.append), "Dune (2021)"
        )
        assert (found.data["done"], found.exit_code) == ("nothing", 3)
    assert home.library() == before
    assert shown[:4] == [
        "movies/Dune (2021): 8 kB",
        "  torrent   Dune.2021.1080p.WEB",
        f"  library   {FILM}",
        f"  download  complete/{SOURCE}",
    ]
    agreed = run(remove, make_context(tmp_path, ask=lambda _q: "y"), "Dune (2021)")
    assert (agreed.data["done"], agreed.data["library"]) == ("removed", [FILM])
    assert not (home.media / FILM).exists()


def test_remove_undo_and_now(home: Household, context: Context) -> None:
    torrent = home.film(1, size=SIZE)
    home.run()
    (home.folder / "torrents" / f"{torrent}.torrent").write_text(json.dumps(home.transmission.torrents[torrent]))
    before = home.library()
    run(remove, context, "--yes", "Dune (2021)")
    undone = run(remove, context, "--undo", "Dune (2021)")
    assert (undone.data["done"], undone.lines) == ("restored", ["movies/Dune (2021) is restored"])
    assert home.library() == before
    run(remove, context, "--yes", "Dune (2021)")
    assert run(remove, context, "--now", "Dune (2021)").data["done"] == "nothing", "it asks"
    assert run(remove, context, "--now", "--yes", "Dune (2021)").data["done"] == "deleted"
    assert home.library() == {}
    with pytest.raises(InvalidValue, match="was not removed within seven days"):
        run(remove, context, "--undo", "Dune (2021)")


def test_restore_without_a_torrent_file_says_so(home: Household, context: Context) -> None:
    home.film(1, size=SIZE)
    home.run()
    run(remove, context, "--yes", "Dune (2021)")
    undone = run(remove, context, "--undo", "Dune (2021)")
    assert "has no .torrent file" in undone.lines[1]


def test_as_a_unit_it_prints_nothing_and_has_not_failed(
    home: Household, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.film(1, error=3)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/nowhere")
    found = run(import_torrents, context)
    assert (found.exit_code, list(found.lines), len(found.data["waiting"])) == (0, [], 1)


def test_prepares_from_files_as_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Household(tmp_path, with_jellyfin=False)
    settings = {
        **{"media": str(home.media), "downloads": str(home.downloads), "spool": str(home.spool)},
        **{"state": str(home.state), "disk_id": str(home.disk_id), "torrent_files": "/nowhere"},
        **{"ignore": ["sonarr"], "jellyfin": {"url": "http://127.0.0.1:8096", "libraries": LIBRARIES}},
    }
    (tmp_path / "import.json").write_text(json.dumps(settings))
    (tmp_path / "gateway").mkdir()
    access = {"url": "http://172.31.254.2:9091/transmission/rpc", "user": "family", "password": "x"}
    (tmp_path / "gateway" / "transmission.json").write_text(json.dumps(access))
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "jellyfin.key").write_text("0123456789abcdef\n")
    became: list[Path] = []
    monkeypatch.setattr(import_session.program, "become_account", became.append)
    made = import_session.prepare(make_context(tmp_path), "import")
    assert became == [home.state]
    assert made.settings.libraries == (Library("movies", "movies"), Library("tv", "tvshows"))
    assert made.settings.ignore == ("sonarr",)
    assert made.jellyfin is not None
    assert (made.jellyfin.client.token, made.torrents.client.url) == ("0123456789abcdef", access["url"])


LIBRARIES = [
    {"name": "Movies", "type": "movies", "paths": ["/media/movies"]},
    {"name": "TV", "type": "tvshows", "paths": ["/media/tv/", "/elsewhere"]},
]
