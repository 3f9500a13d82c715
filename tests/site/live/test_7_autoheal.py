# SPDX-License-Identifier: GPL-3.0-or-later
"""autoheal and watchtower behind the filter of Docker's socket, on a Pi.

Simulated: the two programs themselves, by a stand-in that makes the calls that are known of them. The filter is real.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import playbook
import pytest
from contract import Household, name_of

SERVICES = ["vpn", "wireguard", "transmission", "jackett", "jellyfin"]
SECRET = "s3cr3t-of-the-webhook"
PATIENCE_S = 90.0


def given(mode: str) -> str:
    return json.dumps(
        {
            "stack_services": [*SERVICES, "autoheal", "watchtower"],
            "upkeep_socket_proxy_image": "{{ demo_lab.images.haproxy }}",
            "upkeep_autoheal_image": "{{ demo_lab.images.dockerclient }}",
            "upkeep_watchtower_image": "{{ demo_lab.images.dockerclient }}",
            "upkeep_autoheal_interval": 2,
            "upkeep_autoheal_start_period": 0,
            "upkeep_autoheal_webhook_url": f"http://127.0.0.1:9/{SECRET}",
            "upkeep_watchtower_mode": mode,
            "upkeep_watchtower_notification_url": f"generic://127.0.0.1:9/{SECRET}",
        }
    )


def ask(address: str, path: str) -> str:
    """Return a command on the Pi that succeeds when the filter answers a call with 200."""
    program = (
        "import socket,sys; line = socket.socket(socket.AF_UNIX); line.settimeout(5); line.connect(sys.argv[1]);"
        " line.sendall(f'GET {sys.argv[2]} HTTP/1.0\\r\\n\\r\\n'.encode()); sys.exit(b' 200 ' not in line.recv(64))"
    )
    return f'python3 -c "{program}" {address} {path}'


def wait_for(what: str, condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not after {seconds} s: {what}"
        time.sleep(1.0)


def log(host: Any, service: str) -> str:
    return str(host.check_output(f"docker logs {name_of(service)} 2>&1"))


@pytest.fixture(scope="module")
def monitored(inventory: str) -> Iterator[None]:
    result = playbook.run(inventory, "--extra-vars", given("monitor"))
    assert result.ok, result.failures
    again = playbook.run(inventory, "--extra-vars", given("monitor"))
    assert (again.ok, again.stats["changed"]) == (True, 0), again.changed
    yield
    removed = playbook.run(inventory)
    assert removed.ok, removed.failures


@pytest.mark.usefixtures("monitored")
def test_each_client_reaches_what_it_needs_and_no_more(host: Any) -> None:
    wait_for("watchtower's calls", lambda: "\ndone" in log(host, "watchtower"))
    text = log(host, "watchtower")
    assert "HEAD /_ping 200" in text
    assert "GET /v1.45/containers/json 200" in text
    looked = [line.removeprefix("looks at ") for line in text.splitlines() if line.startswith("looks at ")]
    assert sorted(looked) == sorted(name for name in SERVICES if name != "vpn")
    for path in ("/v1.45/images/create", "/v1.45/containers/create", "/v1.45/secrets"):
        assert next(line for line in text.splitlines() if f" {path} " in line).endswith(" 403")
    archives = [line for line in text.splitlines() if "/archive " in line]
    assert archives and all(line.endswith(" 403") for line in archives)
    assert "/archive" in log(host, "socket-proxy")


@pytest.mark.usefixtures("monitored")
def test_autoheal_restarts_an_unhealthy_service_and_vpn_monitor_does_not(host: Any) -> None:
    name = name_of("jackett")
    started = host.check_output(f"docker inspect --format '{{{{.State.StartedAt}}}}' {name}")
    begin = host.check_output("date +%s")
    # The program no longer answers; the container runs.
    host.check_output(f"docker kill --signal STOP {name}")
    try:
        wait_for(
            "autoheal restarts Jackett",
            lambda: host.check_output(f"docker inspect --format '{{{{.State.StartedAt}}}}' {name}") != started,
            180.0,
        )
    finally:
        host.run(f"docker kill --signal CONT {name}")
    assert "/restart 204" in log(host, "autoheal")
    journal = host.check_output(f"journalctl --unit vpn-monitor --since @{begin} --no-pager")
    assert "restart jackett" not in journal


@pytest.mark.usefixtures("monitored")
def test_their_secrets_are_in_files_alone(host: Any, household: Household) -> None:
    root = household["mediaserver_root"]
    assert SECRET in host.check_output(f"cat {root}/secrets/autoheal/webhook"), "the control"
    shown = host.check_output(f"docker inspect {name_of('autoheal')} {name_of('watchtower')}")
    shown += host.check_output(f"cat {root}/compose.yml {root}/.env; ps -eo args")
    assert SECRET not in shown


@pytest.mark.usefixtures("monitored")
def test_no_other_account_of_the_host_reaches_the_filter(host: Any, household: Household) -> None:
    socket = f"{household['mediaserver_root']}/sockets/watchtower/docker.sock"
    assert host.run(ask(socket, "/_ping")).rc == 0, "the control"
    assert host.run(f"runuser -u {household['mediaserver_user']} -- {ask(socket, '/_ping')}").rc != 0


@pytest.mark.faults
@pytest.mark.usefixtures("monitored")
def test_after_a_restart_of_docker_the_filter_works_again(host: Any, household: Household) -> None:
    host.check_output("systemctl restart docker.service")
    socket = f"{household['mediaserver_root']}/sockets/autoheal/docker.sock"
    wait_for("the filter", lambda: host.run(ask(socket, "/containers/json")).rc == 0)


@pytest.mark.faults
def test_update_opens_what_updating_needs(host: Any, inventory: str, monitored: None) -> None:
    result = playbook.run(inventory, "--extra-vars", given("update"))
    assert result.ok, result.failures
    wait_for("watchtower's calls", lambda: "\ndone" in log(host, "watchtower"))
    text = log(host, "watchtower").splitlines()
    # Docker itself answers: there is no such registry, and the request has no body.
    assert not [line for line in text if line.startswith("POST /v1.45/images/create 403")]
    assert not [line for line in text if line.startswith("POST /v1.45/containers/create 403")]
    assert [line for line in text if line.startswith("GET /v1.45/secrets")] == ["GET /v1.45/secrets 403"]
    back = playbook.run(inventory, "--extra-vars", given("monitor"))
    assert back.ok, back.failures
