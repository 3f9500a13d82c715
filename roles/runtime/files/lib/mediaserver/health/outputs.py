# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a health check writes. One that cannot be written keeps no other from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mediaserver._core import files
from mediaserver._core.errors import reason
from mediaserver.health import metrics
from mediaserver.health.model import SIGNS, State

MODE = 0o644
# pam_motd(8) shows the files of this folder at a login, and it is empty after a boot.
LOGIN_MESSAGE = Path("/run/motd.d/mediaserver")
# Problems that it shows.
SHOWN = 5


def write(
    document: Mapping[str, Any],
    metrics_text: str,
    *,
    status: Path,
    metrics_folder: str,
    login: Path,
    login_wanted: bool,
) -> list[str]:
    """Write all of them; return why some could not be written. ``metrics_folder`` may be empty or absent."""
    writers: list[Callable[[], None]] = [
        lambda: files.write(status, json.dumps(document, indent=1) + "\n", mode=MODE),
        lambda: _login(login, login_message(document) if login_wanted else ""),
    ]
    if metrics_folder and Path(metrics_folder).is_dir():
        # The temporary file's name does not end in .prom, so the exporter does not read it.
        writers.append(lambda: files.write(Path(metrics_folder, metrics.FILE), metrics_text, mode=MODE))
    return list(_troubles(writers))


def _troubles(writers: list[Callable[[], None]]) -> Iterator[str]:
    for write_one in writers:
        try:
            write_one()
        except OSError as error:
            yield f"a file of the health check cannot be written: {reason(error)}"


def _login(path: Path, text: str) -> None:
    if not text:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    files.write(path, text, mode=MODE)


def login_message(document: Mapping[str, Any]) -> str:
    """Return what is shown at a login; empty where all is well."""
    rows = [one for one in document["checks"] if State(one["state"]).is_problem]
    if not rows:
        return ""
    number = "1 thing needs" if len(rows) == 1 else f"{len(rows)} things need"
    lines = [f"Media server: {number} attention ({document['checked'][:16].replace('T', ' ')})"]
    lines += [f"  {SIGNS[State(one['state'])]}: {one['title']}: {one['text']}" for one in rows[:SHOWN]]
    lines += [f"  and {len(rows) - SHOWN} more"] * (len(rows) > SHOWN)
    return "\n".join([*lines, "What to do: mediaserver status", ""])
