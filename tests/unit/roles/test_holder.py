# SPDX-License-Identifier: GPL-3.0-or-later
"""The holder's entry point handles a signal to reload at once, at any time."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles" / "stack" / "files" / "entrypoints" / "vpn.sh"
# Text of the script, and its replacement that sends HUP at this point, once.
MOMENTS = {
    "before the sleep": ("    sleep 60 &\n", "    HUP\n    sleep 60 &\n"),
    "with the sleep": ("    sleep 60 &\n", "    sleep 60 &\n    HUP\n"),
    "before the wait": ('wait "$sleeper" 2', '{ HUP; wait "$sleeper"; } 2'),
}
SHELLS = [["sh"], ["busybox", "sh"]]


@pytest.mark.parametrize("shell", [one for one in SHELLS if shutil.which(one[0])], ids=" ".join)
@pytest.mark.parametrize("moment", MOMENTS)
def test_handles_a_signal_between_check_and_wait_at_once(tmp_path: Path, shell: list[str], moment: str) -> None:
    for name in ("nft", "ip"):
        # There is no default route to delete, and the rule exists.
        said = '[ "$2" != del ] || exit 1; [ "$1 $2" != "rule show" ] || echo "from 10.0.0.2 lookup 100"'
        (tmp_path / name).write_text(f"#!/bin/sh\n{said}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "holder.env").write_text("SUBNET=10.0.0.0/24\nGATEWAY=10.0.0.1\nADDRESS=10.0.0.2\n")
    script = SCRIPT.read_text(encoding="utf-8").replace("/gateway/", f"{tmp_path}/").replace("/run/", f"{tmp_path}/")
    there, instead = MOMENTS[moment]
    assert there in script
    once = f"{{ [ -e {tmp_path}/sent ] || {{ : >{tmp_path}/sent; kill -HUP $$; }}; }}"
    script = script.replace(there, instead.replace("HUP", once))
    with subprocess.Popen(
        # Under nohup the signal is ignored, and a shell cannot trap a signal that is ignored when it starts.
        ["env", "--default-signal=HUP", *shell, "-c", script],
        env={"PATH": f"{tmp_path}:{os.defpath}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        bufsize=0,
    ) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == b"vpn: the barrier stands\n"
            with selectors.DefaultSelector() as waiting:
                waiting.register(holder.stdout, selectors.EVENT_READ)
                assert waiting.select(10), "it still sleeps"
            assert holder.stdout.readline() == b"vpn: barrier and routes were loaded again\n"
        finally:
            os.killpg(holder.pid, signal.SIGKILL)
