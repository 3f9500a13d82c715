# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a household reach the services unchanged, or are refused before anything changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import playbook
import pytest
from contract import ROOT, Containers, Household

pytestmark = pytest.mark.faults

DAEMON = "/etc/docker/daemon.json"
# Runs preflight only, which has the tag always.
PREFLIGHT = ("--tags", "none")
PEER = "\n[Peer]\nPublicKey = {key}\nAllowedIPs = 0.0.0.0/0\nEndpoint = {endpoint}\n"


def provider(household: Household) -> str:
    return str(household["gateway_provider_config"])


def second_peer(household: Household) -> str:
    """Return the provider's file with a dead server as its first peer."""
    interface, mark, peers = provider(household).partition("[Peer]")
    other = "AV9+a8Wur0g3JAieklLME7UJUaa2lBJSJ2XP9NeAMG4="
    dead = PEER.format(key=other, endpoint="198.51.100.77:51820").lstrip()
    return f"{interface}{dead}\n{mark}{peers}"


def given(**variables: Any) -> tuple[str, str]:
    return "--extra-vars", json.dumps(variables)


@pytest.fixture
def restored(inventory: str) -> Iterator[None]:
    yield
    result = playbook.run(inventory)
    assert result.ok, result.failures


def active(host: Any) -> str:
    return str(json.loads(host.check_output("cat /var/lib/mediaserver/vpn/endpoints.json"))["active"])


@pytest.mark.usefixtures("restored")
def test_new_order_of_servers_keeps_active_one(host: Any, inventory: str, household: Household) -> None:
    before = active(host)
    wanted = given(gateway_provider_config=second_peer(household))
    first = playbook.run(inventory, *wanted)
    assert first.ok, first.failures
    assert active(host) == before
    assert f"the tunnel stays with {before}, which is in use" in first.text
    second = playbook.run(inventory, *wanted)
    assert second.ok, second.failures
    assert second.stats["changed"] == 0, [task.name for task in second.changed]
    assert f"the tunnel stays with {before}, which is in use" in second.text


@pytest.mark.usefixtures("restored")
def test_keepalive_of_provider_reaches_wireguard(
    host: Any, inventory: str, household: Household, containers: Containers
) -> None:
    text = "\n".join(line for line in provider(household).splitlines() if "PersistentKeepalive" not in line)
    text = text.replace("[Peer]", "[Peer]\nPersistentKeepalive = 17")
    result = playbook.run(inventory, *given(gateway_provider_config=text))
    assert result.ok, result.failures
    assert "PersistentKeepalive = 17" in host.check_output("cat /opt/mediaserver/gateway/run/tunnel/wg0.conf")
    output = host.check_output(
        "docker ps --quiet --filter label=com.docker.compose.project=mediaserver"
        " --filter label=com.docker.compose.service=wireguard | head -1 | xargs -I{} docker exec {} wg show wg0"
    )
    assert "persistent keepalive: every 17 seconds" in output


def test_unused_setting_is_reported_and_changes_nothing(inventory: str, household: Household) -> None:
    text = provider(household).replace("[Peer]", "ListenPort = 4000\n[Peer]", 1)
    result = playbook.run(inventory, *given(gateway_provider_config=text), *PREFLIGHT)
    assert result.ok, result.failures
    assert "ListenPort is not used: the tunnel only opens outgoing connections" in result.text
    assert result.stats["changed"] == 0


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"mediaserver_ipv6": True, "gateway_mtu": 1200}, "the MTU is not a number from 1280 to 1500"),
        ({"docker_daemon_options": {"userns-remap": "default"}}, "docker_daemon_options: it sets userns-remap"),
        ({"mediaserver_timezone": "America/Argentina"}, "is a folder of time zones"),
        ({"mediaserver_timezone": "US/Eastern"}, "write America/New_York"),
        ({"mediaserver_lan": ["0.0.0.0/1", "128.0.0.0/1"]}, "the whole internet"),
        ({"transmission_peer_port": None}, "transmission_peer_port: it is left blank"),
        (
            {"jackett_settings": {"FlareSolverrUrl": "http://192.168.1.5:8191"}},
            "FlareSolverrUrl is an address on the LAN",
        ),
        ({"transmission_settings": {"rpc-whitelist-enabled": True}}, "rpc-whitelist-enabled must stay False"),
        ({"jellyfin_metadata_country": False}, "jellyfin_metadata_country: it must be a text, but YAML reads true or"),
    ],
)
def test_invalid_value_is_refused_before_changes(inventory: str, variables: dict[str, Any], words: str) -> None:
    result = playbook.run(inventory, *given(**variables))
    assert not result.ok, "it was accepted"
    assert words in result.failures
    assert result.stats["changed"] == 0, [task.name for task in result.changed]


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"userns-remap": "default"}', "it sets userns-remap to 'default'"), ("{", "is not valid JSON")],
)
def test_invalid_daemon_json_is_refused_before_changes(host: Any, inventory: str, text: str, words: str) -> None:
    host.check_output(f"cp -a {DAEMON} {DAEMON}.kept && printf %s '{text}' > {DAEMON}")
    try:
        result = playbook.run(inventory)
    finally:
        host.check_output(f"mv {DAEMON}.kept {DAEMON}")
    assert not result.ok, "it was accepted"
    assert DAEMON in result.failures and words in result.failures
    assert result.stats["changed"] == 0, [task.name for task in result.changed]


@pytest.fixture
def copied(inventory: str, household: Household) -> Iterator[Path]:
    """A copy of the inventory with a host_vars folder, in build/ because the lab's description is found from there."""
    folder = ROOT / "build" / "inventory-of-test"
    shutil.copytree(inventory, folder, dirs_exist_ok=True)
    own = folder / "host_vars" / str(household["inventory_hostname"])
    own.mkdir(parents=True, exist_ok=True)
    yield own
    shutil.rmtree(folder)


def test_faults_in_inventory_files_are_reported_with_line(copied: Path) -> None:
    inventory = str(copied.parents[1])
    (copied / "vault.yml").write_text('vault_transmission_password: "secret-7531"\n')
    (copied / "main.yml").write_text("---\ntransmission_settings: {speed-limit-up: 0500}\n")
    result = playbook.run(inventory, *PREFLIGHT)
    assert not result.ok, "it was accepted"
    assert "main.yml, line 2: YAML reads 0500 as the number 320" in result.failures
    assert "vault.yml: it contains secrets and is not encrypted" in result.text
    (copied / "main.yml").write_text('---\ntransmission_password: "a{{b"\n')
    result = playbook.run(inventory, *PREFLIGHT)
    assert not result.ok, "it was accepted"
    assert "main.yml, line 2: it contains {{" in result.failures and "!unsafe" in result.failures
    (copied / "main.yml").write_text("---\ntransmission_settings: {speed-limit-up: 500}\n")
    (copied / "vault.yml").unlink()
    result = playbook.run(inventory, *PREFLIGHT)
    assert result.ok, result.failures
    assert "not encrypted" not in result.text
