# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk's checks: mounted, room, inodes, writable, errors, SMART; and what a bridge answers that it should not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from health_home import Commands, environment, only, states
from mediaserver.health import disk, smart
from mediaserver.health.model import State
from mediaserver.health.space import Space, measure

UUID = "0b0e0d3c-5a3f-4f0e-9d0e-3a1f6a2c7d11"
GIB = 1024**3


def space(used: float = 50, *, inodes: float = 10, size: int = 1000 * 10**9, read_only: bool = False) -> Space:
    """Return a filesystem of which so many percent are used."""
    taken = int(size * used / 100)
    return Space(size, taken, size - taken, 1000, int(1000 - 10 * inodes), read_only, 1)


@pytest.mark.parametrize(
    ("mounted", "marker", "attached", "state", "words"),
    [
        (True, UUID, True, State.OK, "the media disk is mounted at /mnt"),
        (False, "", False, State.BAD, f"the media disk {UUID} is missing: it is not connected"),
        (False, "", True, State.BAD, f"the media disk {UUID} is connected, and not mounted at /mnt"),
        (True, "", True, State.BAD, f"is not the media disk {UUID}: its marker .mediaserver-disk is missing"),
        (True, "other", True, State.BAD, f"is not the media disk {UUID}: its marker .mediaserver-disk differs"),
    ],
)
def test_a_missing_disk_is_named(mounted: bool, marker: str, attached: bool, state: State, words: str) -> None:
    found = disk.judge_mounted(Path("/mnt"), UUID, mounted=mounted, marker=marker, attached=attached)
    assert found.state is state and words in found.text
    assert bool(found.remedy) == (state is State.BAD)


def test_without_the_disk_the_rest_is_unknown_and_the_card_is_not_measured(tmp_path: Path) -> None:
    found = disk.read(environment(tmp_path, disk_uuid=UUID))
    assert states(found) == {disk.MOUNTED: State.BAD, **dict.fromkeys(disk.CHECKS[1:], State.UNKNOWN)}


def test_a_disk_that_answers_with_an_error_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> Space:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(disk.space, "measure", fail)
    found = disk.read(environment(tmp_path))
    assert states(found) == {disk.MOUNTED: State.BAD, **dict.fromkeys(disk.CHECKS[1:], State.UNKNOWN)}
    assert "Input/output error" in only(found, disk.MOUNTED).text


@pytest.mark.parametrize(
    ("used", "state"),
    [(0, State.OK), (89.9, State.OK), (90, State.WARNING), (94.9, State.WARNING), (95, State.BAD), (100, State.BAD)],
)
def test_space_is_judged_by_the_household_s_marks(used: float, state: State) -> None:
    assert disk.judge_space(Path("/mnt"), space(used), 90, 95).state is state


@pytest.mark.parametrize(("inodes", "state"), [(10, State.OK), (90, State.WARNING), (99, State.BAD)])
def test_inodes(inodes: float, state: State) -> None:
    assert disk.judge_inodes(Path("/mnt"), space(inodes=inodes)).state is state


def test_a_filesystem_without_a_number_of_inodes_is_well() -> None:
    assert disk.judge_inodes(Path("/mnt"), Space(1, 0, 1, 0, 0, False, 1)).state is State.OK


def test_read_only_is_bad() -> None:
    assert disk.judge_read_only(Path("/mnt"), space(read_only=True)).state is State.BAD
    assert disk.judge_read_only(Path("/mnt"), space()).state is State.OK


@pytest.mark.parametrize(
    ("errors", "state"), [({}, State.UNKNOWN), ({"sda1": 0, "mmcblk0p2": 0}, State.OK), ({"sda1": 3}, State.BAD)]
)
def test_errors_that_the_filesystem_has_noted(errors: dict[str, int], state: State) -> None:
    assert disk.judge_errors(errors).state is state


def test_errors_are_read_from_the_kernel(tmp_path: Path) -> None:
    made = environment(tmp_path)
    device = tmp_path.stat().st_dev
    name = "sda1"
    block = tmp_path / "top" / "sys" / "devices" / "usb" / "sda" / name
    block.mkdir(parents=True)
    links = tmp_path / "top" / "sys" / "dev" / "block"
    links.mkdir(parents=True)
    (links / f"{os.major(device)}:{os.minor(device)}").symlink_to(block)
    counter = tmp_path / "top" / "sys" / "fs" / "ext4" / name
    counter.mkdir(parents=True)
    (counter / "errors_count").write_text("7\n")
    found = only(disk.read(made), disk.ERRORS)
    assert (found.state, found.text) == (State.BAD, "the filesystem has noted errors (sda1: 7)")


