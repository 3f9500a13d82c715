# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The preflight checks of a host's configuration: boot line, daemon.json, disks, time zone, room for Jellyfin."""

from __future__ import annotations

import re
import typing as t

from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
    warning,
)

DOCKER_FILE = "/etc/docker/daemon.json"
# Key of dockerd, whether its value will do, what it breaks, what to do.
DOCKER: tuple[tuple[str, t.Callable[[t.Any], bool], str, str], ...] = (
    (
        "userns-remap",
        lambda value: not value,
        "the services' files would belong to other numbers than mediaserver_uid and mediaserver_gid",
        "remove it; the containers that need no privileges have none",
    ),
)
UUID = re.compile(r"[0-9A-Za-z]+(-[0-9A-Za-z]+)*")
# Without owners or hard links.
NO_LINKS = {"vfat", "fat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "hfs", "hfsplus", "apfs", "iso9660", "udf"}
NO_FILESYSTEM = {
    "crypto_LUKS": "an encrypted container",
    "LVM2_member": "a part of LVM",
    "linux_raid_member": "a part of a RAID",
    "swap": "swap space",
    "zfs_member": "a part of ZFS",
    "BitLocker": "an encrypted container",
}
# StorageHelper.cs of Jellyfin: it exits at each start with less than this at its configuration, data or cache.
JELLYFIN_MB = 2048
JELLYFIN_COMFORT_MB = 3072
LINKS = "use a disk with ext4; formatting erases it, so copy what is on it to another place before"


def check_boot_line(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    file, text = facts.get("cmdline_file"), str(facts.get("cmdline", ""))
    lines = [line for line in text.splitlines() if line.strip()]
    if file and len(lines) != 1:
        yield problem(
            str(file),
            f"it has {len(lines)} lines, and the firmware reads the first one alone" if lines else "it is empty",
            "put all its words into one line, separated by blanks" if lines else "restore it from a backup",
        )


def check_docker_file(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    file = facts.get("docker_file") or {}
    if file.get("error"):
        yield problem(
            DOCKER_FILE,
            str(file["error"]).removeprefix(f"{DOCKER_FILE} ").partition(";")[0],
            "correct it (`dockerd --validate` names the place), or move it away",
        )
    given = settings.get("docker_daemon_options")
    for place, found in ((DOCKER_FILE, file.get("settings")), ("docker_daemon_options", given)):
        for key, fits, why, remedy in DOCKER:
            if isinstance(found, t.Mapping) and key in found and not fits(found[key]):
                yield problem(place, f"it sets {key} to {found[key]!r}: {why}", remedy)


def check_media_disk(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    given = str(settings.get("storage_uuid") or "").strip()
    known = {str(one).lower(): str(one) for one in facts.get("block_uuids", [])}
    if given and not UUID.fullmatch(given):
        after = given.strip("\"'").rpartition("=")[2].rpartition("/")[2].strip("\"'")
        yield problem(
            "storage_uuid",
            f"{given!r} is not a UUID alone",
            f"write {after}"
            if after.lower() in known
            else "write what `lsblk -o NAME,SIZE,FSTYPE,UUID` shows in the column UUID, and nothing else",
        )
        return
    if given and given.lower() not in known:
        yield problem(
            "storage_uuid",
            f"no disk with UUID {given.lower()} is attached (found: {', '.join(known) or 'none'})",
            "attach the disk, or correct the variable; `lsblk -o NAME,SIZE,FSTYPE,UUID` lists what is there",
        )
        return
    types = {str(uuid).lower(): kind for uuid, kind in (facts.get("block_filesystems") or {}).items()}
    kind = types.get(given.lower(), "") if given else ""
    if kind in NO_FILESYSTEM:
        yield problem(
            "storage_uuid",
            f"{given} is {NO_FILESYSTEM[kind]} ({kind}), not a filesystem",
            "name the UUID of the filesystem inside it",
        )
    elif kind in NO_LINKS:
        yield problem("storage_uuid", f"the disk {given} has {kind}, which knows no owners and hard links", LINKS)
    elif kind and settings.get("storage_fstype") and kind != settings["storage_fstype"]:
        yield problem(
            "storage_fstype", f"the disk {given} has {kind}, not {settings['storage_fstype']}", f"write {kind}"
        )
    data = str(settings.get("mediaserver_data", ""))
    found = (facts.get("filesystems") or {}).get(data, {})
    if not given and found.get("fstype") in NO_LINKS:
        yield problem(
            "mediaserver_data", f"{data} is on {found['fstype']}, which knows no owners and hard links", LINKS
        )


def check_room_for_jellyfin(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Told of a host that is set up as a warning: its run may be what makes room."""
    if "jellyfin_cache" not in settings:
        return
    uuid = str(settings.get("storage_uuid") or "").lower()
    installed = settings.get("preflight_installed")
    filesystems = facts.get("filesystems") or {}
    for variable, what in (("mediaserver_root", "configuration"), ("jellyfin_cache", "cache")):
        path = str(settings.get(variable, ""))
        space, data = filesystems.get(path, {}), f"{settings.get('mediaserver_data', '')}/"
        later = path.startswith(data) and uuid and str(space.get("uuid", "")).lower() != uuid
        free = space.get("free_mb", 0)
        if not space.get("total_mb") or later or free >= JELLYFIN_COMFORT_MB:
            continue
        text = f"{free} MB are free at {path} for Jellyfin's {what}; below {JELLYFIN_MB} MB it exits at every start"
        (least, tell) = (free < JELLYFIN_MB, problem if free < JELLYFIN_MB and not installed else warning)
        yield tell(variable, text, "make room, or use a larger disk" if least else "make room soon")


def check_time_zone(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    zone, kind = settings.get("mediaserver_timezone"), facts.get("timezone_asked")
    if zone is None:
        return
    name, lists = "mediaserver_timezone", "`timedatectl list-timezones` lists them"
    if kind == "folder":
        yield problem(name, f"{zone!r} is a folder of time zones, not a zone", f"name one of its zones; {lists}")
    elif kind == "renamed":
        yield problem(
            name, f"{zone!r} is an old name that this host does not have", f"write {facts['timezone_new_name']}"
        )
    elif kind == "unknown" or (not kind and facts.get("timezones_known") is False):
        yield problem(name, f"the host knows no time zone {zone!r}", f"use a name such as Europe/Berlin; {lists}")
