# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret of the backup is in a process list or in a message; what is killed in the middle leaves all whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from backup_home import Home, make_home, needs_restic
from conftest import ROOT
from mediaserver.backup import password, repository, restic, state
from mediaserver.backup.repository import Kind, Repository
from mediaserver.backup.restic import Done, Fault, Restic, ResticError, fault_of

KILLER = Path(__file__).parent / "backup_killer.py"
CANARY, KEY = "canary-password", "canary-key-of-the-cloud"
LOCATION = "rest:https://house:canary-login@127.0.0.1:9/repository"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = make_home(tmp_path, monkeypatch)
    (made.root / "backup").mkdir()
    (made.root / "backup/password").write_text(CANARY + "\n")
    (made.root / "backup/environment.json").write_text(f'{{"AWS_SECRET_ACCESS_KEY": "{KEY}"}}')
    return made


def started(home: Home) -> subprocess.Popen[bytes]:
    lib = ROOT / "roles" / "runtime" / "files" / "lib"
    command = [sys.executable, str(KILLER), str(lib), str(home.top)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def process_lines() -> Iterator[str]:
    """Yield the command lines of all processes, as every account sees them."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                yield (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue


def processes(home: Home) -> list[str]:
    """Return the processes of restic that work for this household: their environment names its folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and b"restic" in (entry / "cmdline").read_bytes():
                environment = (entry / "environ").read_bytes()
                if str(home.root).encode() in environment:
                    found.append(entry.name)
        except OSError:
            continue
    return found


@needs_restic
def test_no_secret_is_in_a_process_list(home: Home) -> None:
    process, seen, commands = started(home), "", 0
    while process.poll() is None:
        lines = list(process_lines())
        seen += "\n".join(lines)
        commands += sum("restic" in line for line in lines)
    assert process.returncode == 0
    # The control: the watch has seen restic at work.
    assert commands > 3
    assert "canary" not in seen


@needs_restic
@pytest.mark.parametrize("verb", ["init", "backup", "forget", "prune", "check"])
def test_killed_in_the_middle_and_the_next_one_works(home: Home, verb: str) -> None:
    if verb != "init":
        home.write_settings(keep=["--keep-last=1"])
        home.run().run()
        # The weekly check is due.
        state.StateFile(home.settings.state_file, home.top / "run/state.lock").update(check=0)
    process = started(home)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if any(f"restic {verb}" in line for line in process_lines()):
            os.kill(process.pid, signal.SIGKILL)
            break
        time.sleep(0.001)
    assert process.wait() == -signal.SIGKILL, "it was not killed in the middle"
    end = time.monotonic() + 15
    while processes(home) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes(home) == [], "restic ends with the program that started it"
    result = home.run().run()
    assert (result.missing, result.faults) == ([], [])
    home.opened().call("check", "--read-data")
    assert not home.settings.staging.exists(), "the copies of the killed run are gone, too"


@pytest.mark.parametrize(
    ("code", "text", "fault"),
    [
        (3, "", Fault.INCOMPLETE),
        (10, "", Fault.NO_REPOSITORY),
        (11, "", Fault.LOCKED),
        (12, "", Fault.WRONG_PASSWORD),
        (130, "", Fault.KILLED),
        (-9, "", Fault.KILLED),
        (1, "Fatal: write /mnt/backup/x: no space left on device", Fault.FULL),
        (1, "Fatal: dial tcp 10.0.0.1:8000: connect: connection refused", Fault.UNREACHABLE),
        (1, "Fatal: stat /mnt/nas/config: stale file handle", Fault.UNREACHABLE),
        (1, "Fatal: repository contains errors", Fault.DAMAGED),
        (1, "Load(<data/abc>) failed: ciphertext verification failed", Fault.DAMAGED),
        (1, "Fatal: something else", Fault.OTHER),
        (77, "", Fault.OTHER),
    ],
)
def test_what_an_exit_code_means(code: int, text: str, fault: Fault) -> None:
    assert fault_of(code, text) is fault
    assert restic.REMEDIES[fault]


def adapter(tmp_path: Path, done: Done) -> Restic:
    place = Repository(LOCATION, Kind.FAR, tmp_path / "location", tmp_path / "password", {"KEY": KEY})
    return Restic(place, tmp_path / "cache", lambda *given: done)


def test_a_message_has_no_secret(tmp_path: Path) -> None:
    made = adapter(tmp_path, Done(1, "", f"Fatal: {LOCATION}: login canary-login:x, key {KEY}: connection refused"))
    with pytest.raises(ResticError, match=r"https://127\.0\.0\.1:9/repository") as caught:
        made.snapshots()
    assert "canary" not in str(caught.value)
    assert "canary" not in repr(made.repository)


@pytest.mark.parametrize("output", ["", "{", "[1]", '{"message_type": "status"}'])
def test_an_unexpected_answer_is_a_failure(tmp_path: Path, output: str) -> None:
    with pytest.raises(ResticError):
        adapter(tmp_path, Done(0, output, "")).backup(["x"], folder=tmp_path, exclude_file=tmp_path, tags=[])


def test_a_repository_that_never_answers(tmp_path: Path) -> None:
    place = Repository("/nowhere", Kind.NEAR, tmp_path / "location", tmp_path / "password")
    slow = Restic(place, tmp_path / "cache", program=("sleep",))
    begun = time.monotonic()
    with pytest.raises(ResticError, match="it has not ended after") as caught:
        slow.call("60", limit_s=0.3)
    assert caught.value.fault is Fault.UNREACHABLE and time.monotonic() - begun < 10


def test_without_restic(tmp_path: Path) -> None:
    place = Repository("/nowhere", Kind.NEAR, tmp_path / "location", tmp_path / "password")
    with pytest.raises(ResticError, match="Run the playbook again") as caught:
        Restic(place, tmp_path / "cache", program=("no-such-program",)).snapshots()
    assert caught.value.fault is Fault.NOT_INSTALLED


def test_restic_gets_its_own_variables_alone(tmp_path: Path) -> None:
    seen: dict[str, str] = {}

    def run(command: object, environment: dict[str, str], folder: object, limit_s: float) -> Done:
        seen.update(environment)
        return Done(0, "[]", "")

    place = Repository("/r", Kind.NEAR, tmp_path / "location", tmp_path / "password", {"KEY": KEY})
    Restic(place, tmp_path / "cache", run, inherited={"RESTIC_PASSWORD": "x", "LANG": "C"}).snapshots()  # type: ignore[arg-type]
    assert "RESTIC_PASSWORD" not in seen and seen["KEY"] == KEY and seen["LANG"] == "C"
    assert seen["RESTIC_CACHE_DIR"] == seen["TMPDIR"] == str(tmp_path / "cache"), "off the card"


def test_a_password_can_be_read_from_paper() -> None:
    made = {password.make() for _ in range(100)}
    assert len(made) == 100
    assert not set("".join(made)) & set("0Ool1iI")
    assert {len(one) for one in made} == {35}


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("/media/usb/backup", Kind.OTHER_DISK),
        ("sftp:pi@nas:/backup", Kind.NEAR),
        ("sftp:pi@nas.fritz.box:/backup", Kind.NEAR),
        ("rest:http://192.168.1.9:8000/pi", Kind.NEAR),
        ("rest:https://user:pass@[fd00::1]:8000/pi", Kind.NEAR),
        ("rest:https://backup.example.org/pi", Kind.FAR),
        ("s3:https://s3.example.org/bucket", Kind.FAR),
        ("s3:s3.amazonaws.com/bucket", Kind.FAR),
    ],
)
def test_what_survives_follows_from_the_place(location: str, kind: Kind) -> None:
    disks = repository.Disks("card", "disk", "usb")
    assert repository.decide(location, Path("/mnt/backup"), disks).kind is kind