@pytest.mark.parametrize(
    ("free", "state"), [(3 * GIB, State.OK), (3 * GIB - 1, State.WARNING), (2 * GIB - 1, State.BAD)]
)
def test_room_without_which_jellyfin_does_not_start(free: int, state: State) -> None:
    rooms = [
        (Path("/config"), Space(10, 0, free, 0, 0, False, 1)),
        (Path("/cache"), Space(10, 0, 9 * GIB, 0, 0, False, 2)),
    ]
    found = disk.judge_jellyfin(rooms)
    assert found.state is state and "/config" in found.text


def test_jellyfin_without_readable_folders_is_unknown() -> None:
    assert disk.judge_jellyfin([]).state is State.UNKNOWN


@pytest.mark.parametrize(("free", "state"), [(GIB, State.OK), (GIB - 1, State.WARNING), (200 * 1024**2 - 1, State.BAD)])
def test_the_system_s_filesystem(free: int, state: State) -> None:
    assert disk.judge_system(Space(10, 0, free, 0, 0, False, 1)).state is state


# As the kernel prints it (drivers/mmc/core/debugfs.c).
COUNTERS = """\
# Command Timeout Occurred:\t 12
# Command CRC Errors Occurred:\t 0
# Data Timeout Occurred:\t {timeouts}
# Data CRC Errors Occurred:\t {crc}
# Auto-Cmd Error Occurred:\t 0
"""


@pytest.mark.parametrize(
    ("text", "age", "state", "words"),
    [
        (COUNTERS.format(timeouts=0, crc=0), None, State.OK, "no errors"),
        (COUNTERS.format(timeouts=2, crc=3), None, State.WARNING, "5 failed transfers"),
        (COUNTERS.format(timeouts=0, crc=0), "0x02", State.WARNING, "80 % of its spare blocks"),
        (None, "0x01", State.OK, "no errors"),
        (None, None, State.UNKNOWN, "no SD card"),
        ("nonsense", "garbage", State.UNKNOWN, "no SD card"),
        ("# Data Timeout Occurred:\t minus", "0xzz", State.UNKNOWN, "no SD card"),
    ],
)
def test_the_card(tmp_path: Path, text: str | None, age: str | None, state: State, words: str) -> None:
    made = environment(tmp_path)
    if text is not None:
        folder = tmp_path / "top/sys/kernel/debug/mmc0"
        folder.mkdir(parents=True)
        (folder / "err_stats").write_text(text)
    if age is not None:
        folder = tmp_path / "top/sys/block/mmcblk0/device"
        folder.mkdir(parents=True)
        (folder / "pre_eol_info").write_text(f"{age}\n")
    found = only(disk.read_system(made), disk.CARD)
    assert found.state is state and words in found.text


def test_a_real_filesystem_is_measured_as_df_shows_it(tmp_path: Path) -> None:
    found = measure(tmp_path)
    assert found.total >= found.used >= 0 and found.free <= found.total - found.used
    assert 0 <= found.percent <= 100 and not found.read_only
    assert Space(0, 0, 0, 0, 0, False, 0).percent == 0, "a filesystem without a size, such as proc"


# --- SMART. The form is that of smartctl 7 (--json), as its outputs with USB disks have it.


def attribute(number: int, raw: int, text: str | None = None) -> dict[str, Any]:
    return {"id": number, "name": f"number {number}", "value": 100, "raw": {"value": raw, "string": text or str(raw)}}


def ata(*, passed: bool | None = True, counts: tuple[int, int, int] = (0, 0, 0), heat: int = 31) -> dict[str, Any]:
    table = [attribute(1, 0), *map(attribute, (5, 197, 198), counts), attribute(194, 2**37, "25 (Min/Max 19/39)")]
    status = {} if passed is None else {"smart_status": {"passed": passed}}
    return {
        "smartctl": {"version": [7, 4], "exit_status": 0},
        "device": {"name": "/dev/sda", "type": "sat", "protocol": "ATA"},
        **status,
        "ata_smart_attributes": {"revision": 16, "table": table},
        "temperature": {"current": heat},
    }


def nvme(**changes: Any) -> dict[str, Any]:
    log = {"critical_warning": 0, "percentage_used": 3, "media_errors": 0, **changes}
    return {"smart_status": {"passed": True}, "nvme_smart_health_information_log": log, "temperature": {"current": 35}}


