# SPDX-License-Identifier: GPL-3.0-or-later
"""The health check on the Pi: what it says is what happened; and that no fault of the host keeps it from its end."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from contract import Household, name_of
from rpc import session

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "roles" / "runtime" / "files" / "lib"))

from mediaserver.health.outputs import LOGIN_MESSAGE  # noqa: E402  (the path above must be set first)
from mediaserver.health.report import INTERVAL_S, SCHEMA  # noqa: E402

STATUS = "/var/lib/mediaserver/status.json"
MEMORY = "/var/lib/mediaserver/health/state.json"
SETTINGS = "/opt/mediaserver/health.json"
CRON = "/etc/cron.d/mediaserver"
METRICS = "/var/lib/prometheus/node-exporter"
AS_DAEMON = "runuser -u daemon -- "
# A simulated Pi has the clock of its host, and perhaps no time server; and what its disk has free is the host's.
OF_THE_LAB = {"clock", "disk-space", "system-space", "jellyfin-space", "memory", "temperature", "reboot"}
PATIENCE_S = 90.0


def check(host: Any) -> dict[str, Any]:
    """Make a health check, after one of cron that may run, and return its result."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = host.run("mediaserver health --json")
        if done.rc in (0, 3):
            found: dict[str, Any] = json.loads(done.stdout)
            jsonschema.validate(found, SCHEMA)
            return found
        assert "another health check runs" in done.stderr, done
        assert time.monotonic() < deadline, done
        time.sleep(1)


def states(found: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["state"] for one in found["checks"]}


