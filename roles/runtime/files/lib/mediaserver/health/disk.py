# SPDX-License-Identifier: GPL-3.0-or-later
"""The media disk and the system's filesystem: mounted, room, inodes, writable, errors."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import reason
from mediaserver.command import words
from mediaserver.health import space
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, Value, bad, ok, unknown, warning
from mediaserver.health.space import Space

MOUNTED, SPACE, INODES, READ_ONLY = "disk-mounted", "disk-space", "disk-inodes", "disk-read-only"
ERRORS, SYSTEM, JELLYFIN, CARD = "disk-errors", "system-space", "jellyfin-space", "card-errors"
CHECKS = (MOUNTED, SPACE, INODES, READ_ONLY, ERRORS)
SYSTEM_CHECKS = (SYSTEM, JELLYFIN, CARD)
MARKER = ".mediaserver-disk"
FREE, TOTAL = "mediaserver_filesystem_free_bytes", "mediaserver_filesystem_size_bytes"
INODES_USED, ERROR_NUMBER = "mediaserver_filesystem_inodes_used_ratio", "mediaserver_filesystem_errors"
CARD_NUMBER = "mediaserver_card_errors"
GIB = 1024**3
# Jellyfin does not start where less than 2 GiB are free on the device of its data or cache (StorageHelper.cs).
JELLYFIN_STARTS, JELLYFIN_WARNING = 2 * GIB, 3 * GIB
SYSTEM_WARNING, SYSTEM_BAD = GIB, 200 * 1024**2
# The kernel's counters of a card reader. Those of commands also count what a reader without a card answers.
# Source: drivers/mmc/core/debugfs.c, mmc_err_stats_show().
CARD_COUNTERS = re.compile(r"^# (?:Data Timeout|Data CRC Errors) Occurred:\s*(\d+)$", re.MULTILINE)
# What the card itself says of its age: 1 is normal, 2 has used 80 % of its spare blocks, 3 all of them.
PRE_END_OF_LIFE = {2: "it has used 80 % of its spare blocks", 3: "it has used all of its spare blocks"}
DISK_REMEDY = "see whether the disk is connected and has power: lsblk -f; dmesg"
ROOM = "make room: sudo mediaserver space lists what frees how much"


def read(environment: Environment) -> list[Finding]:
    """The disk of the data. A disk that has died may never answer; the time limit of this probe names it then."""
    try:
        return _read(environment)
    except OSError as error:
        text = f"{environment.settings.data} cannot be read: {reason(error)}"
        return [bad(MOUNTED, text, DISK_REMEDY), *(unknown(check, text) for check in CHECKS[1:])]


def _read(environment: Environment) -> list[Finding]:
    settings = environment.settings
    path = settings.data
    if settings.disk_uuid:
        mounted = judge_mounted(
            path,
            settings.disk_uuid,
            mounted=os.path.ismount(path),
            marker=(files.read(path / MARKER) or "").strip(),
            attached=(environment.top / "dev/disk/by-uuid" / settings.disk_uuid).exists(),
        )
        if mounted.state.is_problem:
            return [mounted, *(unknown(check, "the media disk is not mounted") for check in CHECKS[1:])]
    else:
        mounted = ok(MOUNTED, f"there is no media disk; the data is on the filesystem of {path}")
    found = space.measure(path)
    return [
        mounted,
        judge_space(path, found, settings.disk_warning_percent, settings.disk_stop_percent),
        judge_inodes(path, found),
        judge_read_only(path, found),
        judge_errors(_errors(environment, found.device)),
    ]


def judge_mounted(path: Path, uuid: str, *, mounted: bool, marker: str, attached: bool) -> Finding:
    """Pure."""
    if not mounted:
        if attached:
            text = f"the media disk {uuid} is connected, and not mounted at {path}"
            return bad(MOUNTED, text, f"sudo systemctl restart mediaserver; see: journalctl --boot | grep {uuid}")
        return bad(MOUNTED, f"the media disk {uuid} is missing: it is not connected, or does not answer", DISK_REMEDY)
    if marker != uuid:
        state = "differs" if marker else "is missing"
        text = f"the disk at {path} is not the media disk {uuid}: its marker {MARKER} {state}"
        return bad(MOUNTED, text, "connect the right disk, or run the playbook with the new storage_uuid")
    return ok(MOUNTED, f"the media disk is mounted at {path}")


def _sizes(name: str, found: Space) -> tuple[Value, ...]:
    where = (("filesystem", name),)
    return Value(FREE, found.free, where), Value(TOTAL, found.total, where)


def judge_space(path: Path, found: Space, warn_at: int, stop_at: int) -> Finding:
    """Pure."""
    text = f"{found.percent:.0f} % of {path} are used; {words.size(found.free)} are free"
    values = _sizes("data", found)
    if found.percent >= stop_at:
        return bad(SPACE, f"{text}; downloads are stopped at {stop_at} %", ROOM, *values)
    if found.percent >= warn_at:
        return warning(SPACE, text, ROOM, *values)
    return ok(SPACE, text, *values)


def judge_inodes(path: Path, found: Space) -> Finding:
    """Pure."""
    used = found.inodes_percent
    value = Value(INODES_USED, round(used / 100, 4), (("filesystem", "data"),))
    text = f"{used:.0f} % of the inodes of {path} are used"
    if used >= 99:
        return bad(INODES, f"{text}, so hardly any new file can be made", "remove folders of many small files", value)
    if used >= 90:
        return warning(INODES, text, "remove folders of many small files", value)
    return ok(INODES, text, value)


def judge_read_only(path: Path, found: Space) -> Finding:
    """Pure."""
    if found.read_only:
        text = f"{path} is read-only; the kernel makes it so after an error"
        return bad(READ_ONLY, text, "see dmesg; then check the disk with fsck while it is not mounted")
    return ok(READ_ONLY, f"{path} can be written")


def judge_errors(errors: Mapping[str, int]) -> Finding:
    """Judge the errors that each ext4 filesystem has noted about itself. Pure."""
    values = [Value(ERROR_NUMBER, number, (("filesystem", name),)) for name, number in errors.items()]
    wrong = [f"{name}: {number}" for name, number in errors.items() if number]
    if wrong:
        text = f"the filesystem has noted errors ({', '.join(wrong)})"
        return bad(ERRORS, text, "make a backup of what you cannot replace, then check the disk with fsck", *values)
    if not errors:
        return unknown(ERRORS, "the filesystem notes no errors; only ext4 does")
    return ok(ERRORS, "the filesystem has noted no errors", *values)


def _errors(environment: Environment, device: int) -> dict[str, int]:
    """Return the error counters of the filesystems of the data and of the system."""
    try:
        devices = {device, Path("/").stat().st_dev}
    except OSError:
        devices = {device}
    found = {}
    for one in sorted(devices):
        name = block_device(environment, one)
        number = environment.number(f"sys/fs/ext4/{name}/errors_count") if name else None
        if number is not None:
            found[name] = number
    return found


def block_device(environment: Environment, device: int) -> str:
    """Return the kernel's name of the block device with this number, such as sda1; empty for none."""
    link = environment.top / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    try:
        return link.resolve(strict=True).name
    except OSError:
        return ""


