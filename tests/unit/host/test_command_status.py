# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver status``: what it says of barriers, tunnel, services, downloads and disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command_host import NOW, Programs, make_context, run, update_result
from mediaserver.command import disk_space, download_state, status, updates, vpn_state, words
from mediaserver.command.frame import Outcome
from mediaserver.importer.state import Arrival, State, StateFile, Waiting

ACTIVE = (0, "active\nactive\nactive\n")
UNITS = "systemctl is-active mediaserver.service vpn-monitor.service mediaserver-barrier-keeper.service"
IMPORTS = "systemctl is-active mediaserver-import.path"
ONLINE: dict[str, Any] = {
    **{"version": 2, "state": "online", "since": words.moment(NOW - 7300), "problems": [], "leak_attempts": 0},
    **{"peer": "vpn.example:51820", "endpoint": "198.18.0.20", "forwarded_port": 0, "steps": 0, "last_step": None},
}
OUTER = {"code": "outer-barrier", "text": "the outer barrier is not loaded"}
INNER = {"code": "inner-barrier", "text": "the inner barrier differs"}
ENOUGH = {"path": "/mnt", "total": 10**12, "free": 10**11, "low": False, "read_only": False, "problem": ""}


@pytest.fixture(autouse=True)
def _disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of the machine that runs the tests is no part of them."""
    monkeypatch.setattr(disk_space, "measure", lambda path: ENOUGH)
    monkeypatch.setattr(disk_space, "_same", lambda one, other: True)


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    def read(path: Path) -> SimpleNamespace:
        return SimpleNamespace(state=path.parent / "importer")

    monkeypatch.setattr(download_state.Settings, "read", read)
    return monkeypatch


def made(root: Path, *, monitor: Any = ONLINE, units: tuple[int, str] = ACTIVE, imports: str = "active") -> Outcome:
    if monitor is not None:
        (root / "vpn.json").write_text(monitor if isinstance(monitor, str) else json.dumps(monitor))
    programs = Programs({UNITS: units, IMPORTS: (0, f"{imports}\n")})
    return run(status, make_context(root, run=programs, uid=lambda: 1000))


def imported(root: Path, state: State) -> None:
    """Write what the import writes; of its settings, only the folder is read."""
    (root / "import.json").write_text("{}")
    StateFile(root / "importer" / "importer.json").write(state)


def test_a_host_on_which_all_is_well(tmp_path: Path) -> None:
    imported(tmp_path, State())
    found = made(tmp_path)
    assert (found.exit_code, found.data["attention"]) == (0, [])
    assert found.lines == [
        "VPN bypassed  no, both barriers stand",
        f"tunnel        up since {words.readable(NOW - 7300, NOW)}, server vpn.example:51820",
        "services      started (mediaserver.service)",
        "downloads     all have arrived",
        "disk          /mnt: 100.0 GB of 1.0 TB are free",
        "backup        off (upkeep_backup)",
        "updates       not searched for yet: sudo mediaserver updates",
    ]
    assert "(2 hours)" in found.lines[1]


@pytest.mark.parametrize(
    ("news", "text"),
    [
        (("current", "current"), "none is waiting"),
        (("newer-tag", "new-digest"), "newer images for vpn, wireguard, jellyfin: mediaserver updates --stored"),
        (
            ("unknown", "newer-tag"),
            "newer images for jellyfin: mediaserver updates --stored; not known for vpn, wireguard",
        ),
    ],
)
def test_newer_images_are_shown_and_need_no_attention(tmp_path: Path, news: tuple[str, str], text: str) -> None:
    imported(tmp_path, State())
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / updates.RESULT).write_text(json.dumps(update_result(news, words.moment(NOW - 7300))))
    found = made(tmp_path)
    assert found.lines[-1] == f"updates       {text} (searched 2 hours ago)"
    assert (found.exit_code, found.data["attention"]) == (0, [])
    assert found.data["updates"]["checked"] == words.moment(NOW - 7300)


@pytest.mark.parametrize(
    ("monitor", "units", "answer", "words_"),
    [
        ({"leak_attempts": 1}, "active", "no", "has dropped 1 packet that"),
        ({"leak_attempts": 7}, "active", "no", "has dropped 7 packets that"),
        ({"state": "held"}, "active", "no", "both barriers stand"),
        ({"state": "offline"}, "active", "no", "both barriers stand"),
        ({"problems": [OUTER]}, "active", "possible", "the outer one is damaged"),
        ({"problems": [INNER]}, "active", "possible", "the inner one is damaged"),
        ({"problems": [INNER, OUTER]}, "active", "possible", "both barriers are damaged"),
        ({"problems": [{"code": "mtu", "text": "x"}]}, "active", "no", "both barriers stand"),
        ({"state": "stopped"}, "active", "unknown", "vpn-monitor was stopped"),
        ({"state": "blind"}, "active", "unknown", "vpn-monitor cannot observe the host"),
        # The file stays when vpn-monitor is killed: what it says is old then.
        ({}, "failed", "unknown", "vpn-monitor.service does not run (failed)"),
    ],
)
def test_the_answer_whether_the_vpn_is_bypassed(
    tmp_path: Path, monitor: dict[str, Any], units: str, answer: str, words_: str
) -> None:
    found = made(tmp_path, monitor={**ONLINE, **monitor}, units=(3, f"active\n{units}\nactive\n"))
    assert found.data["bypass"]["answer"] == answer
    assert words_ in found.data["bypass"]["text"]
    assert found.exit_code == (3 if found.data["attention"] else 0)
    assert any(one.startswith("VPN bypassed") for one in found.data["attention"]) == (answer != "no")


@pytest.mark.parametrize("monitor", [None, "", "{", "[]", "3", '{"problems": 3, "since": 5}'])
def test_without_a_usable_state_file_the_answer_is_unknown(tmp_path: Path, monitor: str | None) -> None:
    found = made(tmp_path, monitor=monitor)
    # What is left of a damaged file proves nothing.
    assert (found.data["bypass"]["answer"], found.data["tunnel"]["state"], found.exit_code) == ("unknown", "", 3)


def test_without_the_keeper_the_outer_barrier_is_not_trusted(tmp_path: Path) -> None:
    found = made(tmp_path, units=(3, "active\nactive\ninactive\n"))
    assert found.data["bypass"]["answer"] == "possible"


def test_a_systemd_that_does_not_answer_proves_nothing(tmp_path: Path) -> None:
    found = made(tmp_path, units=(1, "Failed to connect to bus: No such file or directory\n"))
    assert set(found.data["services"]["units"].values()) == {"unknown"}
    assert (found.data["bypass"]["answer"], found.data["services"]["running"]) == ("unknown", False)


@pytest.mark.parametrize("state", ["healing", "offline", "held", "waiting", "blind", "stopped"])
def test_a_tunnel_that_is_not_up_needs_attention(tmp_path: Path, state: str) -> None:
    found = made(tmp_path, monitor={**ONLINE, "state": state, "problems": [{"code": "offline", "text": "no internet"}]})
    assert found.exit_code == 3
    assert any(one.startswith("the tunnel is ") for one in found.data["attention"])
    assert "no internet" in found.data["attention"] and "              no internet" in found.lines


def test_services_that_were_stopped_need_attention(tmp_path: Path) -> None:
    found = made(tmp_path, units=(3, "inactive\nactive\nactive\n"))
    assert "the services do not run; see: sudo systemctl status mediaserver.service" in found.data["attention"]


def test_downloads_that_wait_are_named_with_the_reason(tmp_path: Path) -> None:
    waiting = Waiting("a" * 40, "Dune", NOW - 600, "3 of 4 files are not complete yet")
    left = (("backup.rar", "archives are not unpacked; the file stays with the download"),)
    arrived = [Arrival(f"{number:040}", f"Film {number}", NOW - 600 * number, "movies", 1) for number in range(9)]
    arrived[1] = Arrival("b" * 40, "Film 1", NOW - 600, "movies", 1, left, "Jellyfin does not list it")
    imported(tmp_path, State((waiting,), tuple(arrived)))
    found = made(tmp_path)
    assert found.lines[3:8] == [
        "downloads     1 not in the library yet",
        "              Dune: 3 of 4 files are not complete yet",
        "              arrived less than a minute ago: Film 0",
        "              arrived 10 minutes ago: Film 1 (Jellyfin does not list it)",
        "                backup.rar: archives are not unpacked; the file stays with the download",
    ]
    assert found.exit_code == 0, "a download that waits is no fault"
    assert [one["name"] for one in found.data["downloads"]["arrived"]] == [f"Film {number}" for number in range(5)]
    assert found.data["downloads"]["waiting"] == [
        {
            **{
                "hash": "a" * 40,
                "name": "Dune",
                "since": words.moment(NOW - 600),
                "text": waiting.text,
                "published": False,
            }
        }
    ]


def test_what_delays_every_download_needs_attention(tmp_path: Path) -> None:
    imported(tmp_path, State(troubles=("Jellyfin does not answer",), rejected=("notes.txt",)))
    found = made(tmp_path, imports="inactive")
    assert found.data["attention"] == [
        "the import does not run, so nothing arrives. Start it: sudo systemctl start mediaserver-import.path",
        "Jellyfin does not answer",
        f"'{tmp_path}/importer/rejected/notes.txt' was in the import's spool, but its name is not the hash of a"
        " torrent. Find out what has written it, and remove it",
    ]
    assert found.exit_code == 3


def test_settings_of_the_import_that_are_damaged_are_named(tmp_path: Path, settings: pytest.MonkeyPatch) -> None:
    imported(tmp_path, State())
    settings.undo()
    (tmp_path / "import.json").write_text("{")
    found = made(tmp_path)
    (trouble,) = found.data["downloads"]["troubles"]
    assert found.data["attention"][0] == trouble
    assert trouble.startswith(f"{tmp_path}/import.json cannot be used")


def test_a_household_without_the_import_is_not_at_fault(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert "downloads     are not imported into the library (upkeep_import)" in found.lines
    assert found.exit_code == 0


@pytest.mark.parametrize(
    ("total", "free", "low"),
    [
        (32 * 10**9, 1_700_000_000, False),
        (32 * 10**9, 1_500_000_000, True),
        (4 * 10**12, 6 * 10**9, False),
        (4 * 10**12, 4 * 10**9, True),
        (0, 0, False),
    ],
)
def test_low_space_depends_on_the_size_of_the_disk(total: int, free: int, low: bool) -> None:
    assert disk_space.is_low(total, free) is low


@pytest.mark.parametrize(
    ("change", "attention"),
    [
        ({"low": True, "free": 10**9}, "only 1.0 GB are free at /mnt"),
        ({"read_only": True}, "/mnt is read-only; the kernel makes it so after an error: see dmesg"),
        ({"problem": "/mnt cannot be measured: Input/output error"}, "/mnt cannot be measured: Input/output error"),
    ],
)
def test_a_disk_that_needs_attention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], attention: str
) -> None:
    monkeypatch.setattr(disk_space, "measure", lambda path: {**ENOUGH, **change})
    found = made(tmp_path)
    assert (found.data["attention"], found.exit_code) == ([attention], 3)


def test_without_the_command_s_settings_the_rest_is_shown(tmp_path: Path) -> None:
    (tmp_path / "vpn.json").write_text(json.dumps(ONLINE))
    context = make_context(tmp_path, run=Programs({UNITS: ACTIVE}))
    (tmp_path / "command.json").unlink()
    found = run(status, context)
    assert found.data["attention"] == [f"{tmp_path}/command.json does not exist; run the playbook again"]


def test_the_parts_do_not_share_names() -> None:
    names = [name for part in (vpn_state, download_state, disk_space) for name in part.PROPERTIES]
    assert sorted(set(names)) == sorted(names)


def test_real_filesystems_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = disk_space.measure(tmp_path)
    real = os.statvfs(tmp_path)
    assert (found["total"], found["read_only"], found["problem"]) == (real.f_blocks * real.f_frsize, False, "")
    gone = disk_space.measure(tmp_path / "gone")
    assert gone["problem"] == f"{tmp_path}/gone cannot be measured: No such file or directory: {tmp_path}/gone"
    assert disk_space._same(tmp_path, tmp_path) and not disk_space._same(tmp_path, Path("/proc"))
