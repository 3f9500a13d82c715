# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines have a priority where they go to the journal, and no prefix elsewhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from mediaserver import journal

LIBRARY = Path(__file__).parents[3] / "roles" / "runtime" / "files" / "lib"
PROGRAM = f"""
import sys; sys.path.insert(0, {str(LIBRARY)!r})
from mediaserver import journal
journal.info("online")
journal.notice("jellyfin does not run: start jellyfin")
journal.warning("healing: two\\nlines")
journal.error("cannot run", stream=sys.stdout)
"""


def logged(*, is_journal: bool) -> list[str]:
    """Run a program whose standard output is a socket, as systemd does; tell it so, or name another socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        named = os.fstat((theirs if is_journal else ours).fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{named.st_dev}:{named.st_ino}"}
        subprocess.run([sys.executable, "-c", PROGRAM], stdout=theirs, env=environment, check=True)
        theirs.close()
        return b"".join(iter(lambda: ours.recv(4096), b"")).decode().splitlines()


def test_each_line_for_the_journal_has_its_priority() -> None:
    assert logged(is_journal=True) == [
        "<6>online",
        "<5>jellyfin does not run: start jellyfin",
        "<4>healing: two",
        "<4>lines",
        "<3>cannot run",
    ]


def test_another_stream_is_plain_though_the_variable_is_inherited() -> None:
    assert logged(is_journal=False)[:2] == ["online", "jellyfin does not run: start jellyfin"]


@pytest.mark.parametrize("stream", [None, "", "8", "8:", "a:b", "1:2"])
def test_without_a_journal_lines_are_plain(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], stream: str | None
) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    if stream is not None:
        monkeypatch.setenv("JOURNAL_STREAM", stream)
    journal.warning("no port is forwarded")
    journal.error("vpn-monitor: another one runs already")
    assert capfd.readouterr() == ("no port is forwarded\n", "vpn-monitor: another one runs already\n")
