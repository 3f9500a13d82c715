# SPDX-License-Identifier: GPL-3.0-or-later
"""An endpoint that is a name: unknown, wrong, and at last right; the house comes online by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import houses
import playbook
import pytest
from packets import Packet, of_the_tunnel
from stage import Stage
from topology import PROVIDERS
from waiting import wait_for
from watch import watching

pytestmark = pytest.mark.full
NAME = "vpn.test"
HOSTS = houses.FOLDER / "internet" / "hosts" / "endpoint"
# In the lab's internet, where nobody has it.
NOBODY = "198.18.0.99"
PATIENCE_S = 120  # the monitor asks for names again and again, but not all the time


@pytest.fixture
def by_name(stage: Stage, tmp_path: Path) -> Iterator[list[str]]:
    """Arguments of a run in which the provider's file names its first server, and only that one."""
    text = stage.household["provider_config"].replace(PROVIDERS[0].address, NAME)
    first = "[Peer]".join(text.split("[Peer]")[:2])
    path = tmp_path / "vars.json"
    path.write_text(json.dumps({"gateway_provider_config": first}), encoding="utf-8")
    HOSTS.unlink(missing_ok=True)
    yield ["--extra-vars", f"@{path}"]
    HOSTS.unlink(missing_ok=True)
    stage.converge()
    stage.wait_until_well()


def move(address: str) -> None:
    fresh = HOSTS.with_name(".endpoint.new")
    fresh.write_text(f"{address} {NAME}\n", encoding="utf-8")
    fresh.replace(HOSTS)


def converge_without_a_tunnel(stage: Stage, arguments: list[str], cause: str) -> playbook.Run:
    """The host is online and the endpoint keeps the tunnel down: everything is installed, and the run says so."""
    run = playbook.run(stage.inventory, "--extra-vars", f"demo_house={stage.house.number}", *arguments)
    assert not run.ok
    assert [task.name for task in run.tasks if task.failed] == [run.tasks[-1].name]
    assert f"Tunnel: NOT up. The tunnel does not carry: the endpoint {NAME}:51820 {cause}" in run.failures
    return run


def told(run: Any) -> str:
    return " ".join(str(task.result.get("msg", "")) for task in run.tasks)


def of_nobody(packet: Packet) -> bool:
    """The tunnel's UDP to the address that the name had at first, and the internet's word about it."""
    return of_the_tunnel(packet.quoted or packet, [NOBODY])


@pytest.fixture
def monitor(stage: Stage) -> Iterator[None]:
    """The monitor's process, which outlives whatever the name leads to."""
    since = stage.pi("date +%s").strip()
    yield
    ended = f"journalctl --quiet --since @{since} --unit vpn-monitor --grep 'Main process exited|Failed with' || true"
    assert stage.pi(ended) == "", "vpn-monitor was ended"


@pytest.mark.usefixtures("monitor")
def test_a_name_is_found_when_it_can_be(stage: Stage, by_name: list[str]) -> None:
    # The host itself asks for the name.
    with watching(stage, "endpoint by name", of_nobody, installs=True) as watch:
        run = converge_without_a_tunnel(stage, by_name, "has no IPv4 address now")
        assert f"{NAME} cannot be resolved now; vpn-monitor tries again" in told(run)
        assert [problem for problem in stage.problems() if "tunnel" not in problem] == []
        move(NOBODY)
        wait_for(lambda: stage.told()["endpoint"] == NOBODY, "the monitor has tried the wrong address", PATIENCE_S)
        assert stage.problems(), "it is online by a server that nobody is"
        move(PROVIDERS[0].address)
        seconds = stage.wait_until_well()
    watch.assert_shut()
    print(f"online {seconds:.0f} s after the name was right")
    assert stage.told()["endpoint"] == PROVIDERS[0].address


@pytest.mark.usefixtures("monitor")
def test_an_address_of_the_house_is_refused(stage: Stage, by_name: list[str]) -> None:
    move(stage.house.laptop)
    with watching(stage, "endpoint in the house", installs=True) as watch:
        run = converge_without_a_tunnel(stage, by_name, "cannot be used, because its address")
        words = f"{NAME} is not used as endpoint: its address {stage.house.laptop} is in the house's own network"
        assert words in told(run)
        endpoints = stage.pi("nft list set inet mediaserver_barrier endpoints")
        assert "elements" not in endpoints, endpoints
    watch.assert_shut()
