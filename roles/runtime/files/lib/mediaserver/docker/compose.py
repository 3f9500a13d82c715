# SPDX-License-Identifier: GPL-3.0-or-later
"""The compose project's files: ours, and the override that a household may have put beside it.

A broken override must not end all repairs: then compose.yml alone is used, containers that run are left as they are,
and the override is named.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from mediaserver._core.errors import ComposeError
from mediaserver._core.names import OVERRIDES

FILE = "compose.yml"
CONFIG_TIMEOUT_S = 60


@dataclass(frozen=True)
class Project:
    """Arguments after ``docker compose`` that choose the usable files, and what is wrong with the override, if so."""

    arguments: tuple[str, ...]
    config: str
    trouble: str = ""


def override(root: Path) -> Path | None:
    return next((root / name for name in OVERRIDES if (root / name).exists()), None)


def changed(root: Path) -> tuple[int, ...]:
    """When the project's files were changed last; empty without a project. Raises OSError."""
    try:
        times = [(root / FILE).stat().st_mtime_ns]
    except FileNotFoundError:
        return ()
    found = override(root)
    return (*times, found.stat().st_mtime_ns) if found else tuple(times)


def read(root: Path) -> Project:
    """Have compose read the files. Raises ComposeError, OSError, subprocess.TimeoutExpired."""
    whole = ("--project-directory", str(root))
    done = _config(whole)
    if done.returncode == 0:
        return Project(whole, done.stdout)
    found = override(root)
    ours = ("--project-directory", str(root), "--file", str(root / FILE))
    alone = _config(ours) if found else done
    if alone.returncode != 0:
        raise ComposeError(f"compose cannot read {root / FILE}: {' '.join(alone.stderr.split())}")
    trouble = f"{found} is not used, because compose cannot read it: {' '.join(done.stderr.split())}"
    return Project(ours, alone.stdout, trouble)


def _config(files: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    command = ["docker", "compose", *files, "config", "--format", "json"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=CONFIG_TIMEOUT_S)
