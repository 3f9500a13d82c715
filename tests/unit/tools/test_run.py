# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/run works in every locale of the shell, although Ansible requires UTF-8."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "locale",
    [
        {},
        {"LANG": "C"},
        {"LC_ALL": "C"},
        {"LC_ALL": "xx_XX.UTF-8"},
        {"LANG": "de_DE.ISO-8859-1"},
        {"LC_CTYPE": "POSIX"},
    ],
    ids=str,
)
def test_ansible_starts_in_every_locale(locale: dict[str, str]) -> None:
    done = subprocess.run(
        [str(ROOT / "tools" / "run"), "ansible", "localhost", "-m", "debug", "-a", "msg=Küche"],
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "ANSIBLE_NOCOLOR": "1", **locale},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "msg: Küche" in done.stdout.decode("utf-8")


def test_keeps_working_locale() -> None:
    command = [str(ROOT / "tools" / "run"), "sh", "-c", "echo $LC_ALL $LANG"]
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    assert subprocess.run(command, env=environment, capture_output=True, check=True).stdout == b"C.UTF-8\n"
