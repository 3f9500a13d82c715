# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of the host's configuration: kernel command line, daemon.json, disks, time zone, free space."""

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
# Key of daemon.json, whether its value is accepted, its effect, the remedy.
DOCKER: tuple[tuple[str, t.Callable[[t.Any], bool], str, str], ...] = (
    (
        "userns-remap",
        lambda value: not value,
        "the services' files would belong to other ids than mediaserver_uid and mediaserver_gid",
        "remove it; the containers have only the privileges that they need",
    ),
)
UUID = re.compile(r"[0-9A-Za-z]+(-[0-9A-Za-z]+)*")
# Filesystems without owners or hard links.
NO_LINKS = {"vfat", "fat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "hfs", "hfsplus", "apfs", "iso9660", "udf"}
NO_FILESYSTEM = {
    "crypto_LUKS": "an encrypted container",
    "LVM2_member": "an LVM physical volume",
    "linux_raid_member": "a RAID member",
    "swap": "swap space",
    "zfs_member": "a ZFS member",
    "BitLocker": "an encrypted container",
}
# MB. With less free space at its configuration, data or cache, Jellyfin exits at every start (StorageHelper.cs).
JELLYFIN_MB = 2048
JELLYFIN_COMFORT_MB = 3072
LINKS = "use a disk with ext4; formatting erases it, so copy its files to another disk first"


def check_boot_line(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    file, text = facts.get("cmdline_file"), str(facts.get("cmdline", ""))
    lines = [line for line in text.splitlines() if line.strip()]
    if file and len(lines) != 1:
        yield problem(
            str(file),
            f"it has {len(lines)} lines, but the firmware reads only the first" if lines else "it is empty",
            "put all parameters into one line, separated by blanks" if lines else "restore it from a backup",
        )


def check_docker_file(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    file = facts.get("docker_file") or {}
    if file.get("error"):
        yield problem(
            DOCKER_FILE,
            str(file["error"]).removeprefix(f"{DOCKER_FILE} ").partition(";")[0],
            "correct it (`dockerd --validate` shows the line), or move it away",
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
            f"{given!r} is not a plain UUID",
            f"write {after}"
            if after.lower() in known
            else "write only the value in column UUID of `lsblk -o NAME,SIZE,FSTYPE,UUID`",
        )
        return
    if given and given.lower() not in known:
        yield problem(
            "storage_uuid",
            f"no disk with UUID {given.lower()} is attached (found: {', '.join(known) or 'none'})",
            "attach the disk, or correct the variable; `lsblk -o NAME,SIZE,FSTYPE,UUID` lists all disks",
        )
        return
    types = {str(uuid).lower(): kind for uuid, kind in (facts.get("block_filesystems") or {}).items()}
    kind = types.get(given.lower(), "") if given else ""
    if kind in NO_FILESYSTEM:
        yield problem(
            "storage_uuid",
            f"{given} is {NO_FILESYSTEM[kind]} ({kind}), not a filesystem",
            "set it to the UUID of the filesystem inside it",
        )
    elif kind in NO_LINKS:
        yield problem(
            "storage_uuid", f"the disk {given} has {kind}, which does not support owners and hard links", LINKS
        )
    elif kind and settings.get("storage_fstype") and kind != settings["storage_fstype"]:
        yield problem(
            "storage_fstype", f"the disk {given} has {kind}, not {settings['storage_fstype']}", f"write {kind}"
        )
    data = str(settings.get("mediaserver_data", ""))
    found = (facts.get("filesystems") or {}).get(data, {})
    if not given and found.get("fstype") in NO_LINKS:
        yield problem(
            "mediaserver_data", f"{data} is on {found['fstype']}, which does not support owners and hard links", LINKS
        )


def check_room_for_jellyfin(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Check free space for Jellyfin. On a host that is set up it is a warning only, because the run may free space."""
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
        too_little = free < JELLYFIN_MB
        report = problem if too_little and not installed else warning
        yield report(variable, text, "free space, or use a larger disk" if too_little else "free space soon")


def check_time_zone(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    zone, kind = settings.get("mediaserver_timezone"), facts.get("timezone_asked")
    if zone is None:
        return
    name, lists = "mediaserver_timezone", "`timedatectl list-timezones` lists them"
    if kind == "folder":
        yield problem(name, f"{zone!r} is a folder of time zones, not a time zone", f"use one of its zones; {lists}")
    elif kind == "renamed":
        yield problem(
            name, f"{zone!r} is an old name that this host does not have", f"write {facts['timezone_new_name']}"
        )
    elif kind == "unknown" or (not kind and facts.get("timezones_known") is False):
        yield problem(name, f"the host has no time zone {zone!r}", f"use a name such as Europe/Berlin; {lists}")