def row(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = (one for one in found["checks"] if one["id"] == name)
    return dict(one)


def wait_for(host: Any, holds: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE_S) -> dict[str, Any]:
    """Check until a condition holds. Raises AssertionError with the last result."""
    deadline = time.monotonic() + seconds
    while not holds(found := check(host)):
        assert time.monotonic() < deadline, found
        time.sleep(2)
    return found


@pytest.fixture
def settings(host: Any) -> Iterator[Callable[..., None]]:
    """Change settings of the health check, and put them back."""
    before = host.check_output(f"cat {SETTINGS}")

    def change(**values: Any) -> None:
        text = json.dumps({**json.loads(before), **values})
        host.check_output(f"printf %s {shlex.quote(text)} >{SETTINGS}")

    yield change
    host.check_output(f"printf %s {shlex.quote(before)} >{SETTINGS}")


# --- The good case.


def test_on_a_converged_pi_all_is_well(host: Any, household: Household) -> None:
    found = wait_for(
        host, lambda found: not {n for n, s in states(found).items() if s in ("bad", "warning")} - OF_THE_LAB
    )
    measured = states(found)
    assert {f"service-{name}" for name in household.services} <= set(measured)
    wanted = {
        *("vpn-tunnel", "vpn-outer-barrier", "vpn-inner-barrier", "vpn-drops", "vpn-forwarding", "units", "docker"),
        *("transmission-access", "jackett-reachable", "jellyfin-health", "jellyfin-libraries"),
        *("jellyfin-administrator", "playback", "import-waiting", "import-troubles", "watch-folder"),
        *("disk-mounted", "disk-downloads", "disk-inodes", "disk-read-only", "health-check"),
        *(f"service-{name}" for name in household.services),
    }
    assert {name: measured[name] for name in wanted if measured[name] != "ok"} == {}
    # Neither a household's titles nor its users are in it.
    text = json.dumps(found)
    assert household["jellyfin_admin_user"] not in re.findall(r"\w+", text)


def test_the_result_is_for_every_account_and_its_memory_is_not(host: Any) -> None:
    found = check(host)
    assert json.loads(host.check_output(f"{AS_DAEMON}cat {STATUS}")) == found
    assert host.run(f"{AS_DAEMON}cat {MEMORY}").rc != 0
    assert host.run(f"{AS_DAEMON}cat {SETTINGS}").rc != 0
    told = json.loads(host.run(f"{AS_DAEMON}mediaserver status --json").stdout)["health"]
    assert (told["checked"], told["trouble"]) == (found["checked"], "")


def test_cron_runs_it(host: Any) -> None:
    assert host.service("cron").is_running
    (job,) = (line for line in host.check_output(f"cat {CRON}").splitlines() if line.startswith("*"))
    assert job.startswith(f"*/{INTERVAL_S // 60} * * * * root ")
    before = check(host)["since_boot_s"]
    command = job.split(maxsplit=6)[6]
    done = host.run(f"env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c {shlex.quote(command)}")
    assert (done.stdout, done.stderr) == ("", "")
    assert json.loads(host.check_output(f"cat {STATUS}"))["since_boot_s"] > before


def test_a_stopped_service_is_named_in_status_and_journal(host: Any) -> None:
    wait_for(host, lambda found: states(found)["service-jackett"] == "ok")
    begin = host.check_output("sleep 1; date '+%Y-%m-%d %H:%M:%S'")
    as_cron_does = "systemd-cat --identifier=mediaserver-health mediaserver health --quiet"
    # vpn-monitor would start it again within seconds.
    host.check_output("systemctl stop vpn-monitor.service")
    try:
        host.check_output(f"docker stop {name_of('jackett')}")
        for _run in range(3):
            host.run(as_cron_does)
        found = check(host)
        assert row(found, "service-jackett")["text"] == "it does not run (exited)"
        assert states(found)["units"] == "bad"
        assert states(found)["vpn-tunnel"] == "unknown", "what vpn-monitor has said is old now"
        shown = host.run("mediaserver status").stdout
        assert "BAD: service Jackett: it does not run (exited)" in shown
        assert "    -> see why: sudo mediaserver logs jackett" in shown
        assert "service Jackett" in host.check_output(f"cat {LOGIN_MESSAGE}")
    finally:
        host.check_output("systemctl start vpn-monitor.service")
    wait_for(host, lambda found: states(found)["service-jackett"] == "ok" and states(found)["units"] == "ok")
    journal = f"journalctl --no-pager --output cat --identifier mediaserver-health --since '{begin}'"
    lines = host.check_output(f"{journal} --priority warning").splitlines()
    assert lines.count("service Jackett: problem: it does not run (exited)") == 1, lines


def test_downloads_stop_on_a_full_disk_and_go_on(
    host: Any, household: Household, settings: Callable[..., None]
) -> None:
    magnet = "magnet:?xt=urn:btih:" + "a5" * 20
    session(household, "torrent-add", {"filename": magnet, "paused": False})
    fields = {"ids": ["a5" * 20], "fields": ["status"]}

    def status() -> int:
        return int(session(household, "torrent-get", fields)["torrents"][0]["status"])

    try:
        assert status() in (3, 4), "the test proves nothing"
        seeds = {"fields": ["hashString", "status", "leftUntilDone"]}
        before = [one for one in session(household, "torrent-get", seeds)["torrents"] if not one["leftUntilDone"]]
        settings(disk_stop_percent=1, disk_resume_percent=0)
        found = check(host)
        assert (states(found)["disk-downloads"], status()) == ("warning", 0)
        after = {one["hashString"]: one["status"] for one in session(household, "torrent-get", seeds)["torrents"]}
        running = {one["hashString"]: one["status"] for one in before if one["hashString"] != "a5" * 20}
        assert {name: after[name] for name in running} == running, "a seed was touched"
        settings(disk_stop_percent=101, disk_resume_percent=100)
        found = check(host)
        assert (states(found)["disk-downloads"], status() in (3, 4)) == ("ok", True)
    finally:
        session(household, "torrent-remove", {"ids": ["a5" * 20], "delete-local-data": True})


def test_the_exit_address_is_another_one(host: Any, household: Household, settings: Callable[..., None]) -> None:
    settings(address_pages=[household["gateway_address_page"]])
    # A change of the tunnel's state file has it measured again, however young the last answer is.
    host.check_output("touch /run/mediaserver/vpn.json")
    found = wait_for(host, lambda found: row(found, "vpn-exit")["state"] != "unknown")
    assert row(found, "vpn-exit")["state"] == "ok"
    settings(address_pages=["http://192.0.2.1/"])
    host.check_output("touch /run/mediaserver/vpn.json")
    assert row(check(host), "vpn-exit")["state"] == "unknown", "offline is no leak"


def test_metrics_are_written_where_the_exporter_looks(host: Any) -> None:
    host.check_output(f"rm -rf {METRICS}; mkdir -p {METRICS}")
    try:
        found = check(host)
        assert host.check_output(f"ls -A {METRICS}") == "mediaserver.prom"
        text = host.check_output(f"cat {METRICS}/mediaserver.prom")
        assert len(re.findall(r"^mediaserver_check_state\{", text, re.MULTILINE)) == len(found["checks"])
    finally:
        host.check_output(f"rm -rf {METRICS}")


# --- Faults.


@pytest.mark.faults
def test_with_docker_s_socket_dead_the_rest_is_checked(host: Any) -> None:
    host.check_output("systemctl stop vpn-monitor.service; mv /run/docker.sock /run/docker.sock.away")
    try:
        found = states(check(host))
        assert found["docker"] == "bad"
        assert {state for name, state in found.items() if name.startswith("service-")} == {"unknown"}
        assert (found["jellyfin-health"], found["disk-mounted"], found["transmission-access"]) == ("ok",) * 3
    finally:
        host.check_output("mv /run/docker.sock.away /run/docker.sock; systemctl start vpn-monitor.service")
    wait_for(host, lambda found: states(found)["docker"] == "ok")


@pytest.mark.faults
@pytest.mark.parametrize("content", ["", "{", "\\000\\000", '{"version": 99}'])
def test_a_damaged_result_is_written_again(host: Any, content: str) -> None:
    host.check_output(f"printf '{content}' >{STATUS}")
    told = json.loads(host.run("mediaserver status --json").stdout)["health"]
    assert "is damaged" in told["trouble"] or content == ""
    found = check(host)
    assert json.loads(host.check_output(f"cat {STATUS}")) == found


@pytest.mark.faults
def test_a_damaged_memory_is_kept_aside(host: Any) -> None:
    check(host)
    host.check_output(f"printf garbage >{MEMORY}")
    try:
        check(host)
        assert host.check_output(f"cat {MEMORY}.damaged") == "garbage"
        assert json.loads(host.check_output(f"cat {MEMORY}"))["run"] >= 1
    finally:
        host.run(f"rm -f {MEMORY}.damaged")


@pytest.mark.faults
@pytest.mark.parametrize("answer", ["sleep 60", "printf 'VCHI initialization failed'; exit 255", "printf '\\377\\000'"])
def test_a_vcgencmd_that_hangs_or_lies_is_unknown(host: Any, answer: str) -> None:
    program = "/usr/local/bin/vcgencmd"
    host.check_output(f"printf '#!/bin/sh\\n%s\\n' {shlex.quote(answer)} >{program}; chmod 755 {program}")
    try:
        begun = time.monotonic()
        found = check(host)
        assert time.monotonic() - begun < 60
        assert states(found)["power"] == "unknown"
        assert states(found)["docker"] == "ok"
    finally:
        host.check_output(f"rm {program}")


@pytest.mark.faults
def test_a_wrong_password_is_tried_once(host: Any, household: Household) -> None:
    path = "/opt/mediaserver/gateway/transmission.json"
    before = host.check_output(f"cat {path}")
    wrong = json.dumps({**json.loads(before), "password": "not-the-password"})
    host.check_output(f"systemctl stop vpn-monitor.service; printf %s {shlex.quote(wrong)} >{path}")
    try:
        texts = [row(check(host), "transmission-access")["text"] for _run in range(3)]
        assert "refuses the credentials" in texts[0]
        assert all("not tried again" in text for text in texts[1:])
        assert not any("not-the-password" in text for text in texts)
    finally:
        host.check_output(f"printf %s {shlex.quote(before)} >{path}; systemctl start vpn-monitor.service")
    wait_for(host, lambda found: states(found)["transmission-access"] == "ok")


@pytest.mark.faults
def test_secrets_are_in_no_result(host: Any, household: Household) -> None:
    check(host)
    key = host.check_output("cat /opt/mediaserver/secrets/jellyfin.key").strip()
    texts = "".join(host.run(f"cat {path}").stdout for path in (STATUS, MEMORY, str(LOGIN_MESSAGE)))
    journal = host.check_output("journalctl --no-pager --identifier mediaserver-health")
    for secret in (key, household["transmission_password"], household["jellyfin_admin_password"]):
        assert secret not in texts + journal
