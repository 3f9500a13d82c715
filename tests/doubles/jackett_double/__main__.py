# SPDX-License-Identifier: GPL-3.0-or-later
"""python3 -m jackett_double [--NoUpdates] [-p PORT] [--ListenPublic] ..., with $XDG_CONFIG_HOME like the server.

JACKETT_DOUBLE_INDEXER_URL is the URL of the film list of the indexer householdlab. JACKETT_DOUBLE_STARTUP_S (4) and
JACKETT_DOUBLE_RELOAD_S (1) are the durations of a start and of a restart of the web host in seconds.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path
from types import FrameType

from jackett_double import command_line
from jackett_double.server import ABORTED, Ended, Server


def _say(line: str) -> None:
    print(line, flush=True)


def _home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _abort() -> None:
    """End with SIGABRT, like a program with an unhandled exception."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGABRT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGABRT)


def _die(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)


def main() -> int:
    if os.getpid() == 1:
        # The kernel does not deliver signals without a handler to process 1 of a container.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, _die)
    else:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        options = command_line.read(sys.argv[1:])
    except command_line.Refused as refused:
        _say(str(refused))
        return 1
    server = Server(
        options.data or _home() / "Jackett",
        startup_s=float(os.environ.get("JACKETT_DOUBLE_STARTUP_S") or 4),
        reload_s=float(os.environ.get("JACKETT_DOUBLE_RELOAD_S") or 1),
        indexer_url=os.environ.get("JACKETT_DOUBLE_INDEXER_URL", ""),
        definitions=_home() / "cardigann" / "definitions",
        override=options.override,
        log=_say,
        ready=lambda: _end_by_signal(options.pid_file),
    )
    try:
        if options.pid_file:
            options.pid_file.write_text(str(os.getpid()))
        return _run(server)
    finally:
        if options.pid_file:
            options.pid_file.unlink(missing_ok=True)


def _end_by_signal(pid_file: Path | None) -> None:
    """Handle signals from now on by an orderly end, without waiting for threads."""

    def end(*_: object) -> None:
        if pid_file:
            pid_file.unlink(missing_ok=True)
        os.write(sys.stdout.fileno(), b"Info Jackett stopped\n")
        os._exit(0)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, end)


def _run(server: Server) -> int:
    try:
        server.start()
    except Ended as end:
        _say(str(end))
        if end.code == ABORTED:
            _abort()
        return end.code
    # With a timeout: a signal just before an unlimited wait would be handled only after it.
    while not server.stopped.wait(0.2):
        pass
    # The sockets are closed at the end of the process.
    _say("Info Jackett stopped")
    return server.exit_code or 0


if __name__ == "__main__":
    raise SystemExit(main())
