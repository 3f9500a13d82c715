# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin after a power cut and manual changes: restored files, repaired administrator, another cache folder."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from typing import Any

import playbook
import pytest
from contract import Household

PATIENCE_S = 90
OTHER = "changed-by-hand-7531"
LABELS = "--filter label=com.docker.compose.project=mediaserver --filter label=com.docker.compose.service=jellyfin"
CACHE = "/srv/jellyfin-test/cache"


def container(host: Any) -> str:
    found: str = host.check_output(f"docker ps --all --quiet {LABELS}").strip()
    assert found, "no container of Jellyfin exists"
    return found


def call(host: Any, household: Household, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Send a request with the API key of the Pi; return status and answer."""
    key = host.file(f"{household['mediaserver_root']}/secrets/jellyfin.key").content_string.strip()
    return _curl(host, method, path, body, f'MediaBrowser Token="{key}"')


def log_in(host: Any, name: str, password: str) -> int:
    client = 'MediaBrowser Client="test", Device="test", DeviceId="site-test", Version="1"'
    return _curl(host, "POST", "/Users/AuthenticateByName", {"Username": name, "Pw": password}, client)[0]


def _curl(host: Any, method: str, path: str, body: Any, authorization: str) -> tuple[int, Any]:
    command = [
        *("docker", "exec", container(host), "curl", "--silent", "--write-out", "\n%{http_code}", "--request", method),
        *("--header", f"Authorization: {authorization}", f"http://127.0.0.1:8096{path}"),
    ]
    if body is not None:
        command += ["--header", "Content-Type: application/json", "--data", json.dumps(body)]
    text, _, status = host.check_output(shlex.join(command)).rpartition("\n")
    return int(status), json.loads(text) if text[:1] in ("{", "[") else text


def users(host: Any, household: Household) -> dict[str, dict[str, Any]]:
    return {user["Name"]: user for user in call(host, household, "GET", "/Users")[1]}


def wait_until_healthy(host: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while host.run(f"docker exec {container(host)} curl --silent http://127.0.0.1:8096/health").stdout != "Healthy":
        assert time.monotonic() < deadline, f"not healthy after {PATIENCE_S} s"
        time.sleep(1)


@pytest.fixture
def stopped(host: Any) -> Iterator[str]:
    """Stop vpn-monitor and Jellyfin; return its container."""
    host.check_output("systemctl stop vpn-monitor")
    identifier = container(host)
    host.check_output(f"docker restart --time 60 {identifier}")
    wait_until_healthy(host)
    host.check_output(f"docker stop --time 60 {identifier}")
    yield identifier
    host.run(f"docker start {identifier}")
    host.check_output("systemctl start vpn-monitor")


def test_empty_files_are_restored_at_start(host: Any, household: Household, inventory: str, stopped: str) -> None:
    config = f"{household['mediaserver_root']}/config/jellyfin"
    patterns = "config/encoding.xml config/network.xml root/default/*/options.xml root/default/*/*.mblink"
    names = host.check_output(f"cd {config} && ls -1 {patterns}").splitlines()
    assert len(names) > 2 + 4, "libraries are missing"
    # An older image of the double does not write this file; test_keep_whole.py covers it.
    names += ["data/device.txt"] if host.file(f"{config}/data/device.txt").exists else []
    before = {name: host.file(f"{config}/{name}").content_string for name in names}
    assert all(before.values())
    host.check_output(f"cd {config} && truncate --size 0 {shlex.join(names)}")
    host.check_output(f"docker start {stopped}")
    wait_until_healthy(host)
    assert {name: host.file(f"{config}/{name}").content_string for name in names} == before
    log = host.check_output(f"docker logs --tail 50 {stopped} 2>&1")
    assert [name for name in names if f"{name} was empty or truncated; the copy" not in log] == []
    result = playbook.run(inventory, "--tags", "jellyfin")
    assert result.ok, result.failures
    assert [task.name for task in result.changed] == []


def test_administrator_is_repaired(host: Any, household: Household, inventory: str) -> None:
    name, password = household["jellyfin_admin_user"], household["jellyfin_admin_password"]
    before = set(users(host, household))
    assert log_in(host, name, password) == 200
    identifier = users(host, household)[name]["Id"]
    assert call(host, household, "POST", "/Users/New", {"Name": "second", "Password": OTHER})[0] == 200
    second = users(host, household)["second"]
    try:
        policy = {**second["Policy"], "IsAdministrator": True}
        assert call(host, household, "POST", f"/Users/{second['Id']}/Policy", policy)[0] == 204
        policy = {**users(host, household)[name]["Policy"], "IsAdministrator": False}
        assert call(host, household, "POST", f"/Users/{identifier}/Policy", policy)[0] == 204
        assert call(host, household, "POST", f"/Users/Password?userId={identifier}", {"NewPw": OTHER})[0] == 204
        assert log_in(host, name, password) == 401
        predicted = playbook.run(inventory, "--tags", "jellyfin", "--check")
        assert predicted.ok, predicted.failures
        done = playbook.run(inventory, "--tags", "jellyfin")
        assert done.ok, done.failures
        assert [task.name for task in done.changed] == [task.name for task in predicted.changed]
        assert len(done.changed) == 1
        assert "administrator" in done.changed[0].name
        assert log_in(host, name, password) == 200
        found = users(host, household)
        assert set(found) == {*before, "second"}
        assert (found[name]["Id"], found[name]["Policy"]["IsAdministrator"]) == (identifier, True)
        assert found["second"]["Policy"]["IsAdministrator"] is True
        again = playbook.run(inventory, "--tags", "jellyfin")
        assert again.ok, again.failures
        assert [task.name for task in again.changed] == []
    finally:
        call(host, household, "DELETE", f"/Users/{second['Id']}")


@pytest.mark.faults
def test_other_cache_folder_gets_owner_and_mode(host: Any, household: Household, inventory: str) -> None:
    host.check_output(f"rm -rf {CACHE.rpartition('/')[0]}")
    elsewhere = ("--tags", "stack,jellyfin", "--extra-vars", f"jellyfin_cache={CACHE}")
    try:
        result = playbook.run(inventory, *elsewhere)
        assert result.ok, result.failures
        folder = host.file(CACHE)
        owner = (folder.uid, folder.gid, folder.mode)
        assert owner == (household["mediaserver_uid"], household["mediaserver_gid"], 0o750)
        identifier = container(host)
        assert host.run(f"docker exec {identifier} sh -c 'touch /cache/written && ls /cache/written'").rc == 0
        assert host.file(f"{CACHE}/written").exists
        again = playbook.run(inventory, *elsewhere)
        assert again.ok, again.failures
        assert [task.name for task in again.changed] == []
    finally:
        back = playbook.run(inventory, "--tags", "stack,jellyfin")
        host.check_output(f"rm -rf {CACHE.rpartition('/')[0]}")
        assert back.ok, back.failures
