# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that a household has, as the programs on the host know them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import observations
import pytest
from ansible_collections.household.mediaserver.plugins.filter.services import services as household
from mediaserver import services
from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor import healing
from mediaserver.monitor.decide import decide
from mediaserver.monitor.monitor_state import MonitorState
from mediaserver.monitor.observation import Container, ContainerState, NamespaceState
from mediaserver.monitor.problems import Code
from mediaserver.services import UNLISTED, Service
from mediaserver.tunnel.configuration import GatewayError, Settings, State, inner_table

CONFIGURED: dict[str, Any] = {
    **{"subnet": "172.31.254.0/24", "lan": [], "ui_ports": [], "published_ports": [], "forwarded_port": 0},
    **{"natpmp_server": "", "ipv6": False, "mtu": 0, "addresses": [], "resolvers": [], "peers": []},
}


KNOWN = (HOLDER, TUNNEL, "transmission", "jackett", "jellyfin")


def listed(*names: str) -> tuple[Service, ...]:
    """What the roles write into gateway.json for a household with these services, read by the host's programs."""
    told = household({"stack_services": list(names or KNOWN)})["monitored"]
    return Settings.from_json(json.dumps({**CONFIGURED, "services": told})).services


def test_the_host_knows_what_the_registry_says() -> None:
    found = {one.name: one for one in listed()}
    assert tuple(found) == KNOWN
    assert found["transmission"] == Service(
        "transmission", "Transmission", "vpn", probe=True, restart_when_unhealthy=True, port_delivery="rpc"
    )
    assert services.restarted(found.values()) == (TUNNEL, "transmission", "jackett", "jellyfin")


def test_a_file_without_the_list_gives_what_every_household_had_before() -> None:
    assert Settings.from_json(json.dumps(CONFIGURED)).services == UNLISTED
    # Until the run is completed, only the tunnel is restarted.
    assert services.restarted(UNLISTED) == (TUNNEL,)
    (transmission,) = (one for one in UNLISTED if one.name == "transmission")
    assert services.torrents(listed()) == replace(transmission, restart_when_unhealthy=True)


OWN = {"name": "own", "image": "a:1", "port": 80, "forwarded_port": {"file": "/config/a/port", "command": ["reload"]}}


def test_an_own_service_gets_the_port_in_place_of_transmission() -> None:
    told = household({"mediaserver_extra_services": [OWN]})["monitored"]
    found = Settings.from_json(json.dumps({**CONFIGURED, "services": told})).services
    receiver = services.port_receiver(found)
    assert receiver is not None
    assert (receiver.port_file, receiver.port_command) == ("config/own/a/port", ("reload",))
    assert services.torrents(found), "Transmission is still the one whose swarms are repaired"
    assert not services.tells_transmission(found)
    assert services.tells_transmission(listed())
    assert not services.tells_transmission(listed("vpn", "wireguard"))


def test_a_port_at_which_a_service_listens_is_never_open_to_the_internet() -> None:
    barrier = household({"mediaserver_extra_services": [OWN], "stack_services": list(KNOWN)})["barrier"]
    settings = Settings.from_json(json.dumps({**CONFIGURED, **barrier, "ui_ports": [9117], "forwarded_port": 80}))
    assert settings.closed_ports == (80, 9091, 9117)
    state = State("", {})
    assert "@forwarded_ports" not in inner_table(settings, state), "the provider forwards the port of a web interface"
    assert "@forwarded_ports" in inner_table(replace(settings, forwarded_port=81), state)


def test_what_does_not_wait_for_the_barrier_is_started_in_order() -> None:
    outside = {**OWN, "name": "outside", "namespace": "lan", "forwarded_port": None}
    told = household({"mediaserver_extra_services": [OWN, outside]})["monitored"]
    found = Settings.from_json(json.dumps({**CONFIGURED, "services": told})).services
    assert services.ordered(found) == ("own",)
    assert services.ordered(UNLISTED) == ()


STOPPED, DEAD = Container(ContainerState.STOPPED), Container(namespace=NamespaceState.DEAD)
REMOVED = Container(ContainerState.STOPPED, namespace=NamespaceState.FOREIGN)
STARTS = {"start": STOPPED, "restart": DEAD, "recreate": REMOVED}


@pytest.mark.parametrize(("act", "container"), STARTS.items(), ids=STARTS.keys())
def test_a_service_that_does_not_wait_is_started_only_into_a_namespace_with_its_barrier(
    act: str, container: Container
) -> None:
    observed = replace(observations.with_container("own", container), ordered=("own",))
    early = replace(observed, containers={**observed.containers, HOLDER: Container(starting=True)})
    assert decide(early, MonitorState(), 0.0).step is None
    step = decide(observed, MonitorState(), 0.0).step
    assert step is not None
    assert step.act == act
    assert decide(replace(early, ordered=()), MonitorState(), 0.0).step, "one that waits by itself is started at once"


@pytest.mark.parametrize("rows", [[{}], ["vpn"], 7, [{"name": "x"}]])
def test_a_list_that_cannot_be_read_is_refused(rows: Any) -> None:
    with pytest.raises(GatewayError, match=r"gateway\.json cannot be used"):
        Settings.from_json(json.dumps({**CONFIGURED, "services": rows}))


@pytest.mark.parametrize(
    ("names", "prober", "torrents"),
    [
        ((), "transmission", "transmission"),
        ((HOLDER, TUNNEL, "jackett", "jellyfin"), "jackett", None),
        ((HOLDER, TUNNEL, "transmission"), "transmission", "transmission"),
        ((HOLDER, TUNNEL, "jellyfin"), None, None),
    ],
)
def test_only_a_service_that_is_there_is_asked_or_told(
    names: tuple[str, ...], prober: str | None, torrents: str | None
) -> None:
    found = listed(*names)
    assert (one := services.prober(found)) is None or one.name == prober
    assert (one is None) is (prober is None)
    assert (other := services.torrents(found)) is None or other.name == torrents
    assert (other is None) is (torrents is None)


def test_an_unhealthy_service_is_restarted_only_where_its_data_say_so() -> None:
    observed = observations.with_container(observations.APP, Container(unhealthy=True))
    assert decide(observed, MonitorState(), 0.0).step is None
    restarted = replace(observed, restarted_when_unhealthy=(observations.APP,))
    decision = decide(restarted, MonitorState(unhealthy={observations.APP: 0.0}), healing.UNHEALTHY_S)
    assert str(decision.step) == "jellyfin is not healthy: restart jellyfin"
    assert [one.code for one in decision.problems] == [Code.CONTAINER_UNHEALTHY]
    tunnel = replace(observations.with_container(TUNNEL, Container(unhealthy=True)), restarted_when_unhealthy=())
    assert decide(tunnel, MonitorState(), 0.0).step is None
