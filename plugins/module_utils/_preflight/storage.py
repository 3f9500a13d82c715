# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of the data's mounts, and of the accounts that may write there."""

from __future__ import annotations

import typing as t

from .problem import Facts, Problem, Settings, problem

WRITTEN = ("mediaserver_data", "mediaserver_media", "mediaserver_downloads")


def check_mounts(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Reject filesystems that are mounted read-only or cannot be read; each mount is reported once."""
    filesystems, named = facts.get("filesystems", {}), set()
    for variable in WRITTEN:
        path = str(settings.get(variable) or "")
        found = filesystems.get(path, {})
        mount = found.get("mount", "")
        if reason := facts.get("unreadable", {}).get(path):
            yield problem(
                variable,
                f"{path} cannot be read, not even by root: {reason}",
                f"check the mount (findmnt --target {path}): mount a lost network share again, give a FUSE mount the "
                "option allow_other, look for disk errors with `sudo dmesg`",
            )
        elif mount in facts.get("read_only_mounts", []) and mount not in named:
            named.add(mount)
            yield problem(
                variable,
                f"{path} is on {mount} ({found['fstype']}, {found['device']}), which is mounted read-only",
                "mount it writable: remove `ro` from its options in /etc/fstab, then "
                f"`sudo mount -o remount,rw {mount}`; if the kernel remounted it read-only after a disk error (`sudo "
                "dmesg`), check the disk first",
            )


def check_household_members(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    users = facts.get("users", {})
    for name in settings.get("mediaserver_members") or []:
        if users and str(name) not in users:
            yield problem(
                "mediaserver_members",
                f"the host has no account {str(name)!r}",
                f"correct the name, or create the account first: sudo adduser {name}",
            )