def read_system(environment: Environment) -> list[Finding]:
    """The system's own filesystem, the card, and the room that Jellyfin needs to start."""
    root = space.measure(environment.top)
    settings = environment.settings
    folders = settings.jellyfin.folders if settings.jellyfin else ()
    found = [judge_system(root), judge_card(_card_errors(environment), _card_age(environment))]
    if settings.jellyfin:
        found.append(judge_jellyfin(list(_rooms(folders))))
    return found


def judge_system(found: Space) -> Finding:
    """Pure."""
    text = f"{words.size(found.free)} are free on the system's filesystem"
    values = _sizes("system", found)
    remedy = "see what needs it: sudo du -xh --max-depth=2 / | sort -h | tail; old images: sudo docker image ls"
    if found.free < SYSTEM_BAD:
        return bad(SYSTEM, text, remedy, *values)
    if found.free < SYSTEM_WARNING:
        return warning(SYSTEM, text, remedy, *values)
    return ok(SYSTEM, text, *values)


def _rooms(folders: Sequence[Path]) -> Iterator[tuple[Path, Space]]:
    for folder in folders:
        try:
            yield folder, space.measure(folder)
        except OSError:
            continue


def judge_jellyfin(rooms: Sequence[tuple[Path, Space]]) -> Finding:
    """Pure."""
    if not rooms:
        return unknown(JELLYFIN, "the folders of Jellyfin's configuration and cache cannot be read")
    path, least = min(rooms, key=lambda one: one[1].free)
    text = f"{words.size(least.free)} are free where Jellyfin keeps {path}"
    remedy = f"{ROOM}; Jellyfin does not start again with less than 2 GiB"
    if least.free < JELLYFIN_STARTS:
        return bad(JELLYFIN, f"{text}; it does not start again", remedy)
    if least.free < JELLYFIN_WARNING:
        return warning(JELLYFIN, text, remedy)
    return ok(JELLYFIN, text)


def _card_errors(environment: Environment) -> int | None:
    """Return the errors of data transfers that the kernel has counted since boot; None without a card reader."""
    texts = [environment.text(str(path)) for path in environment.top.glob("sys/kernel/debug/mmc*/err_stats")]
    counted = [int(number) for text in texts for number in CARD_COUNTERS.findall(text)]
    return sum(counted) if counted else None


def _card_age(environment: Environment) -> int | None:
    found = [
        int(text, 16)
        for path in environment.top.glob("sys/block/mmcblk*/device/pre_eol_info")
        if re.fullmatch(r"0x[0-9a-f]{1,2}", text := environment.text(str(path)))
    ]
    return max(found, default=None)


def judge_card(errors: int | None, age: int | None) -> Finding:
    """Pure."""
    remedy = "make a backup, then replace the SD card; a weak power supply causes the same errors"
    values = [] if errors is None else [Value(CARD_NUMBER, errors)]
    if age in PRE_END_OF_LIFE:
        return warning(CARD, f"the card says that {PRE_END_OF_LIFE[age]}", remedy, *values)
    if errors:
        return warning(
            CARD, f"the kernel has counted {errors} failed transfers of the SD card since boot", remedy, *values
        )
    if errors is None and age is None:
        return unknown(CARD, "this host has no SD card, or the kernel counts no errors of it")
    return ok(CARD, "the SD card has no errors", *values)
