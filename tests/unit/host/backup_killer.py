# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the backup of the household below a folder, for tests that kill it: python backup_killer.py LIB HOME."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    sys.path[:0] = [sys.argv[1], str(Path(__file__).parent)]
    import backup_home
    from mediaserver.backup import repository
    from mediaserver.backup.repository import Disks

    repository.observe = lambda settings, given: Disks("card", "disk", "disk")
    backup_home.Home(Path(sys.argv[2])).run().run()


if __name__ == "__main__":
    main()
