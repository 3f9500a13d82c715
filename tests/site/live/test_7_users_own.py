# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own containers stay unchanged; foreign objects with names that the collection needs are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import household_lab
import playbook
import pytest
import topology
from contract import Containers, Household, name_of

# Names of services, and of the wizard's container in an earlier version.
NAMES = ("jellyfin", "transmission", "vpn", "jellyfin-claim")
STATE = "{{.Id}} {{.State.StartedAt}} {{.State.Running}} {{.RestartCount}}"


@pytest.fixture(scope="module")
def image(containers: Containers) -> str:
    """An image that exists on the Pi."""
    return str(containers["vpn"]["Config"]["Image"])


def states(host: Any, *names: str) -> list[str]:
    return str(host.check_output(f"docker inspect --format '{STATE}' {' '.join(names)}")).splitlines()


@pytest.fixture
def users_own(host: Any, image: str) -> Iterator[list[str]]:
    """Containers with the services' names, with and without a compose project of the user; each has a file."""
    for name in NAMES:
        labels = "--label com.docker.compose.project=tv --label com.docker.compose.service=jellyfin"
        host.check_output(
            f"docker run --detach --name {name} {labels if name == 'jellyfin' else ''} --entrypoint sh {image}"
            " -c 'echo mine > /mine; exec sleep infinity'"
        )
    yield states(host, *NAMES)
    host.check_output(f"docker rm --force {' '.join(NAMES)}")


def test_run_of_wizard_leaves_users_containers_alone(
    host: Any, household: Household, inventory: str, users_own: list[str]
) -> None:
    host.check_output(f"rm {household['mediaserver_root']}/secrets/jellyfin.key")
    result = playbook.run(inventory)
    assert result.ok, result.failures
    assert [task.name for task in result.changed if "Start Jellyfin without published ports" in task.name], "no wizard"
    assert states(host, *NAMES) == users_own
    for name in NAMES:
        assert host.check_output(f"docker exec {name} cat /mine") == "mine"
    again = playbook.run(inventory)
    assert again.ok, again.failures
    assert [task.name for task in again.changed] == []
    assert states(host, *NAMES) == users_own


def test_users_containers_run_after_docker_restart(host: Any, inventory: str, users_own: list[str]) -> None:
    since = host.check_output("systemctl show --property ActiveEnterTimestampMonotonic docker")
    for options in ({"docker_log_max_files": 5}, {}):
        result = playbook.run(inventory, "--tags", "docker", "--extra-vars", json.dumps(options))
        assert result.ok, result.failures
    assert host.check_output("systemctl show --property ActiveEnterTimestampMonotonic docker") != since
    assert [line.split()[2] for line in states(host, *NAMES)] == ["true"] * len(NAMES)
    assert [line.split()[0] for line in states(host, *NAMES)] == [line.split()[0] for line in users_own]


def refused(inventory: str, words: str, variables: dict[str, Any] | None = None) -> None:
    result = playbook.run(inventory, "--extra-vars", json.dumps(variables or {}))
    assert not result.ok, "it was accepted"
    assert words in result.failures
    assert result.stats["changed"] == 0, [task.name for task in result.changed]


PROJECT = "--label com.docker.compose.project=mediaserver --label com.docker.compose.service=plex"
CONTAINERS = {
    "a name of the project": (
        "mediaserver-backup",
        "",
        "container mediaserver-backup: its name begins with mediaserver-",
    ),
    "a project of the same name": (
        "plex",
        f"{PROJECT} --label com.docker.compose.project.working_dir=/home/pi/mediaserver",
        "compose project mediaserver: another project of this name has containers (plex) and is in"
        " /home/pi/mediaserver, not in /opt/mediaserver",
    ),
}


@pytest.mark.parametrize(("name", "options", "words"), CONTAINERS.values(), ids=CONTAINERS.keys())
def test_foreign_container_is_refused_and_unchanged(
    host: Any, inventory: str, image: str, name: str, options: str, words: str
) -> None:
    # reload brings up the project, as vpn-monitor does when a container is missing; it must not remove this one.
    host.check_output(f"docker run --detach --name {name} {options} --entrypoint sleep {image} infinity")
    try:
        before = states(host, name)
        refused(inventory, words)
        host.check_output("systemctl reload mediaserver")
        assert states(host, name) == before
    finally:
        host.check_output(f"docker rm --force {name}")


