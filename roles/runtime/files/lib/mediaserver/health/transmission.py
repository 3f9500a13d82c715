# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmission with its credentials; and the downloads that a nearly full disk stops.

A seed is never stopped or started: `torrent-start` would make one that ended by its ratio seed without a limit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaserver._core import files
from mediaserver._core.errors import MediaserverError, reason
from mediaserver._core.names import VPN_BRIDGE
from mediaserver._core.transport import Http, UrlHttp
from mediaserver._transmission.access import Access
from mediaserver._transmission.client import TransmissionClient
from mediaserver.health import space
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, Value, bad, ok, unknown, warning
from mediaserver.importer.access import TRANSMISSION_REMEDY, NotNow, Service

CHECK, DOWNLOADS = "transmission-access", "disk-downloads"
STOPPED_NUMBER = "mediaserver_downloads_stopped"
STOPPED = "stopped.json"
REFUSED = "transmission.refused"
TIMEOUT_S = 10.0
FIELDS = ("hashString", "status", "leftUntilDone", "metadataPercentComplete")
# Of rpc-spec.md: a torrent at rest, one that waits for its turn to download, and one that downloads.
AT_REST, QUEUED, DOWNLOADING = 0, 3, 4


@dataclass(frozen=True)
class Torrent:
    """``complete``: all of its wanted files are there; it is a seed, whether it runs or not."""

    hash: str
    status: int
    complete: bool


@dataclass(frozen=True)
class Plan:
    """What is stopped and started now, and the torrents that the record then names."""

    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    record: tuple[str, ...] = ()


def plan(percent: float, torrents: Sequence[Torrent], record: Sequence[str], *, stop_at: int, resume_at: int) -> Plan:
    """Decide by the used part of the disk, in percent. Pure."""
    known = {one.hash: one for one in torrents}
    ours = [name for name in record if name in known and not known[name].complete]
    if percent >= stop_at:
        running = [one.hash for one in torrents if not one.complete and one.status in (QUEUED, DOWNLOADING)]
        return Plan(stop=tuple(running), record=tuple(dict.fromkeys((*ours, *running))))
    if percent < resume_at:
        return Plan(start=tuple(name for name in ours if known[name].status == AT_REST))
    # One that a person has started is not ours any more.
    return Plan(record=tuple(name for name in ours if known[name].status == AT_REST))


def read(environment: Environment, http: Http | None = None) -> list[Finding]:
    try:
        access = Access.read(str(environment.root / "gateway" / "transmission.json"))
    except MediaserverError as error:
        return [bad(CHECK, str(error), "run the playbook again"), unknown(DOWNLOADS, "Transmission cannot be asked")]
    client = TransmissionClient(
        http or UrlHttp(device=VPN_BRIDGE),
        access.url,
        username=access.user,
        password=access.password,
        timeout=TIMEOUT_S,
    )
    refused = environment.settings.folder / REFUSED
    service = Service("Transmission", refused, f"{access.user}:{access.password}", TRANSMISSION_REMEDY)
    try:
        answer = service.ask(lambda: client.torrents(FIELDS), environment.now.wall)
    except NotNow as error:
        remedy = "see: sudo mediaserver logs transmission"
        return [bad(CHECK, str(error), remedy), unknown(DOWNLOADS, "Transmission cannot be asked")]
    return [ok(CHECK, "it answers with the household's credentials"), _make_room(environment, client, answer)]


def _make_room(environment: Environment, client: TransmissionClient, answer: Sequence[Mapping[str, Any]]) -> Finding:
    settings, path = environment.settings, environment.settings.folder / STOPPED
    try:
        percent = space.measure(settings.downloads).percent
        before = _recorded(path)
        planned = plan(
            percent,
            [_torrent(one) for one in answer],
            before,
            stop_at=settings.disk_stop_percent,
            resume_at=settings.disk_resume_percent,
        )
        if planned.stop:
            # Before they are stopped: after a power cut, no stopped one is unknown.
            _record(path, planned.record)
            client.call("torrent-stop", {"ids": list(planned.stop)})
        if planned.start:
            client.call("torrent-start", {"ids": list(planned.start)})
        if planned.record != before and not planned.stop:
            _record(path, planned.record)
    except (OSError, MediaserverError) as error:
        text = f"downloads could not be stopped or resumed: {reason(error)}"
        return warning(DOWNLOADS, text, "make room: sudo mediaserver space")
    return judge(planned, percent, settings.disk_resume_percent)


def judge(done: Plan, percent: float, resume_at: int) -> Finding:
    """Pure."""
    number = Value(STOPPED_NUMBER, len(done.record))
    if not done.record:
        return ok(DOWNLOADS, "none is stopped for want of space", number)
    many = "1 download is" if len(done.record) == 1 else f"{len(done.record)} downloads are"
    text = f"{many} stopped, because {percent:.0f} % of the disk are used; they go on below {resume_at} %"
    return warning(DOWNLOADS, text, "make room: sudo mediaserver space lists what frees how much", number)


def _torrent(answer: Mapping[str, Any]) -> Torrent:
    left, known = answer.get("leftUntilDone"), answer.get("metadataPercentComplete", 1)
    # A magnet link without its metadata has nothing left to load, either. What cannot be read is left alone.
    complete = not isinstance(left, int) or (left == 0 and float(known) >= 1)
    status = answer.get("status")
    return Torrent(str(answer.get("hashString", "")).lower(), status if isinstance(status, int) else -1, complete)


def _recorded(path: Path) -> tuple[str, ...]:
    """Return the torrents that were stopped; a damaged record names none, and they stay stopped."""
    try:
        found = json.loads(files.read(path) or "[]")
    except (ValueError, RecursionError):
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _record(path: Path, names: Sequence[str]) -> None:
    files.write(path, json.dumps(list(names)) + "\n", mode=0o600)
