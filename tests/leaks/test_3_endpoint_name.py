# SPDX-License-Identifier: GPL-3.0-or-later
"""An endpoint given by name: unresolvable, wrong, then right; the tunnel comes up by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import endpoint_name
import playbook
import pytest
from endpoint_name import NAME
from lab_control import LabControl
from packets import Packet, is_tunnel_packet
from topology import PROVIDERS
from waiting import wait_for
from watch import watching

pytestmark = pytest.mark.full
# In the lab's internet network; no host has it.
UNUSED_ADDRESS = "198.18.0.99"
PATIENCE_S = 120  # vpn-monitor resolves names at intervals


@pytest.fixture
def by_name(lab: LabControl, tmp_path: Path) -> Iterator[list[str]]:
    """Arguments of a run with a provider's file that has the first server only, by name."""
    text = endpoint_name.provider_configuration(lab.description["provider_config"])
    path = tmp_path / "vars.json"
    path.write_text(json.dumps({"gateway_provider_config": text}), encoding="utf-8")
    endpoint_name.remove()
    yield ["--extra-vars", f"@{path}"]
    endpoint_name.remove()
    lab.converge()
    lab.wait_until_healthy()


def converge_without_a_tunnel(lab: LabControl, arguments: list[str], cause: str) -> playbook.Run:
    """Run the playbook: everything is installed, and the run fails because the endpoint keeps the tunnel down."""
    run = lab.run_site(*arguments)
    assert not run.ok
    assert [task.name for task in run.tasks if task.failed] == [run.tasks[-1].name]
    assert f"Tunnel: NOT up. The tunnel carries no traffic: the endpoint {NAME}:51820 {cause}" in run.failures
    return run


def messages(run: Any) -> str:
    return " ".join(str(task.result.get("msg", "")) for task in run.tasks)


def is_to_unused_address(packet: Packet) -> bool:
    """Return whether it is the tunnel's UDP to the unused address, or an ICMP error about it."""
    return is_tunnel_packet(packet.quoted or packet, [UNUSED_ADDRESS])


@pytest.fixture
def monitor(lab: LabControl) -> Iterator[None]:
    """vpn-monitor, which must not end, whatever the name resolves to."""
    since = lab.pi("date +%s").strip()
    yield
    ended = f"journalctl --quiet --since @{since} --unit vpn-monitor --grep 'Main process exited|Failed with' || true"
    assert lab.pi(ended) == "", "vpn-monitor has ended"


@pytest.mark.usefixtures("monitor")
def test_tunnel_comes_up_when_name_resolves(lab: LabControl, by_name: list[str]) -> None:
    # installs: the host itself resolves the name.
    with watching(lab, "endpoint by name", is_to_unused_address, installs=True) as watch:
        run = converge_without_a_tunnel(lab, by_name, "has no IPv4 address now")
        assert f"{NAME} cannot be resolved now; vpn-monitor tries again" in messages(run)
        assert [problem for problem in lab.problems() if "tunnel" not in problem] == []
        endpoint_name.set_address(UNUSED_ADDRESS)
        wait_for(lambda: lab.monitor_state()["endpoint"] == UNUSED_ADDRESS, "the wrong address is tried", PATIENCE_S)
        assert lab.problems(), "the tunnel works with an address that no host has"
        endpoint_name.set_address(PROVIDERS[0].address)
        seconds = lab.wait_until_healthy()
    watch.assert_no_leaks()
    print(f"online {seconds:.0f} s after the name resolved to the server")
    assert lab.monitor_state()["endpoint"] == PROVIDERS[0].address


@pytest.mark.usefixtures("monitor")
def test_refuses_name_that_resolves_to_lan_address(lab: LabControl, by_name: list[str]) -> None:
    endpoint_name.set_address(lab.household.laptop)
    with watching(lab, "endpoint on the LAN", installs=True) as watch:
        run = converge_without_a_tunnel(lab, by_name, "cannot be used, because its address")
        words = f"{NAME} is not used as endpoint: its address {lab.household.laptop} is in the LAN"
        assert words in messages(run)
        endpoints = lab.pi("nft list set inet mediaserver_barrier endpoints")
        assert "elements" not in endpoints, endpoints
    watch.assert_no_leaks()
