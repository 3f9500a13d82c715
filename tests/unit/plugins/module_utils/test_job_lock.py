# SPDX-License-Identifier: GPL-3.0-or-later
"""The one lock of site.yml, backup, restore and upgrade."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core import clock, job_lock
from ansible_collections.household.mediaserver.plugins.module_utils._core.job_lock import Busy, Holder, Lease

LAPTOP = Lease("site.yml", "laptop", 100, (1, 100), 600)
# Takes the lock of the file as another process does, and says so.
HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "lock"


def taken(path: Path, wanted: Lease, patience_s: float = 0) -> None:
    job_lock.take(wanted, patience_s=patience_s, path=path)


def test_one_job_at_a_time_and_the_second_one_names_the_first(path: Path) -> None:
    with (
        job_lock.held("mediaserver backup", path=path),
        pytest.raises(Busy, match=r"mediaserver backup \(process \d+\), for 0 min.*Run this again when it has ended"),
        job_lock.held("mediaserver restore", patience_s=0.05, path=path),
    ):
        pass
    with job_lock.held("mediaserver restore", patience_s=0, path=path):
        assert job_lock.read(path) == Holder("mediaserver restore", pytest.approx(clock.now(), abs=5), os.getpid())
    assert job_lock.read(path) is None


def test_waits_until_the_other_one_has_ended(path: Path) -> None:
    with job_lock.held("first", path=path):
        pass
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    assert other.stdout and other.stdout.readline() == b"held\n"
    with pytest.raises(Busy), job_lock.held("second", patience_s=0, path=path):
        pass
    other.send_signal(signal.SIGKILL)
    begun = time.monotonic()
    with job_lock.held("second", patience_s=20, path=path):
        assert time.monotonic() - begun < 15, "a killed process holds nothing"
    other.wait()


def test_a_playbook_s_lease_keeps_a_program_out_until_it_ends(path: Path) -> None:
    taken(path, LAPTOP)
    expected = r"site\.yml on laptop.*ends by itself in 1\d min"
    with pytest.raises(Busy, match=expected), job_lock.held("x", patience_s=0, path=path):
        pass
    assert job_lock.release("laptop", 100, path=path) is True
    with job_lock.held("x", patience_s=0, path=path), pytest.raises(Busy):
        taken(path, LAPTOP)


def test_only_its_own_playbook_ends_a_lease(path: Path) -> None:
    taken(path, LAPTOP)
    assert job_lock.release("laptop", 101, path=path) is False
    assert job_lock.release("other", 100, path=path) is False
    assert job_lock.read(path) is not None
    assert job_lock.release("laptop", 100, path=path) is True
    assert job_lock.release("laptop", 100, path=path) is False


def test_a_lease_ends_by_its_deadline(path: Path) -> None:
    taken(path, Lease("site.yml", "laptop", 100, seconds=0.1))
    with job_lock.held("x", patience_s=5, path=path):
        pass


@pytest.mark.parametrize(
    ("wanted", "replaces"),
    [
        (Lease("site.yml", "laptop", 100, seconds=600), True),  # the same run again
        (Lease("site.yml", "laptop", 200, (1, 200), 600), True),  # the first one was interrupted
        (Lease("site.yml", "laptop", 200, (1, 100, 200), 600), False),  # it works
        (Lease("site.yml", "laptop", 200, seconds=600), False),  # not known
        (Lease("site.yml", "other", 200, (200,), 600), False),
        (Lease("site.yml", "", 0, (200,), 600), False),
    ],
)
def test_whose_lease_is_replaced(path: Path, wanted: Lease, replaces: bool) -> None:
    taken(path, LAPTOP)
    if replaces:
        taken(path, wanted)
        return
    with pytest.raises(Busy):
        taken(path, wanted)


@pytest.mark.parametrize("seconds", [0, -1, job_lock.LONGEST_S + 1, float("nan"), float("inf")])
def test_a_lease_is_bounded(path: Path, seconds: float) -> None:
    with pytest.raises(ValueError, match="is refused"):
        taken(path, Lease("site.yml", "laptop", 1, seconds=seconds))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"name": "x"}', json.dumps({"name": "x", "since": 0, "until": 1e99}), "\udcff"],
)
def test_a_damaged_file_is_no_lock(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_bytes(text.encode(errors="surrogateescape"))
    with job_lock.held("x", patience_s=0, path=path):
        pass


def test_a_link_is_refused(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    (tmp_path / "victim").write_text("precious")
    path.symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic"), job_lock.held("x", path=path):
        pass
    assert (tmp_path / "victim").read_text() == "precious"
