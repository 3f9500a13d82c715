# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the backup goes, and what a repository there survives."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import stat
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, MediaserverError, reason
from mediaserver.backup import password
from mediaserver.backup.settings import Settings

# Below the folder of the backup's secrets.
LOCATION, ENVIRONMENT, HOUSEHOLD = "repository", "environment.json", "household"
# What a folder holds that has a repository (restic's doc/design.rst).
CONFIG = "config"
MARKER = ".mediaserver-disk"


class Kind(StrEnum):
    """By what can be lost together with the original."""

    SAME_DISK = "same-disk"
    MEDIA_DISK = "media-disk"
    OTHER_DISK = "other-disk"
    NEAR = "near"  # another machine, by its address in the household's network
    FAR = "far"


class BackupOff(MediaserverError):
    """There is no place for a backup."""


SURVIVES: Mapping[Kind, str] = {
    Kind.SAME_DISK: "a file deleted by mistake: yes; a dead card, a dead disk or theft: no",
    Kind.MEDIA_DISK: "a dead card: yes; a dead disk or theft: no",
    Kind.OTHER_DISK: "a dead card: yes; a dead media disk: yes; theft or fire: no",
    Kind.NEAR: "a dead card: yes; a dead media disk: yes; theft or fire: only if that machine is in another house",
    Kind.FAR: "a dead card, a dead disk, theft and fire: yes",
}
NETWORK_FILESYSTEMS = {"cifs", "smb3", "nfs", "nfs4", "fuse.sshfs", "fuse.rclone", "9p"}
LOCAL_NAMES = (".local", ".lan", ".home", ".internal", ".home.arpa", ".fritz.box")


@dataclass(frozen=True)
class Decision:
    """``off``: why there is no backup, with what to do; else empty."""

    location: str = ""
    kind: Kind = Kind.FAR
    off: str = ""


@dataclass(frozen=True)
class Repository:
    """What restic needs; neither location nor password is ever an argument of a process."""

    location: str = field(repr=False)
    kind: Kind
    location_file: Path
    password_file: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Disks:
    """The devices on which state, data and repository lie (those of whole disks), as texts to compare."""

    state: str
    data: str
    repository: str = ""
    network: bool = False  # the repository's folder is on a share


def decide(given: str, default: Path, disks: Disks) -> Decision:
    """Choose the repository: the household's own, else the media disk where that is not the disk of the state. Pure."""
    if given:
        return Decision(given, kind_of(given, disks))
    if disks.state == disks.data:
        return Decision(
            off=f"{default} is on the same disk as the state, and a backup there would be lost with it; attach a media"
            " disk (storage_uuid), or set upkeep_backup_repository"
        )
    return Decision(str(default), Kind.MEDIA_DISK)


def kind_of(location: str, disks: Disks) -> Kind:
    """Pure."""
    if is_local(location):
        if disks.network:
            return Kind.NEAR
        if disks.repository == disks.state:
            return Kind.SAME_DISK
        return Kind.MEDIA_DISK if disks.repository == disks.data else Kind.OTHER_DISK
    return Kind.NEAR if is_near(host_of(location)) else Kind.FAR


def is_local(location: str) -> bool:
    """Say whether restic takes this for a folder (doc/030_preparing_a_new_repo.rst)."""
    return location.startswith(("/", "local:"))


def folder_of(location: str) -> Path:
    return Path(location.removeprefix("local:"))


def host_of(location: str) -> str:
    """Return the name or address of the machine in restic's notation: rest:https://, sftp:user@host:, s3:host/."""
    rest = location.partition(":")[2]
    rest = re.sub(r"^[a-z0-9+]+://", "", rest).removeprefix("//")
    before_path = rest.split("/", 1)[0].rpartition("@")[2]
    if before_path.startswith("["):
        return before_path[1:].partition("]")[0]
    return before_path.partition(":")[0]


def is_near(host: str) -> bool:
    """Say whether a machine is in a private network or has a local name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.lower().endswith(LOCAL_NAMES)
    return address.is_private


def where(location: str) -> str:
    """Return a location without the name and password that it may hold."""
    return re.sub(r"(//|^sftp:)[^/@]*@", r"\1", location)


def disk_of(path: Path, devices: Path = Path("/sys/dev/block")) -> str:
    """Return the whole disk on which a path lies: two partitions of one card are one disk. Raises OSError."""
    number = _nearest(path).stat().st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    try:
        entry = (devices / device).resolve(strict=True)
    except OSError:
        return device  # without a device of its own, such as overlayfs or a share
    return str(entry.parent if (entry / "partition").exists() else entry)


def _nearest(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def is_share(path: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Say whether a path is on a network filesystem."""
    best, fstype = "", ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split()
        point = fields[1].replace("\\040", " ")
        if len(point) >= len(best) and (str(path) + "/").startswith(point.rstrip("/") + "/"):
            best, fstype = point, fields[2]
    return fstype in NETWORK_FILESYSTEMS