@pytest.mark.parametrize(
    ("disks", "kind", "off"),
    [
        (repository.Disks("card", "disk"), Kind.MEDIA_DISK, False),
        (repository.Disks("card", "card"), None, True),
    ],
)
def test_the_default_needs_a_second_device(disks: repository.Disks, kind: Kind | None, off: bool) -> None:
    found = repository.decide("", Path("/mnt/backup"), disks)
    assert bool(found.off) is off
    assert off or (found.location, found.kind) == ("/mnt/backup", kind)


def test_two_partitions_of_one_card_are_one_disk(tmp_path: Path) -> None:
    number = tmp_path.stat().st_dev
    card = tmp_path / "devices/mmcblk0"
    (card / "mmcblk0p2").mkdir(parents=True)
    (card / "mmcblk0p2/partition").write_text("2")
    links = tmp_path / "block"
    links.mkdir()
    (links / f"{os.major(number)}:{os.minor(number)}").symlink_to(card / "mmcblk0p2")
    assert repository.disk_of(tmp_path / "not/there/yet", links) == str(card)
    assert repository.disk_of(tmp_path, tmp_path / "none") == f"{os.major(number)}:{os.minor(number)}"


def test_a_share_is_recognised(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/root / ext4 rw 0 0\n//nas/b /mnt/nas\\040one cifs rw 0 0\n/dev/sda1 /mnt/nas\\040one/x ext4 rw 0 0\n"
    )
    assert repository.is_share(Path("/mnt/nas one/backup"), mounts)
    assert not repository.is_share(Path("/mnt/nas one/x/backup"), mounts)
    assert not repository.is_share(Path("/mnt/other"), mounts)
