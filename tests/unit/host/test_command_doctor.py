# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver doctor``: each check finds its fault and names a remedy; the test notification."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from apprise_double import Apprise
from command_host import Docker, Programs, container, make_context, run
from mediaserver._core.errors import AccessDenied, ServiceProblem
from mediaserver.command import disk_space, doctor, doctor_checks, download_state
from mediaserver.command.doctor_checks import CHECKS, FAILED, NOT_CHECKED, OK, Finding
from mediaserver.command.frame import Context
from mediaserver.importer.state import State, StateFile
from mediaserver.notify.sender import Sender

SECRET = "s3cr3t"
GOOD, WRONG = f"ntfys://ntfy.example.org/{SECRET}", f"gotify://{SECRET}/wrong"
STATE = {"state": "online", "since": "2026-12-01T12:00:00+0000", "problems": [], "peer": "vpn.example:51820"}
ENOUGH = {"path": "/mnt", "total": 10**12, "free": 10**11, "low": False, "read_only": False, "problem": ""}
UNITS = "systemctl is-active docker.service"
TIME = "timedatectl show"


@pytest.fixture(autouse=True)
def apprise(monkeypatch: pytest.MonkeyPatch) -> Apprise:
    made = Apprise()
    monkeypatch.setattr(doctor, "Sender", lambda: Sender(made))
    monkeypatch.setattr(doctor_checks, "Sender", lambda: Sender(made))
    monkeypatch.setattr(disk_space, "measure", lambda path: ENOUGH)
    monkeypatch.setattr(disk_space, "_same", lambda one, other: True)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return made


def healthy(root: Path, *urls: str, **changes: Any) -> Context:
    """A host without a fault."""
    (root / "secrets").mkdir(exist_ok=True)
    (root / "secrets" / "notify.json").write_text(json.dumps({"urls": urls, "titles": False}))
    (root / "vpn.json").write_text(json.dumps(STATE))
    answers = {UNITS: (0, "active\n" * 5), "systemctl is-active": (0, "active\n" * 3), TIME: (0, "yes\n")}
    programs = Programs({**answers, **changes.pop("answers", {})})
    docker = Docker(container("vpn"), container("jellyfin"))
    return make_context(root, **{"run": programs, "docker": lambda: docker, **changes})


def finding(context: Context, check: str) -> Finding:
    (found,) = run(doctor, context, "--only", check).data["checks"]
    assert found.pop("check") == check
    return Finding(**found)


def test_a_host_without_a_fault(tmp_path: Path) -> None:
    found = run(doctor, healthy(tmp_path, GOOD))
    assert [(one["check"], one["result"]) for one in found.data["checks"]] == [(name, OK) for name in CHECKS]
    assert (found.exit_code, found.data["failed"]) == (0, 0)
    assert all(line.startswith("ok    ") for line in found.lines)


def test_a_fault_has_a_remedy_on_its_own_line(tmp_path: Path) -> None:
    found = run(doctor, healthy(tmp_path, answers={TIME: (0, "no\n")}))
    at = found.lines.index("FAIL  clock: the clock is not synchronised with a time server")
    assert found.lines[at + 1].startswith("      -> synchronise it: sudo timedatectl")
    assert (found.exit_code, found.data["failed"]) == (3, 1)


@pytest.mark.parametrize(
    ("check", "changes", "text", "remedy"),
    [
        (
            "units",
            {"answers": {UNITS: (3, "active\nactive\ninactive\nactive\nfailed\n")}},
            "mediaserver-barrier-keeper.service is inactive, vpn-monitor.service is failed",
            "sudo journalctl --unit mediaserver-barrier-keeper.service",
        ),
        ("units", {"answers": {UNITS: (1, "Failed to connect to bus\n")}}, "systemd does not answer", "reboot"),
        (
            "containers",
            {"docker": lambda: Docker(container("vpn", "exited"), container("jellyfin", status="Up (unhealthy)"))},
            "jellyfin is not healthy, vpn is exited",
            "sudo mediaserver logs vpn",
        ),
        ("containers", {"docker": Docker}, "no service has a container", "sudo systemctl start mediaserver.service"),
        (
            "containers",
            {"docker": lambda: Docker(silent="Docker does not answer")},
            "does not answer",
            "docker.service",
        ),
        ("clock", {"now": lambda: 1_500_000_000.0}, "the clock shows 2017", "timedatectl"),
    ],
)
def test_each_fault_is_found(tmp_path: Path, check: str, changes: dict[str, Any], text: str, remedy: str) -> None:
    found = finding(healthy(tmp_path, **changes), check)
    assert found.result == FAILED
    assert text in found.text and remedy in found.remedy


