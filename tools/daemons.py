# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs each of Debian's versions of Transmission into build/daemons, in a minimal Debian system each."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "lab")]

from engine import LabError, run  # noqa: E402  (the path above must be set first)
from images import APT, mirror, sources  # noqa: E402

TARGET = ROOT / "build" / "daemons"
OPTIONS = (
    "--quiet",
    "--variant=apt",
    "--include=transmission-daemon",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)


@dataclass(frozen=True)
class System:
    """A Debian release, and its version of Transmission."""

    name: str
    suite: str
    transmission: str

    def sources(self, apt: Path = APT) -> list[str]:
        lines = sources(apt, self.suite)
        # Backports are used in addition to the release's own suite.
        extra = [f"deb {mirror('debian', apt)} {self.name} main"] if self.name != self.suite else []
        return [*lines, *extra]

    def options(self) -> list[str]:
        extra = [f'--aptopt=APT::Default-Release "{self.name}"'] if self.name != self.suite else []
        return [*OPTIONS, *extra]


# Debian 13 has a late beta of 4.1, with the older RPC protocol only; its backport has both protocols.
SYSTEMS = (
    System("bookworm", "bookworm", "3.00"),
    System("trixie", "trixie", "4.1.0"),
    System("trixie-backports", "trixie", "4.1"),
)


def provide(system: System, target: Path = TARGET) -> Path:
    """Return the root of a system; create it when it is missing. Needs root, mmdebstrap and a Debian mirror."""
    root = target / system.name
    if root.is_dir():
        return root
    print(f"==> Installing Transmission {system.transmission} of Debian's {system.name} into {root.relative_to(ROOT)}")
    unfinished = target / f"{system.name}.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    target.mkdir(parents=True, exist_ok=True)
    run("mmdebstrap", *system.options(), system.suite, str(unfinished), *system.sources())
    found = run("chroot", str(unfinished), "sh", "-c", "transmission-daemon --version 2>&1")
    if f"transmission-daemon {system.transmission}" not in found:
        raise LabError(
            f"Debian's {system.name} has {found.strip()!r}; expected Transmission {system.transmission}. "
            "Change SYSTEMS in tools/daemons.py and the module's table of settings"
        )
    unfinished.rename(root)
    return root


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    try:
        for system in SYSTEMS:
            provide(system)
    except LabError as error:
        print(f"daemons: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
