# SPDX-License-Identifier: GPL-3.0-or-later
"""Every program on the host has --help, refuses unknown arguments, and runs once where two would collide."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mediaserver._core import files
from mediaserver._core.errors import GatewayError
from mediaserver.firewall import keeper
from mediaserver.monitor import monitor
from mediaserver.tunnel import command_line
from mediaserver.verify import verify

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "roles" / "runtime" / "files" / "scripts"
NAMES = sorted(path.name for path in SCRIPTS.iterdir())


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program that takes an argument for a command would work on this machine; so it gets none of its folders."""
    command = ["unshare", "--net", sys.executable, str(SCRIPTS / name), *arguments]
    if os.getuid() != 0:
        command = command[2:]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


def test_there_are_programs() -> None:
    assert {"jellyfin-unlock", "mediaserver", "vpn-gateway", "vpn-monitor", "vpn-verify"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_it_explains_itself(name: str, option: str) -> None:
    done = run(name, option)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {name}")
    assert len(done.stdout.split("\n\n")) > 2, "it says nothing but its usage"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("arguments", [["--no-such-option"], ["one", "two", "three"]], ids=" ".join)
def test_it_refuses_what_it_does_not_know(name: str, arguments: list[str]) -> None:
    done = run(name, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"usage: {name}")


def test_jellyfin_unlock_without_its_argument_is_a_wrong_call() -> None:
    done = run("jellyfin-unlock")
    assert done.returncode == 2
    assert "the following arguments are required: DATABASE" in done.stderr


def test_a_second_vpn_monitor_ends_and_leaves_the_first_one_s_state_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def of(root: Path) -> monitor.Monitor:
        raise AssertionError("a second one observations at the host")

    monkeypatch.setattr(monitor.Monitor, "of", of)
    lock = tmp_path / "lock"
    with files.locked(lock):
        assert monitor.main([], root=Path("/nowhere"), lock=lock) == 1
    assert capsys.readouterr().err == "vpn-monitor: another one runs already; see: systemctl status vpn-monitor\n"


def test_a_second_keeper_does_not_touch_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def render(owned: bool) -> str:
        raise AssertionError(f"a second one renders the table, owned: {owned}")

    lock = tmp_path / "lock"
    monkeypatch.setattr(keeper, "LOCK_PATIENCE_S", 0.1)
    monkeypatch.setattr(keeper.signal, "pthread_sigmask", lambda *_: None)
    with files.locked(lock), pytest.raises(GatewayError, match="another keeper owns the barrier"):
        keeper.keep(render, lock)


@pytest.mark.parametrize(("command", "told"), [("barrier", True), ("keep", False)])
def test_barrier_that_cannot_be_loaded_names_the_way_to_docker_without_it(
    command: str, told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Docker requires the barrier and not its keeper."""
    assert command_line.main([command], root=tmp_path) == 1
    reason, *more = capsys.readouterr().err.splitlines()
    assert reason.endswith("gateway.json is missing; run the playbook again")
    assert more == ([f"vpn-gateway: {keeper.way_out(tmp_path)}"] if told else [])


def test_way_to_docker_without_the_barrier_is_the_same_in_the_document_and_in_preflight() -> None:
    commands = re.findall(r"sudo [^;]+", keeper.way_out(Path("/opt/mediaserver")))
    assert len(commands) == len(keeper.WITHOUT_STACK) == 4
    assert f"```sh\n{chr(10).join(commands)}\n```" in (ROOT / "docs" / "troubleshooting.md").read_text()
    preflight = yaml.safe_load((ROOT / "roles" / "preflight" / "tasks" / "main.yml").read_text())
    (task,) = [task for task in preflight if "depend on the barrier" in task["name"]]
    assert ", ".join(f"`{command}`" for command in commands[:3]) in task["ansible.builtin.debug"]["msg"]


def test_a_second_verification_waits_for_the_first_one(tmp_path: Path) -> None:
    """It would take the other's dropped packets for its own."""
    lock = tmp_path / "lock"

    def held() -> str:
        with pytest.raises(TimeoutError), files.locked(lock, patience=0):
            pass
        return "the lock is held while the checks run"

    arguments = ["--address-page", "http://page/"]
    assert verify.main(arguments, root=Path("/nowhere"), checks=lambda _: {"held": held}, lock=lock) == 0


def test_a_second_jellyfin_unlock_leaves_the_database_alone(tmp_path: Path) -> None:
    database = tmp_path / "jellyfin.db"
    database.write_bytes(b"no database")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        done = run("jellyfin-unlock", str(database))
    finally:
        os.close(folder)
    assert (done.returncode, done.stderr) == (1, f"jellyfin-unlock: another process works on {database}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["jellyfin.db"]
