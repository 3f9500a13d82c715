# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Syncs the filesystem of a service's configuration after a change.

Jellyfin and Jackett write their settings without fsync (traced), so a power cut soon after a run would empty them.
"""

from __future__ import annotations

import ctypes
import os


def sync_filesystem(folder: str | None) -> None:
    """Sync the filesystem of ``folder``; all filesystems, where no folder is given or syncfs(2) does not work."""
    try:
        if not folder:
            raise FileNotFoundError
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if ctypes.CDLL(None).syncfs(descriptor) != 0:
                raise OSError
        finally:
            os.close(descriptor)
    except (OSError, AttributeError):
        os.sync()
