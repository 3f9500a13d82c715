# SPDX-License-Identifier: GPL-3.0-or-later
"""autoheal and watchtower as services: off by default, their secrets in files, and what is left to vpn-monitor."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.append(str(Path(__file__).resolve().parent))

from rendered_households import ALL, ROLES, content, value

ENTRYPOINTS = ROLES / "stack" / "files" / "entrypoints"
SECRET = "https://hooks.example.org/the-secret-part"
BOTH: dict[str, Any] = {
    "stack_services": [*ALL, "autoheal", "watchtower"],
    "upkeep_autoheal_webhook_url": SECRET,
    "upkeep_watchtower_notification_url": f"generic+{SECRET}",
}


def names(**given: Any) -> list[str]:
    return list(yaml.safe_load(content("compose.yml", **given))["services"])


def test_a_household_has_them_only_where_it_names_them() -> None:
    assert names() == list(ALL)
    assert names(stack_services=[*ALL, "autoheal"]) == [*ALL, "socket-proxy", "autoheal"]
    assert names(stack_services=[*ALL, "watchtower"]) == [*ALL, "socket-proxy", "watchtower"]
    assert names(**BOTH) == [*ALL, "socket-proxy", "autoheal", "watchtower"]


def test_only_the_filter_has_docker_s_socket_and_it_has_no_network() -> None:
    services = yaml.safe_load(content("compose.yml", **BOTH))["services"]
    with_socket = [
        name
        for name, one in services.items()
        if any("docker.sock" in mount["source"] for mount in one.get("volumes", ()))
    ]
    assert with_socket == ["socket-proxy"]
    assert services["socket-proxy"]["network_mode"] == "none"
    assert not {"networks", "ports"} & services["socket-proxy"].keys()
    for client in ("autoheal", "watchtower"):
        sources = [mount["source"] for mount in services[client]["volumes"]]
        assert f"/opt/mediaserver/sockets/{client}" in sources
        assert "ports" not in services[client]
        assert services[client]["cap_drop"] == ["ALL"]


def test_the_holder_and_the_tunnel_are_neither_healed_nor_is_the_holder_updated() -> None:
    services = yaml.safe_load(content("compose.yml", **BOTH))["services"]
    labels = {name: one.get("labels", {}) for name, one in services.items()}
    assert [name for name, found in labels.items() if found.get("autoheal") == "true"] == list(ALL[2:])
    update = {name: found["com.centurylinklabs.watchtower.enable"] for name, found in labels.items()}
    assert [name for name, found in update.items() if found == "true"] == list(ALL[1:])


@pytest.mark.parametrize(
    ("given", "restarted"),
    [
        ({}, list(ALL[1:])),
        ({"stack_services": [*ALL, "watchtower"]}, list(ALL[1:])),
        ({"stack_services": [*ALL, "autoheal"]}, ["wireguard"]),
    ],
)
def test_vpn_monitor_leaves_to_autoheal_what_that_restarts(given: dict[str, Any], restarted: list[str]) -> None:
    monitored = value("__gateway_settings.services", role="gateway", **given)
    assert [one["name"] for one in monitored if one["restart_when_unhealthy"]] == restarted


def test_their_secrets_are_in_files_alone() -> None:
    files = {entry["path"]: (entry["mode"], entry.get("owner")) for entry in value("__stack_secret_files", **BOTH)}
    assert files == {
        "/opt/mediaserver/secrets/autoheal": ("0700", None),
        "/opt/mediaserver/secrets/autoheal/webhook": ("0400", "0"),
        "/opt/mediaserver/secrets/watchtower": ("0700", None),
        "/opt/mediaserver/secrets/watchtower/notification_url": ("0400", "0"),
    }
    assert value("__stack_secrets", **BOTH) == {
        "/opt/mediaserver/secrets/autoheal/webhook": SECRET,
        "/opt/mediaserver/secrets/watchtower/notification_url": f"generic+{SECRET}",
    }
    assert "secret-part" not in content("compose.yml", **BOTH) + content(".env", **BOTH)


def test_another_secret_recreates_the_container() -> None:
    def mark(**given: Any) -> str:
        services = yaml.safe_load(content("compose.yml", **{**BOTH, **given}))["services"]
        return str(services["autoheal"]["labels"]["mediaserver.secrets"])

    assert mark() == mark()
    assert len({mark(), mark(upkeep_autoheal_webhook_url=f"{SECRET}2"), mark(upkeep_autoheal_webhook_url="")}) == 3


@pytest.mark.parametrize(("mode", "only_reports"), [("monitor", "true"), ("update", "false")])
def test_the_mode_is_that_of_watchtower_and_of_the_filter(mode: str, only_reports: str) -> None:
    services = yaml.safe_load(content("compose.yml", **BOTH, upkeep_watchtower_mode=mode))["services"]
    assert services["watchtower"]["environment"]["WATCHTOWER_MONITOR_ONLY"] == only_reports
    assert services["socket-proxy"]["environment"]["WATCHTOWER_MODE"] == mode


def test_without_an_address_watchtower_notifies_nowhere() -> None:
    services = yaml.safe_load(content("compose.yml", stack_services=[*ALL, "watchtower"]))["services"]
    environment = services["watchtower"]["environment"]
    assert "WATCHTOWER_NOTIFICATION_URL" not in environment
    assert (environment["WATCHTOWER_SCHEDULE"], environment["WATCHTOWER_LABEL_ENABLE"]) == ("0 0 4 * * *", "true")


def test_the_sockets_are_in_folders_of_root() -> None:
    folders = {entry["path"]: (entry["owner"], entry["mode"]) for entry in value("__stack_folders", **BOTH)}
    for path in ("sockets", "sockets/autoheal", "sockets/watchtower"):
        assert folders[f"/opt/mediaserver/{path}"] == ("0", "0700")
    assert not [path for path in (entry["path"] for entry in value("__stack_folders")) if "sockets" in path]


def test_the_unit_does_not_wait_for_docker_s_socket() -> None:
    assert "docker.sock" not in value("lookup('ansible.builtin.template', 'mediaserver.service.j2')", **BOTH)


# Stands for the image's own program: it calls curl for the webhook as that does, with the variable unquoted.
PROGRAM = """#!/bin/sh
echo "$@" >>{folder}/calls
set -- curl -X POST -H "Content-type: application/json" -d "{{}}" $WEBHOOK_URL
echo "$@" >>{folder}/calls
[ -z "$WEBHOOK_URL" ] || cat "${{WEBHOOK_URL#-K}}" >>{folder}/conf
"""


@pytest.mark.parametrize("address", [SECRET, ""])
def test_autoheal_s_webhook_is_on_no_command_line(tmp_path: Path, address: str) -> None:
    import socket

    text = (ENTRYPOINTS / "autoheal.sh").read_text()
    for old, new in (
        ("/run/secrets/webhook", f"{tmp_path}/webhook"),
        ("/tmp/webhook.conf", f"{tmp_path}/webhook.conf"),
        ("/docker-entrypoint", f"{tmp_path}/docker-entrypoint"),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "autoheal.sh").write_text(text)
    (tmp_path / "webhook").write_text(address)
    (tmp_path / "docker-entrypoint").write_text(PROGRAM.format(folder=tmp_path))
    (tmp_path / "docker-entrypoint").chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "DOCKER_SOCK": str(tmp_path / "s"), "WEBHOOK_URL": ""}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        done = subprocess.run(["sh", tmp_path / "autoheal.sh"], env=environment, check=False, timeout=10)
    assert done.returncode == 0
    calls = (tmp_path / "calls").read_text()
    assert calls.startswith("autoheal\n")
    assert "secret-part" not in calls
    if address:
        assert f" -K{tmp_path}/webhook.conf\n" in calls
        assert (tmp_path / "conf").read_text() == f'url = "{SECRET}"\n'
        assert stat.S_IMODE((tmp_path / "webhook.conf").stat().st_mode) == 0o600
    else:
        assert not (tmp_path / "webhook.conf").exists()


def test_autoheal_waits_for_the_filter(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DOCKER_SOCK": str(tmp_path / "s")}
    process = subprocess.Popen(["sh", ENTRYPOINTS / "autoheal.sh"], env=environment)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1.5)
    finally:
        process.kill()
        process.wait()