def observe(settings: Settings, given: str) -> Disks:
    """Raises FileProblem."""
    try:
        local = folder_of(given) if given and is_local(given) else None
        return Disks(
            disk_of(settings.state),
            disk_of(settings.data),
            disk_of(local) if local else "",
            is_share(local) if local else False,
        )
    except OSError as error:
        raise FileProblem(f"the disks cannot be compared: {reason(error)}") from error


def given_location(settings: Settings) -> str:
    """Return the household's own repository, empty for the default one. Raises FileProblem."""
    if not settings.given_repository:
        return ""
    found = _secret(settings, LOCATION)
    if not found:
        raise FileProblem(f"{settings.secrets / LOCATION} is missing or empty; run the playbook again")
    return found


def choose(settings: Settings) -> Decision:
    """Raises FileProblem."""
    # Without its disk, the folder is on the system's disk, and the repository looks as if it were lost.
    if settings.disk_uuid and not settings.given_repository and not (settings.data / MARKER).is_file():
        raise FileProblem(
            f"the media disk is not mounted at {settings.data}, and the repository is on it. Attach the disk; see:"
            " mediaserver status"
        )
    given = given_location(settings)
    return decide(given, settings.default_repository, observe(settings, given))


def open_repository(settings: Settings) -> Repository:
    """Return the repository of this household with its password, which is made where there is none.

    Raises BackupOff, FileProblem.
    """
    decision = choose(settings)
    if decision.off:
        raise BackupOff(decision.off)
    location_file = settings.secrets / LOCATION
    if not settings.given_repository:
        _write_secret(location_file, decision.location + "\n")
    if is_local(decision.location):
        _check_folder(folder_of(decision.location), is_default=not settings.given_repository)
    secret = password.find(settings.secrets)
    if secret is None:
        if is_local(decision.location) and (folder_of(decision.location) / CONFIG).exists():
            raise FileProblem(
                f"{where(decision.location)} has a repository already, and this host does not know its password. If"
                " it is the backup of this household, restore it with the recovery card (docs/restore.md); else move it"
                " away"
            )
        secret = password.ensure(settings.secrets)
    return Repository(decision.location, decision.kind, location_file, secret, environment(settings))


def _check_folder(folder: Path, *, is_default: bool) -> None:
    """Make the default folder, 0700; refuse a share or disk that is not mounted."""
    try:
        if is_default:
            folder.mkdir(mode=0o700, exist_ok=True)
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode):
                raise FileProblem(f"{folder} is not a folder; move it away, then run this again")
            if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                os.chown(folder, os.geteuid(), os.getegid(), follow_symlinks=False)
                folder.chmod(0o700)
        elif not folder.parent.is_dir():
            raise FileProblem(f"{folder.parent} does not exist; mount the disk or share of upkeep_backup_repository")
    except OSError as error:
        raise FileProblem(
            f"{folder} cannot be used: {reason(error)}; see whether its disk or share is there"
        ) from error


def environment(settings: Settings) -> dict[str, str]:
    """Return the household's variables for restic, such as the keys of a cloud. Raises FileProblem."""
    text = _secret(settings, ENVIRONMENT)
    try:
        found = json.loads(text or "{}")
        return {str(name): str(value) for name, value in found.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise FileProblem(f"{settings.secrets / ENVIRONMENT} is damaged; run the playbook again") from error


def household(settings: Settings) -> str:
    """Return the id of this household, which is made once and comes along with a restore. Raises FileProblem."""
    if found := _secret(settings, HOUSEHOLD):
        return found
    made = uuid.uuid4().hex
    _write_secret(settings.secrets / HOUSEHOLD, made + "\n")
    return made


def _secret(settings: Settings, name: str) -> str:
    path = settings.secrets / name
    try:
        return (files.read(path) or "").strip()
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {reason(error)}") from error


def _write_secret(path: Path, text: str) -> None:
    try:
        if files.read(path) != text:
            files.write(path, text, mode=password.MODE)
    except OSError as error:
        raise FileProblem(f"{path} cannot be written: {reason(error)}") from error