UNKNOWN_BRIDGE = {
    "smartctl": {
        "version": [7, 4],
        "messages": [{"string": "/dev/sda: Unknown USB bridge [0x152d:0x0578 (0x214)]", "severity": "error"}],
        "exit_status": 1,
    }
}


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (ata(), State.OK, "no bad sectors"),
        (ata(counts=(3, 0, 0)), State.WARNING, "3 reallocated sectors"),
        # Its own verdict is good in both of these.
        (ata(counts=(0, 8, 0)), State.BAD, "8 pending sectors"),
        (ata(counts=(1975, 8, 1)), State.BAD, "1975 reallocated, 8 pending, 1 uncorrectable sectors"),
        (ata(passed=False, counts=(1975, 0, 0)), State.BAD, "it is failing (1975 reallocated sectors)"),
        (ata(passed=False), State.BAD, "it is failing"),
        (ata(passed=None, counts=(2, 0, 0)), State.WARNING, "2 reallocated sectors"),
        (nvme(), State.OK, "no errors"),
        (nvme(media_errors=7), State.WARNING, "7 errors"),
        (nvme(percentage_used=95), State.WARNING, "95 %"),
        (nvme(critical_warning=4), State.BAD, "critical_warning 4"),
    ],
)
def test_smart_is_judged_by_sectors_and_not_by_the_verdict_alone(
    answer: dict[str, Any], state: State, words: str
) -> None:
    found = smart.judge(json.dumps(answer))
    assert found is not None
    assert found.state is state and words in found.text
    assert {one.metric for one in found.values} >= {smart.TEMPERATURE}


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "nonsense",
        "[]",
        "3",
        "{}",
        json.dumps(UNKNOWN_BRIDGE),
        json.dumps({"ata_smart_attributes": 5}),
        json.dumps({"ata_smart_attributes": {"table": "x"}}),
        json.dumps({"ata_smart_attributes": {"table": []}}),
        json.dumps({"ata_smart_attributes": {"table": [5, None, {}, {"id": 5}, {"id": "x", "raw": {"string": "1"}}]}}),
        json.dumps({"ata_smart_attributes": {"table": [attribute(5, 2**48, "281474976710655")]}}),
        json.dumps({"nvme_smart_health_information_log": {"critical_warning": "x", "media_errors": -1}}),
        "[" * 100_000,
    ],
)
def test_nonsense_of_a_bridge_is_no_answer(answer: str) -> None:
    assert smart.judge(answer) is None


def with_disk(root: Path, answers: dict[str, tuple[int, str]], *, device: str = "sda") -> Any:
    """Return an environment whose data is on the first partition of this device."""
    made = environment(root, run=Commands(answers))
    part = f"{device}p1" if device.startswith("mmc") else f"{device}1"
    block = root / "top" / "sys" / "devices" / "usb" / device / part
    block.mkdir(parents=True)
    (block / "partition").write_text("1\n")
    number = (root / "data").stat().st_dev
    (root / "top" / "sys" / "dev" / "block").mkdir(parents=True)
    (root / "top" / "sys" / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}").symlink_to(block)
    (root / "top" / "sys" / "class" / "block").mkdir(parents=True)
    (root / "top" / "sys" / "class" / "block" / part).symlink_to(block)
    return made


SMARTCTL = "smartctl --json --nocheck=standby --info --health --attributes"


def test_the_types_of_bridges_are_tried_until_one_answers(tmp_path: Path) -> None:
    made = with_disk(
        tmp_path,
        {SMARTCTL: (1, json.dumps(UNKNOWN_BRIDGE)), f"{SMARTCTL} --device sat,12 ": (0, json.dumps(ata()))},
    )
    (found,) = smart.read(made)
    assert found.state is State.OK
    assert made.run.calls == [
        f"{SMARTCTL} /dev/sda",
        f"{SMARTCTL} --device sat /dev/sda",
        f"{SMARTCTL} --device sat,12 /dev/sda",
    ]


def test_a_bridge_that_passes_nothing_is_an_answer_of_its_own(tmp_path: Path) -> None:
    made = with_disk(tmp_path, {SMARTCTL: (1, "\x00garbage")})
    (found,) = smart.read(made)
    assert (found.state, found.text) == (State.UNKNOWN, smart.NOT_READ)
    assert len(made.run.calls) == len(smart.TYPES)


def test_a_disk_that_sleeps_is_not_woken(tmp_path: Path) -> None:
    message = {"smartctl": {"messages": [{"string": "Device is in STANDBY mode, exit(2)"}], "exit_status": 2}}
    made = with_disk(tmp_path, {SMARTCTL: (2, json.dumps(message))})
    (found,) = smart.read(made)
    assert found.state is State.UNKNOWN and "asleep" in found.text
    assert len(made.run.calls) == 1


@pytest.mark.parametrize(("device", "words"), [("mmcblk0", "on an SD card"), ("sda", "smartctl is not installed")])
def test_where_there_is_no_smart(tmp_path: Path, device: str, words: str) -> None:
    (found,) = smart.read(with_disk(tmp_path, {}, device=device))
    assert found.state is State.UNKNOWN and words in found.text


def test_data_without_a_device_is_unknown(tmp_path: Path) -> None:
    (found,) = smart.read(environment(tmp_path))
    assert found.state is State.UNKNOWN
