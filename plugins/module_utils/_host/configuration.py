# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads configuration of the host: time zone database, filesystems on disks, Docker's daemon.json."""

from __future__ import annotations

import os
import re
import typing as t

from .._core.errors import InvalidValue
from . import docker_daemon as daemon
from .reader import Reader

ZONES = "/usr/share/zoneinfo/"
# Settings of dockerd that change how the stack must be set up. Others are not returned: they may hold a secret.
DOCKER_KEYS = ("userns-remap",)


def requested_zone(reader: Reader, wanted: str) -> dict[str, t.Any]:
    """Return whether a time zone exists on the host, and the current name of one that was renamed.

    ``timezone_asked`` is ``zone``, ``folder``, ``renamed`` or ``unknown``; empty without a time zone database.
    """
    if not wanted or not reader.exists(ZONES):
        return {"timezone_asked": "", "timezone_new_name": ""}
    path = ZONES + wanted
    names, links = _names(reader.text(ZONES + "tzdata.zi"))
    if reader.is_folder(path):
        kind = "folder"
    elif reader.exists(path) and (not names or wanted in names or wanted in links):
        kind = "zone"
    elif wanted in links:
        kind = "renamed"
    else:
        kind = "unknown"
    return {"timezone_asked": kind, "timezone_new_name": links.get(wanted, "") if kind == "renamed" else ""}


def _names(rules: str) -> tuple[set[str], dict[str, str]]:
    """Return the zones, and the current name of each alias, from tzdata.zi (zic(8), input format)."""
    zones, links = set(), {}
    for line in rules.splitlines():
        fields = line.split()
        if len(fields) > 2 and fields[0] == "L":
            links[fields[2]] = fields[1]
        elif len(fields) > 2 and fields[0] == "Z":
            zones.add(fields[1])
    return zones, links


def filesystems_on_disks(reader: Reader) -> dict[str, str]:
    """Return the type of each filesystem by its UUID.

    lsblk reads udev's database. Where udev does not run, blkid reads the disks.
    """
    if reader.glob("/dev/disk/by-uuid/*"):
        rows = (
            line.split() for line in reader.run(["lsblk", "--noheadings", "--raw", "-o", "UUID,FSTYPE"]).splitlines()
        )
        return {row[0]: row[1] for row in rows if len(row) == 2}
    found = {}
    for line in reader.run(["blkid"]).splitlines():
        uuid, kind = re.search(r'(?:^|\s)UUID="([^"]+)"', line), re.search(r'(?:^|\s)TYPE="([^"]+)"', line)
        if uuid and kind:
            found[uuid[1]] = kind[1]
    return found


def docker_file(reader: Reader, wanted: t.Sequence[daemon.Settings] = ()) -> dict[str, t.Any]:
    """Return why daemon.json cannot be parsed, empty if it can, and its settings of DOCKER_KEYS.

    ``settled``: file and folder are already what the role docker would make of them with the layers ``wanted``.
    """
    text = reader.text(daemon.FILE)
    try:
        settings = daemon.parse(text)
    except InvalidValue as error:
        return {"error": str(error), "settings": {}, "settled": False}
    known = {key: settings[key] for key in DOCKER_KEYS if key in settings}
    as_wanted = bool(wanted) and bool(text) and daemon.render(text, *wanted) == text
    return {"error": "", "settings": known, "settled": as_wanted and _is_root_s(reader)}


def _is_root_s(reader: Reader) -> bool:
    folder = os.path.dirname(daemon.FILE)
    return (
        reader.owned_by_root(daemon.FILE, folder=False)
        and reader.owned_by_root(folder, folder=True)
        and reader.mode(folder) == "0755"
    )


def measure(reader: Reader, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the facts of this file, by the names under which host_info documents them."""
    return {
        **requested_zone(reader, params["timezone"]),
        "block_filesystems": filesystems_on_disks(reader),
        "docker_file": docker_file(reader, params.get("docker_settings") or ()),
    }
