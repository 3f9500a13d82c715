# SPDX-License-Identifier: GPL-3.0-or-later
"""The recovery card: the one page with which a blank Raspberry Pi becomes this household again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mediaserver.backup.state import CARD, moment

# A quarter of a year, in which paper gets lost.
DUE_S = 91 * 86400.0
BLANK = "_" * 44
HIDDEN = "(not printed; run `sudo mediaserver card` without --without-password)"


def text(
    *,
    location: str,
    password: str,
    survives: str,
    environment: Mapping[str, str],
    household: str,
    is_media_disk: bool,
    now: float,
) -> list[str]:
    """Return the lines of the card. It holds secrets, except where the caller has hidden them."""
    keys = [f"    {name}={value}" for name, value in sorted(environment.items())]
    disk = (
        "Move the media disk to the new Pi: the repository is on it."
        if is_media_disk
        else "Connect the new Pi to the network; the repository is not in it."
    )
    return [
        "RECOVERY CARD OF THE HOUSEHOLD MEDIA SERVER",
        f"printed {datetime.fromtimestamp(now, UTC):%Y-%m-%d}; keep it on paper, away from the Pi, like a key",
        "",
        f"  repository          {location}",
        f"  its password        {password}",
        *(["  its access keys", *keys] if keys else []),
        f"  household           {household}",
        f"  vault's password    {BLANK}",
        "                      (write it here by hand; no program knows it)",
        "",
        f"  What this backup survives: {survives}.",
        "",
        "STEPS",
        "  1. Write Raspberry Pi OS (64 bit) on a new card, with an account that you can log in with by SSH.",
        f"  2. {disk}",
        "  3. On any computer: get the collection household.mediaserver, and run `make tools` in its folder.",
        "  4. Where the household's inventory folder is lost, too, get it out of the backup:",
        '       make restore-inventory PI=<address> HOUSE=inventory/home ARGS="--user <account>"',
        *(
            ["     with -e restore_disk=<UUID of the media disk> in ARGS; `lsblk -f` on the Pi shows it."]
            * is_media_disk
        ),
        "  5. Write the new Pi's address into inventory/home/hosts.yml, then run:",
        "       make restore HOUSE=inventory/home ARGS=--ask-vault-pass",
        '     It asks for the two passwords above. docs/restore.md has more, under "A new Pi".',
        "  6. Log in to Jellyfin as before. Then run `sudo mediaserver backup` and `sudo mediaserver card --confirm`.",
    ]


def is_due(noted: Mapping[str, Any], now: float) -> bool:
    """Say whether the household should look whether its card is still there. Only where there is a backup."""
    if not moment(noted.get("backup")):
        return False
    confirmed = moment(noted.get(CARD))
    # A clock that was wrong when it was confirmed does not silence the question for years.
    return not 0 <= now - confirmed < DUE_S
