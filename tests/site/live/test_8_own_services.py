# SPDX-License-Identifier: GPL-3.0-or-later
"""A household's own services: two real daemons that use each other, one in each namespace."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import household_lab
import playbook
import pytest
import rpc
import topology
from contract import Containers, Household
from own_services import (
    INSIDE,
    INSIDE_PORT,
    INSIDE_PUBLISHED,
    OUTSIDE,
    OUTSIDE_PORT,
    OUTSIDE_PUBLISHED,
    SECRET,
    own_services,
)

PATIENCE_S = 90
BRIDGE_ADDRESS, HOLDER_ADDRESS = "172.31.254.1", "172.31.254.2"
# The command shows that it has run: aria2 takes another port for torrents only when it starts.
PORT = {"file": "/config/port", "command": ["sh", "-c", "cp /config/port /config/taken"]}
FILE = "own-services.txt"


def run(inventory: str, services: list[dict[str, Any]], *arguments: str) -> playbook.Run:
    return playbook.run(inventory, *arguments, "--extra-vars", json.dumps({"mediaserver_extra_services": services}))


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not after {PATIENCE_S} s: {what}"
        time.sleep(1)


@pytest.fixture(scope="module")
def given() -> list[dict[str, Any]]:
    return own_services(forwarded_port=PORT)


@pytest.fixture(scope="module")
def added(host: Any, household: Household, inventory: str, given: list[dict[str, Any]]) -> Iterator[playbook.Run]:
    result = run(inventory, given)
    assert result.ok, result.failures
    yield result
    removed = playbook.run(inventory)
    assert removed.ok, removed.failures
    root = household["mediaserver_root"]
    host.check_output(f"rm -rf {root}/config/{INSIDE} {root}/config/{OUTSIDE} {root}/secrets/{INSIDE}")
    host.check_output(f"rm -f /mnt/media/misc/*{FILE} /mnt/downloads/complete/{FILE}")
    wait_for("Transmission gets the forwarded port again", lambda: rpc.session(household)["peer-port"] == port(host))


def port(host: Any) -> int:
    return int(json.loads(host.check_output("cat /run/mediaserver/vpn.json"))["forwarded_port"])


@pytest.fixture
def running(host: Any, added: playbook.Run) -> Containers:
    return Containers.read(host)


def jsonrpc(lab_household: topology.LabHousehold, method: str, *parameters: Any, at: int) -> dict[str, Any]:
    """Call aria2 from the laptop, at a published port of the Pi."""
    body = {"jsonrpc": "2.0", "id": "1", "method": method, "params": [f"token:{SECRET}", *parameters]}
    url = f"http://{lab_household.pi}:{at}/jsonrpc"
    ask = ["curl", "--silent", "--show-error", "--max-time", "5", "--data", json.dumps(body), url]
    return dict(json.loads(household_lab.on_laptop(lab_household, *ask)))


def opens(host: Any, service: str, address: str, number: int, source: str = "") -> bool:
    """Return whether a program in a service's container gets an answer from an address and port.

    ``source`` is the address that the program sends from. In the VPN namespace, that of the holder's uplink leads
    past the tunnel, to the barriers.
    """
    bind = f"--interface {source} " if source else ""
    curl = f"curl --silent --max-time 3 --output /dev/null {bind}http://{address}:{number}/"
    return bool(host.run(f"docker exec mediaserver-{service}-1 {curl}").rc == 0)


@pytest.mark.usefixtures("added")
def test_unchanged_run_changes_nothing(inventory: str, given: list[dict[str, Any]]) -> None:
    predicted = run(inventory, given, "--check")
    assert predicted.ok, predicted.failures
    assert [task.name for task in predicted.changed] == []
    repeated = run(inventory, given)
    assert repeated.ok, repeated.failures
    assert [task.name for task in repeated.changed] == []


def test_own_services_have_no_rights_that_open_a_barrier(running: Containers) -> None:
    for name in (INSIDE, OUTSIDE):
        found = running[name]["HostConfig"]
        assert (found["Privileged"], found["CapAdd"] or [], found["CapDrop"]) == (False, [], ["ALL"])
        assert found["SecurityOpt"] == ["no-new-privileges:true"]
        assert not {found["PidMode"], found["IpcMode"]} & {"host"}
        assert running[name]["Config"]["User"] == "2000:2000"
    assert running[INSIDE]["HostConfig"]["NetworkMode"] == f"container:{running['vpn']['Id']}"
    assert running[INSIDE]["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert list(running[OUTSIDE]["NetworkSettings"]["Networks"]) == [f"mediaserver_own_{OUTSIDE}"]


def test_service_outside_reaches_the_one_inside(lab_household: topology.LabHousehold, running: Containers) -> None:
    """The laptop asks lighttpd, which asks aria2 in the VPN namespace."""
    answer = jsonrpc(lab_household, "aria2.getVersion", at=OUTSIDE_PUBLISHED)
    assert "version" in answer["result"]


def test_service_inside_reaches_the_one_outside_and_its_download_is_linked_into_the_library(
    host: Any, household: Household, lab_household: topology.LabHousehold, running: Containers
) -> None:
    """aria2 in the VPN namespace downloads a file of the library from lighttpd; a hard link leads back."""
    uid, gid = household["mediaserver_uid"], household["mediaserver_gid"]
    library = f"{household['mediaserver_media']}/misc"
    host.check_output(f"echo hello > {library}/{FILE} && chown {uid}:{gid} {library}/{FILE}")
    url = f"http://{OUTSIDE}:{OUTSIDE_PORT}/misc/{FILE}"
    gid_of_download = jsonrpc(lab_household, "aria2.addUri", [url], at=OUTSIDE_PUBLISHED)["result"]

    def status() -> str:
        return str(
            jsonrpc(lab_household, "aria2.tellStatus", gid_of_download, at=OUTSIDE_PUBLISHED)["result"]["status"]
        )

    wait_for("aria2 has downloaded the file", lambda: status() == "complete")
    link = f"ln /data/downloads/complete/{FILE} /data/media/misc/linked-{FILE}"
    host.check_output(f"docker exec mediaserver-{INSIDE}-1 {link}")
    download = f"{household['mediaserver_downloads']}/complete/{FILE}"
    assert host.check_output(f"stat --format %i {download}") == host.check_output(
        f"stat --format %i {library}/linked-{FILE}"
    )


def test_nothing_else_is_open_between_the_namespaces(
    host: Any, household: Household, lab_household: topology.LabHousehold, running: Containers
) -> None:
    pi, ports = lab_household.pi, household["mediaserver_ports"]
    assert opens(host, OUTSIDE, INSIDE, INSIDE_PORT), "the control: what it reaches"
    assert opens(host, INSIDE, OUTSIDE, OUTSIDE_PORT, HOLDER_ADDRESS), "the control: what it reaches"
    for address in (pi, BRIDGE_ADDRESS, HOLDER_ADDRESS):
        assert not opens(host, OUTSIDE, address, ports["transmission"]), f"Transmission is open at {address}"
    for address in (pi, BRIDGE_ADDRESS):
        assert not opens(host, OUTSIDE, address, ports["jellyfin"]), f"Jellyfin is open at {address}"
        past_tunnel = opens(host, INSIDE, address, ports["jellyfin"], HOLDER_ADDRESS)
        assert not past_tunnel, f"Jellyfin is open at {address} from the VPN"
    assert not opens(host, OUTSIDE, HOLDER_ADDRESS, INSIDE_PORT), "the way leads past the host"
    assert not opens(host, OUTSIDE, pi, INSIDE_PUBLISHED), "a published port is open that it does not reach"
    (network,) = running[OUTSIDE]["NetworkSettings"]["Networks"].values()
    assert not opens(host, INSIDE, network["IPAddress"], OUTSIDE_PORT, HOLDER_ADDRESS), "the way leads past the host"
    assert not opens(host, INSIDE, pi, OUTSIDE_PUBLISHED, HOLDER_ADDRESS), "the LAN is open from the VPN namespace"


def test_published_ports_are_for_the_lan(lab_household: topology.LabHousehold, running: Containers) -> None:
    assert "version" in jsonrpc(lab_household, "aria2.getVersion", at=INSIDE_PUBLISHED)["result"]
    unpublished = ["curl", "--silent", "--max-time", "3", f"http://{lab_household.pi}:{INSIDE_PORT}/"]
    with pytest.raises(household_lab.engine.LabError):
        household_lab.on_laptop(lab_household, *unpublished)


def test_way_out_of_the_service_inside_is_the_tunnel(host: Any, running: Containers) -> None:
    for name, expected in ((INSIDE, household_lab.PROVIDER_ADDRESSES), (OUTSIDE, [])):
        curl = f"curl --silent --max-time 5 {household_lab.ADDRESS_PAGE}"
        answer = host.run(f"docker exec mediaserver-{name}-1 {curl}").stdout.strip()
        assert (answer in expected) is bool(expected), f"{name} is seen on the internet as {answer!r}"


def test_forwarded_port_is_given_to_the_service_and_not_to_transmission(
    host: Any, household: Household, running: Containers
) -> None:
    folder = f"{household['mediaserver_root']}/config/{INSIDE}"
    wait_for("the command has run", lambda: host.run(f"cmp {folder}/port {folder}/taken").rc == 0)
    assert host.check_output(f"cat {folder}/port") == str(port(host))
    assert rpc.session(household)["peer-port"] == household["transmission_peer_port"]


def test_secret_is_in_its_file_alone(host: Any, household: Household, added: playbook.Run, running: Containers) -> None:
    root = household["mediaserver_root"]
    assert SECRET not in running.text
    assert SECRET not in host.check_output(f"cat {root}/compose.yml {root}/.env {root}/gateway/gateway.json")
    assert SECRET not in added.text
    file = host.file(f"{root}/secrets/{INSIDE}/rpc")
    assert (file.uid, file.mode & 0o077) == (household["mediaserver_uid"], 0)
    assert host.file(f"{root}/config/{INSIDE}").mode == 0o700


@pytest.mark.faults
def test_service_inside_is_started_again_and_gets_the_port_again(
    host: Any, household: Household, lab_household: topology.LabHousehold, running: Containers
) -> None:
    folder = f"{household['mediaserver_root']}/config/{INSIDE}"

    def answers() -> bool:
        try:
            return "version" in jsonrpc(lab_household, "aria2.getVersion", at=INSIDE_PUBLISHED)["result"]
        except (household_lab.engine.LabError, ValueError, KeyError):
            return False

    for fault in (
        f"docker kill mediaserver-{INSIDE}-1",
        "docker kill mediaserver-vpn-1",
        "systemctl restart docker",
    ):
        host.check_output(f"rm -f {folder}/taken")
        host.check_output(fault)
        wait_for(f"aria2 answers after: {fault}", answers)
        wait_for(f"aria2 has the port after: {fault}", lambda: host.file(f"{folder}/taken").exists)
    found = Containers.read(host)
    namespaces = {host.check_output(f"readlink /proc/{found[name]['State']['Pid']}/ns/net") for name in (INSIDE, "vpn")}
    assert len(namespaces) == 1


@pytest.mark.faults
def test_another_secret_recreates_the_container(
    host: Any, inventory: str, given: list[dict[str, Any]], running: Containers
) -> None:
    changed = [{**given[0], "secret_files": {"rpc": f"{SECRET}-changed"}}, given[1]]
    for services in (changed, given):
        before = Containers.read(host)
        result = run(inventory, services)
        assert result.ok, result.failures
        after = Containers.read(host)
        assert after[INSIDE]["Id"] != before[INSIDE]["Id"]
        assert {name: after[name]["Id"] for name in ("vpn", "transmission", OUTSIDE)} == {
            name: before[name]["Id"] for name in ("vpn", "transmission", OUTSIDE)
        }


@pytest.mark.faults
@pytest.mark.parametrize(
    ("change", "field"),
    [({"capabilities": ["NET_ADMIN"]}, "capabilities"), ({"privileged": True}, "privileged"), ({"port": 9091}, "port")],
    ids=["capability", "privileged", "port of Transmission"],
)
def test_refused_service_changes_nothing(
    host: Any, inventory: str, given: list[dict[str, Any]], change: dict[str, Any], field: str, running: Containers
) -> None:
    result = run(inventory, [{**given[0], **change}, given[1]])
    assert not result.ok
    assert f"mediaserver_extra_services[0].{field}" in result.failures
    assert result.stats["changed"] == 0
    assert Containers.read(host)[INSIDE]["Id"] == running[INSIDE]["Id"]


def test_removed_services_lose_container_port_and_network_and_keep_their_configuration(
    host: Any, household: Household, lab_household: topology.LabHousehold, inventory: str, running: Containers
) -> None:
    predicted = playbook.run(inventory, "--check")
    assert predicted.ok, predicted.failures
    result = playbook.run(inventory)
    assert result.ok, result.failures
    folder = f"{household['mediaserver_root']}/config/{OUTSIDE}"
    for told, words in ((predicted, "would be removed"), (result, "are removed")):
        messages = [str(task.result.get("msg")) for task in told.tasks if "services that are removed" in task.name]
        assert any(folder in message and words in message for message in messages), messages
    found = Containers.read(host)
    assert not {INSIDE, OUTSIDE} & set(found.by_service)
    assert f"mediaserver_own_{OUTSIDE}" not in host.check_output("docker network ls --format '{{.Name}}'")
    assert host.file(folder).is_directory
    for number in (INSIDE_PUBLISHED, OUTSIDE_PUBLISHED):
        with pytest.raises(household_lab.engine.LabError):
            jsonrpc(lab_household, "aria2.getVersion", at=number)
    assert playbook.run(inventory).stats["changed"] == 0
