# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``mediaserver`` under faults: what it says is what happened; and notifications, with apprise itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import playbook
import pytest
from contract import Household, name_of
from downloads import Download, wait_until_listed
from rpc import session

pytestmark = pytest.mark.faults

SECRET = "s3cr3t-of-the-household"
RECEIVED = "/var/tmp/received"
OUTBOX = "/var/lib/mediaserver/notify/outbox.json"
PORT = 18976
# After so many seconds without an arrival, a message is due (notify/outbox.py).
QUIET_S = 120
# Answers the messages that apprise's service json:// sends, and keeps them.
RECEIVER = f"""
import http.server
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with open('{RECEIVED}', 'ab') as file:
            file.write(self.rfile.read(int(self.headers['Content-Length'])) + b'\\n')
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(('127.0.0.1', {PORT}), Receiver).serve_forever()
"""


def given(*urls: str, titles: bool = False) -> tuple[str, str]:
    return "--extra-vars", json.dumps({"mediaserver_notify": urls, "mediaserver_notify_titles": titles})


def answer(host: Any, subcommand: str) -> tuple[int, dict[str, Any]]:
    done = host.run(f"mediaserver {subcommand} --json")
    return done.rc, json.loads(done.stdout)


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(1.0)
    return True


def is_well(host: Any) -> bool:
    """Ask after a new health check, because the last one may have seen a fault that is over."""
    host.run("mediaserver health --quiet")
    # A simulated Pi has the clock of its host, and perhaps no time server.
    return all(text.startswith("clock: ") for text in answer(host, "status")[1]["attention"])


@pytest.fixture
def restored(inventory: str) -> Iterator[None]:
    yield
    result = playbook.run(inventory)
    assert result.ok, result.failures


def test_status_does_not_trust_a_monitor_that_was_killed(host: Any) -> None:
    assert wait_for(lambda: is_well(host)), host.run("mediaserver status")
    host.check_output("systemctl kill --signal=KILL vpn-monitor.service && systemctl stop vpn-monitor.service")
    try:
        code, found = answer(host, "status")
        assert (code, found["bypass"]["answer"]) == (3, "unknown")
        code, checks = answer(host, "doctor")
        (units,) = (one for one in checks["checks"] if one["check"] == "units")
        assert (code, units["result"]) == (3, "failed")
        assert "vpn-monitor.service is " in units["text"]
    finally:
        host.check_output("systemctl start vpn-monitor.service")
    assert wait_for(lambda: is_well(host)), host.run("mediaserver status")


def test_doctor_names_a_container_that_was_stopped(host: Any) -> None:
    # vpn-monitor would start it again within seconds.
    host.check_output("systemctl stop vpn-monitor.service")
    try:
        host.check_output(f"docker stop {name_of('transmission')}")
        _code, checks = answer(host, "doctor --only containers")
        (found,) = checks["checks"]
        assert (found["result"], found["text"]) == ("failed", "transmission is exited")
        assert "sudo mediaserver logs transmission" in found["remedy"]
    finally:
        host.check_output("systemctl start vpn-monitor.service")
    assert wait_for(lambda: is_well(host), 120), host.run("mediaserver status")


def test_verify_says_the_same_as_vpn_verify(host: Any) -> None:
    settings = json.loads(host.check_output("cat /opt/mediaserver/command.json"))
    arguments = f"--address-page {settings['address_page']} --target {settings['verify_target']}"
    program = host.run(f"/opt/mediaserver/scripts/vpn-verify {arguments}")
    command = host.run("mediaserver verify")
    assert (program.rc, command.rc) == (0, 0), (program.stdout, command.stdout)
    assert command.stdout == program.stdout


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"nosuch://{SECRET}", "entry 2 cannot be used: apprise does not know its scheme"),
        # Its form is right; apprise on the host refuses it.
        (f"tgram://{SECRET}", "): apprise cannot use it"),
    ],
    ids=["form", "content"],
)
@pytest.mark.usefixtures("restored")
def test_a_wrong_address_is_refused_without_its_secret(inventory: str, url: str, words: str) -> None:
    tags = ("--tags", "none") if "nosuch" in url else ("--tags", "runtime")
    result = playbook.run(inventory, *tags, *given(f"json://127.0.0.1:{PORT}/", url))
    assert not result.ok
    assert words in result.text
    assert SECRET not in result.text


@pytest.fixture
def receiver(host: Any) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """A service of the kind json:// on the Pi; the messages that it has received."""
    host.check_output(f"rm -f {RECEIVED}; cat > /var/tmp/receiver.py << 'END'\n{RECEIVER}\nEND")
    host.check_output("systemd-run --unit=test-receiver /usr/bin/python3 /var/tmp/receiver.py")

    def received() -> list[dict[str, Any]]:
        return [json.loads(line) for line in host.run(f"cat {RECEIVED}").stdout.splitlines()]

    yield received
    host.check_output(f"systemctl stop test-receiver.service; rm -f {RECEIVED} /var/tmp/receiver.py")


@pytest.mark.usefixtures("restored")
def test_a_test_message_arrives(host: Any, inventory: str, receiver: Callable[[], list[dict[str, Any]]]) -> None:
    result = playbook.run(inventory, "--tags", "runtime", *given(f"json://127.0.0.1:{PORT}/{SECRET}"))
    assert result.ok, result.failures
    assert SECRET not in result.text
    done = host.run("mediaserver doctor --notify-test")
    assert (done.rc, done.stderr) == (0, ""), done
    assert SECRET not in done.stdout
    assert [(one["title"], one["message"]) for one in receiver()] == [
        ("Media server", "This is a test of the notifications. They work.")
    ]
    again = playbook.run(inventory, "--tags", "runtime", *given(f"json://127.0.0.1:{PORT}/{SECRET}"))
    assert (again.ok, [task.name for task in again.changed]) == (True, [])


@pytest.mark.usefixtures("restored")
def test_an_arrival_is_announced_by_the_import(
    host: Any, household: Household, inventory: str, receiver: Callable[[], list[dict[str, Any]]]
) -> None:
    """Apprise runs in the unit's sandbox, as an account that cannot read the file with the address."""
    result = playbook.run(inventory, "--tags", "runtime", *given(f"json://127.0.0.1:{PORT}/{SECRET}"))
    assert result.ok, result.failures
    film = Download(host, household, "Sendeschluss.1988.1080p.WEB.mkv")
    folder = "movies/Sendeschluss (1988)"
    try:
        film.add()
        film.wait()
        wait_until_listed(household, f"/media/{folder}/Sendeschluss (1988).mkv")
        assert receiver() == [], "it waits for further arrivals"
        assert wait_for(lambda: host.file(OUTBOX).exists)
        assert SECRET not in host.file(OUTBOX).content_string
        time.sleep(QUIET_S + 5)
        host.check_output("systemctl start mediaserver-import.service")
        assert wait_for(lambda: bool(receiver()), 60), host.run("journalctl --unit mediaserver-import --lines 20")
        assert [(one["title"], one["message"]) for one in receiver()] == [("Media server", "1 new film")]
        assert wait_for(lambda: not host.file(OUTBOX).exists)
    finally:
        host.run(f"mediaserver remove --yes --now '{folder}'")
        session(household, "torrent-remove", {"ids": [film.hash], "delete-local-data": True})