@pytest.mark.faults
def test_network_with_overlapping_subnet_is_refused(host: Any, inventory: str) -> None:
    host.check_output("docker network create --subnet 172.29.254.0/24 old")
    try:
        refused(inventory, "overlaps 172.29.254.0/24 of the Docker network old", {"gateway_subnet": "172.29.0.0/16"})
        assert host.check_output("docker network inspect --format '{{.Name}}' old") == "old"
    finally:
        host.check_output("docker network rm old")


def test_a_port_of_a_container_of_the_users_is_refused(host: Any, inventory: str, image: str) -> None:
    host.check_output(f"docker run --detach --name plex --publish 18096:80 --entrypoint sleep {image} infinity")
    try:
        ports = {"transmission": 9091, "jackett": 9117, "jellyfin": 18096}
        refused(inventory, "port 18096 is used by container plex", {"mediaserver_ports": ports})
        refused(inventory, "port 18096 is used by container plex", {"jellyfin_https_port": 18096})
    finally:
        host.check_output("docker rm --force plex")


@pytest.mark.faults
def test_other_project_folder_is_refused_while_project_runs(inventory: str) -> None:
    refused(inventory, "and is in /opt/mediaserver, not in /srv/other", {"mediaserver_root": "/srv/other"})


def test_own_port_is_accepted_while_container_restarts(host: Any, household: Household, inventory: str) -> None:
    """As after a power cut during the first start: the wizard is not completed, and compose.yml is missing."""
    root = household["mediaserver_root"]
    host.check_output("systemctl stop vpn-monitor")
    host.check_output(f"docker stop {name_of('jellyfin')} && rm {root}/secrets/jellyfin.key")
    host.check_output(f"find {root}/config/jellyfin -mindepth 1 -delete")
    host.check_output(f"mv {root}/compose.yml {root}/compose.kept && docker start {name_of('jellyfin')}")
    try:
        for _time in range(4):
            result = playbook.run(inventory, "--tags", "always")
            assert result.ok, result.failures
    finally:
        host.check_output(f"mv {root}/compose.kept {root}/compose.yml")
    result = playbook.run(inventory)
    assert result.ok, result.failures
    again = playbook.run(inventory)
    assert again.ok, again.failures
    assert [task.name for task in again.changed] == []


@pytest.fixture
def listener(lab_household: topology.LabHousehold) -> Iterator[str]:
    """A program on the laptop that listens on the services' ports and logs requests; return the path of its log."""
    log = "/tmp/requests"
    ports = "9091 9117 8096"
    program = (
        "import http.server as h, sys, threading as t\n"
        "class H(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        f"        open('{log}', 'a').write(self.requestline + ' ' + str(self.headers) + chr(10))\n"
        "        self.send_response(401); self.end_headers()\n"
        "    do_POST = do_GET\n"
        "    def log_message(self, *a): pass\n"
        "servers = [h.ThreadingHTTPServer(('', int(p)), H) for p in sys.argv[1:]]\n"
        "for s in servers[1:]: t.Thread(target=s.serve_forever, daemon=True).start()\n"
        "servers[0].serve_forever()\n"
    )
    household_lab.on_laptop(lab_household, "sh", "-c", f"cat > /tmp/listener.py; : > {log}", stdin=program)
    start = f"python3 /tmp/listener.py {ports} > /dev/null 2>&1 & echo $!"
    pid = household_lab.on_laptop(lab_household, "sh", "-c", start).strip()
    yield log
    household_lab.on_laptop(lab_household, "sh", "-c", f"kill {pid}; rm -f {log} /tmp/listener.py")


def test_no_credentials_are_sent_to_other_host_with_bind_address(
    host: Any, lab_household: topology.LabHousehold, inventory: str, listener: str
) -> None:
    """Preflight refuses such an address; without preflight, the modules do not use it."""
    wrong = {"mediaserver_bind_address": lab_household.laptop}
    refused(inventory, f"{lab_household.laptop} is not an address of this host", wrong)
    for role in ("transmission", "jackett", "jellyfin"):
        result = playbook.run(inventory, "--tags", role, "--skip-tags", "always", "--extra-vars", json.dumps(wrong))
        assert result.ok, result.failures
    assert household_lab.on_laptop(lab_household, "cat", listener) == ""
    # The control: the listener logs requests from the Pi. Without the real password, which would be in the journal.
    for port in (9091, 9117, 8096):
        request = f"r.Request('http://{lab_household.laptop}:{port}/', headers={{'Authorization': 'Basic control'}})"
        host.run(f'python3 -c "import urllib.request as r; r.urlopen({request}, timeout=5)"')
    assert household_lab.on_laptop(lab_household, "cat", listener).count("Authorization: Basic") == 3
