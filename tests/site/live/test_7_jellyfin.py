# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin after a power cut and after changes by hand: files come back, the administrator is kept, a cache moves."""

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
    assert found, "there is no container of Jellyfin"
    return found


def call(host: Any, house: Household, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One call with the API key of the Pi; status and answer."""
    key = host.file(f"{house['mediaserver_root']}/secrets/jellyfin.key").content_string.strip()
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


def users(host: Any, house: Household) -> dict[str, dict[str, Any]]:
    return {user["Name"]: user for user in call(host, house, "GET", "/Users")[1]}


def wait_until_healthy(host: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while host.run(f"docker exec {container(host)} curl --silent http://127.0.0.1:8096/health").stdout != "Healthy":
        assert time.monotonic() < deadline, f"not healthy after {PATIENCE_S} s"
        time.sleep(1)


@pytest.fixture
def stopped(host: Any) -> Iterator[str]:
    """Jellyfin, stopped as a power cut leaves it; vpn-monitor would start it again at once."""
    host.check_output("systemctl stop vpn-monitor")
    identifier = container(host)
    host.check_output(f"docker restart --time 60 {identifier}")
    wait_until_healthy(host)
    host.check_output(f"docker stop --time 60 {identifier}")
    yield identifier
    host.run(f"docker start {identifier}")
    host.check_output("systemctl start vpn-monitor")


def test_files_that_a_power_cut_emptied_come_back(host: Any, house: Household, inventory: str, stopped: str) -> None:
    config = f"{house['mediaserver_root']}/config/jellyfin"
    patterns = "config/encoding.xml config/network.xml root/default/*/options.xml root/default/*/*.mblink"
    names = host.check_output(f"cd {config} && ls -1 {patterns}").splitlines()
    assert len(names) > 2 + 4, "libraries are missing"
    # A double that was built before it wrote the file has none; test_keep_whole.py has it always.
    names += ["data/device.txt"] if host.file(f"{config}/data/device.txt").exists else []
    before = {name: host.file(f"{config}/{name}").content_string for name in names}
    assert all(before.values())
    host.check_output(f"cd {config} && truncate --size 0 {shlex.join(names)}")
    host.check_output(f"docker start {stopped}")
    wait_until_healthy(host)
    assert {name: host.file(f"{config}/{name}").content_string for name in names} == before
    said = host.check_output(f"docker logs --tail 50 {stopped} 2>&1")
    assert [name for name in names if f"{name} was empty or truncated; the copy" not in said] == []
    result = playbook.run(inventory, "--tags", "jellyfin")
    assert result.ok, result.failures
    assert [task.name for task in result.changed] == []


def test_the_administrator_is_kept(host: Any, house: Household, inventory: str) -> None:
    name, password = house["jellyfin_admin_user"], house["jellyfin_admin_password"]
    before = set(users(host, house))
    assert log_in(host, name, password) == 200
    identifier = users(host, house)[name]["Id"]
    assert call(host, house, "POST", "/Users/New", {"Name": "second", "Password": OTHER})[0] == 200
    second = users(host, house)["second"]
    try:
        policy = {**second["Policy"], "IsAdministrator": True}
        assert call(host, house, "POST", f"/Users/{second['Id']}/Policy", policy)[0] == 204
        policy = {**users(host, house)[name]["Policy"], "IsAdministrator": False}
        assert call(host, house, "POST", f"/Users/{identifier}/Policy", policy)[0] == 204
        assert call(host, house, "POST", f"/Users/Password?userId={identifier}", {"NewPw": OTHER})[0] == 204
        assert log_in(host, name, password) == 401
        predicted = playbook.run(inventory, "--tags", "jellyfin", "--check")
        assert predicted.ok, predicted.failures
        done = playbook.run(inventory, "--tags", "jellyfin")
        assert done.ok, done.failures
        assert [task.name for task in done.changed] == [task.name for task in predicted.changed]
        assert len(done.changed) == 1
        assert "administrator" in done.changed[0].name
        assert log_in(host, name, password) == 200
        found = users(host, house)
        assert set(found) == {*before, "second"}
        assert (found[name]["Id"], found[name]["Policy"]["IsAdministrator"]) == (identifier, True)
        assert found["second"]["Policy"]["IsAdministrator"] is True
        again = playbook.run(inventory, "--tags", "jellyfin")
        assert again.ok, again.failures
        assert [task.name for task in again.changed] == []
    finally:
        call(host, house, "DELETE", f"/Users/{second['Id']}")


@pytest.mark.faults
def test_a_cache_elsewhere_is_made_with_the_right_owner(host: Any, house: Household, inventory: str) -> None:
    host.check_output(f"rm -rf {CACHE.rpartition('/')[0]}")
    elsewhere = ("--tags", "stack,jellyfin", "--extra-vars", f"jellyfin_cache={CACHE}")
    try:
        result = playbook.run(inventory, *elsewhere)
        assert result.ok, result.failures
        folder = host.file(CACHE)
        owner = (folder.uid, folder.gid, folder.mode)
        assert owner == (house["mediaserver_uid"], house["mediaserver_gid"], 0o750)
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
