# SPDX-License-Identifier: GPL-3.0-or-later
"""python3 -m jellyfin_double --version 12.0 --config DIR [--port 8096] [--host 0.0.0.0] ..."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from jellyfin_double.application import RELEASES
from jellyfin_double.server import Server
from jellyfin_double.startup import Timing


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="jellyfin_double", description="A simulated Jellyfin server for tests.")
    parser.add_argument("--version", choices=sorted(RELEASES), default="12.0")
    parser.add_argument("--config", type=Path, required=True, help="what the container has at /config")
    parser.add_argument("--data", type=Path, help="program data folder, by default the same as --config")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8096)
    parser.add_argument("--startup-s", type=float, default=3.0, help="length of a start besides the temporary server")
    parser.add_argument("--degraded-s", type=float, default=3.5, help="how long the temporary server answers")
    parser.add_argument("--migration-s", type=float, default=5.0, help="how much longer, on data of an older version")
    parser.add_argument("--scan-item-s", type=float, default=0.2, help="what each known item adds to a scan")
    return parser.parse_args()


def main() -> int:
    given = _arguments()
    server = Server(
        given.config,
        version=given.version,
        host=given.host,
        port=given.port,
        data=given.data,
        timing=Timing.of(given.startup_s, given.degraded_s, given.migration_s),
        scan_item_s=given.scan_item_s,
        log=lambda line: print(line, flush=True),
    )

    def end(*_: object) -> None:
        server.stopped.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    server.start(ticking=True)
    # With a timeout: a signal just before an unlimited wait would be handled only after it.
    while not server.stopped.wait(0.2):
        pass
    server.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
