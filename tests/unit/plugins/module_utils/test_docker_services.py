# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container is a service's, and where this host reaches it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.docker import (
    DockerClient,
    Endpoint,
    bridge_of,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    DockerError,
    DockerNotRunning,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.docker_by_path import (
    HOUSE_NETWORK,
    VPN_NETWORK,
    engine,
    row,
)

LABELS = '{"label": ["com.docker.compose.project=mediaserver", "com.docker.compose.service=jellyfin"]}'


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], None),
        ([row("jellyfin", "exited")], "jellyfin-id"),
        ([row("jellyfin", id="run", oneoff="True"), row("jellyfin")], "jellyfin-id"),
        ([row("jellyfin", id="run", oneoff="True")], None),
        ([row("jellyfin", "created", id="new"), row("jellyfin", id="old")], "old"),
        # A container of an earlier version has its label and another name.
        ([row("jellyfin", name="/jellyfin")], "jellyfin-id"),
    ],
    ids=["none", "stopped", "beside docker compose run", "docker compose run alone", "while replaced", "old name"],
)
def test_a_service_is_found_by_its_labels(tmp_path: Path, rows: list[dict[str, t.Any]], found: str | None) -> None:
    with engine(tmp_path, {"/containers/json": rows}) as (address, asked):
        one = DockerClient(address).service("mediaserver", "jellyfin")
    assert (one and one["Id"]) == found
    assert asked == [f"/containers/json all=true&filters={LABELS}"]


def joined(network: dict[str, t.Any], address: str) -> dict[str, t.Any]:
    return {network["Name"]: {"NetworkID": network["Id"], "IPAddress": address}}


NETWORKS = {f"/networks/{one['Id']}": one for one in (HOUSE_NETWORK, VPN_NETWORK)}


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (row("jellyfin", networks=joined(HOUSE_NETWORK, "172.18.0.2")), Endpoint("172.18.0.2", "br-0123456789ab")),
        (row("transmission", mode="container:vpn-id"), Endpoint("172.31.254.2", "br-vpn")),
        (row("transmission", mode="container:gone"), None),
        (row("jellyfin", mode="host", networks={"host": {"NetworkID": "1", "IPAddress": ""}}), None),
        (row("jellyfin", networks=joined({"Id": "macvlan", "Name": "lan"}, "192.168.1.7")), None),
    ],
    ids=["its own network", "the holder's", "of a holder that is gone", "the host's", "macvlan"],
)
def test_a_container_is_reached_at_its_own_address_on_a_bridge(
    tmp_path: Path, container: dict[str, t.Any], expected: Endpoint | None
) -> None:
    answers = {
        **NETWORKS,
        "/networks/macvlan": {"Id": "macvlan", "Driver": "macvlan"},
        "/containers/vpn-id/json": row("vpn", mode="mediaserver_vpn", networks=joined(VPN_NETWORK, "172.31.254.2")),
    }
    with engine(tmp_path, answers) as (address, _asked):
        assert DockerClient(address).endpoint(container) == expected


@pytest.mark.parametrize(("network", "name"), [(VPN_NETWORK, "br-vpn"), (HOUSE_NETWORK, "br-0123456789ab"), ({}, "")])
def test_the_bridge_of_a_network(network: dict[str, t.Any], name: str) -> None:
    assert bridge_of(network) == name


def test_a_docker_that_does_not_run_is_reported_from_one_that_answers_wrongly(tmp_path: Path) -> None:
    with pytest.raises(DockerNotRunning, match=r"does not answer at .*/none\.sock"):
        DockerClient(str(tmp_path / "none.sock")).containers()
    for answer, words in (
        (b'HTTP/1.1 500 Oops\r\nContent-Length: 16\r\n\r\n{"message": "x"}', "500"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope", "incomplete or not JSON"),
        (b"", "closed the connection without an answer"),
    ):
        with (
            engine(tmp_path, {"/containers/json": answer}) as (address, _asked),
            pytest.raises(DockerError, match=words) as caught,
        ):
            DockerClient(address).containers()
        assert not isinstance(caught.value, DockerNotRunning)
        (tmp_path / "docker.sock").unlink()