def test_a_problem_of_the_tunnel_is_found(tmp_path: Path) -> None:
    context = healthy(tmp_path)
    problem = {"code": "key-or-endpoint", "text": "a wrong or expired key is the most likely cause"}
    (tmp_path / "vpn.json").write_text(json.dumps({**STATE, "state": "healing", "problems": [problem]}))
    found = finding(context, "vpn")
    assert (found.result, found.text) == (FAILED, f"{problem['text']}; the tunnel is in state healing")


@pytest.mark.parametrize(
    ("change", "text", "remedy"),
    [
        ({"low": True, "free": 10**9}, "only 1.0 GB are free at /mnt", "make room"),
        ({"read_only": True}, "/mnt is read-only", "lsblk -f"),
        ({"problem": "/mnt cannot be measured: Input/output error"}, "cannot be measured", "lsblk -f"),
    ],
)
def test_a_fault_of_the_disk_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], text: str, remedy: str
) -> None:
    monkeypatch.setattr(disk_space, "measure", lambda path: {**ENOUGH, **change})
    found = finding(healthy(tmp_path), "disk")
    assert found.result == FAILED
    assert text in found.text and remedy in found.remedy


def test_a_trouble_of_the_import_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_state.Settings, "read", lambda path: SimpleNamespace(state=path.parent))
    (tmp_path / "import.json").write_text("{}")
    StateFile(tmp_path / "importer.json").write(State(troubles=("Jellyfin does not answer",)))
    answers = {"systemctl is-active mediaserver-import.path": (0, "active\n"), UNITS: (0, "active\n" * 7)}
    context = healthy(tmp_path, answers=answers)
    assert finding(context, "downloads").text == "Jellyfin does not answer"
    assert finding(context, "units").text == "7 units are active"
    StateFile(tmp_path / "importer.json").write(State())
    assert finding(context, "downloads") == Finding(OK, "the import runs; downloads that wait: 0")


def test_without_root_what_only_root_may_see_is_not_checked(tmp_path: Path) -> None:
    silent = Docker(silent="Docker does not answer at /run/docker.sock: Permission denied")
    found = run(doctor, healthy(tmp_path, WRONG, docker=lambda: silent, uid=lambda: 1000))
    assert [one["check"] for one in found.data["checks"] if one["result"] == NOT_CHECKED] == [
        *("containers", "notifications")
    ]
    assert found.exit_code == 0


def test_an_error_in_one_check_does_not_end_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(context: Context) -> Finding:
        raise OSError(5, "Input/output error", "/dev/x")

    monkeypatch.setattr(doctor, "CHECKS", {"one": broken, "two": CHECKS["clock"]})
    found = run(doctor, healthy(tmp_path))
    assert [one["result"] for one in found.data["checks"]] == [FAILED, OK]
    assert found.data["checks"][0]["text"] == "it could not be checked: Input/output error: /dev/x"


def test_an_address_that_apprise_cannot_use_is_named_without_its_secret(tmp_path: Path, apprise: Apprise) -> None:
    found = finding(healthy(tmp_path, GOOD, WRONG), "notifications")
    assert found.result == FAILED
    assert found.text.startswith("entry 2 (gotify://…): apprise cannot use it") and "entry 1" not in found.text
    assert SECRET not in found.text + found.remedy
    assert apprise.sent == [], "a check sends nothing"


def test_notifications_are_off_by_default(tmp_path: Path, apprise: Apprise) -> None:
    assert finding(healthy(tmp_path), "notifications") == Finding(OK, "they are off (mediaserver_notify)")
    assert apprise.loads == 0


def test_a_test_message_goes_to_each_address(tmp_path: Path, apprise: Apprise) -> None:
    apprise.down = {"tgram"}
    found = run(doctor, healthy(tmp_path, GOOD, f"tgram://{SECRET}/1", GOOD), "--notify-test")
    assert [url for url, *_rest in apprise.sent] == [GOOD, GOOD]
    assert [(one["check"], one["result"]) for one in found.data["checks"]] == [
        ("entry 1 (ntfys://…)", OK),
        ("entry 2 (tgram://…)", FAILED),
        ("entry 3 (ntfys://…)", OK),
    ]
    assert found.exit_code == 3
    assert SECRET not in "".join(found.lines) + json.dumps(found.data)


def test_a_test_without_addresses_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServiceProblem, match="notifications are off"):
        run(doctor, healthy(tmp_path), "--notify-test")


def test_a_test_needs_root(tmp_path: Path, apprise: Apprise) -> None:
    with pytest.raises(AccessDenied, match="sudo mediaserver doctor --notify-test"):
        run(doctor, healthy(tmp_path, GOOD, uid=lambda: 1000), "--notify-test")
    assert apprise.sent == []
