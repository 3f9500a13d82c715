# SPDX-License-Identifier: GPL-3.0-or-later
"""No packet in clear in any phase, also with one barrier alone. Controls: without barriers every probe is seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial

import barriers
import ipv6
import probes
import pytest
import swarm
from bench import REPORT, Entry, join
from capture_analysis import JELLYFIN_OUTSIDE, UI_OUTSIDE
from lab_control import CONTROL_IPV6, CONTROL_NETWORK, VPN_GATEWAY, LabControl
from phases import PHASES, VARIANTS, Phase
from report import Row
from topology import TRACKER_PORT
from watch import BY_PROXY, NOT_IN_VPN, TO_AN_ENDPOINT, watching

# Phases of the quick matrix that run with each barrier alone.
ALONE = ("routes flushed, a default by eth0 added", "IPv6 enabled, tunnel killed")
SETTLED_S = 3
CONTROL_S = 8
# Probes of the control without a VPN, in which the outer barrier still protects Jellyfin.
WITHOUT_VPN = (*probes.PROBES, UI_OUTSIDE)
PROBES = (*WITHOUT_VPN, JELLYFIN_OUTSIDE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "phase" not in metafunc.fixturenames:
        return
    full = metafunc.config.option.matrix == "full"
    variants = metafunc.config.option.variants.split(",")
    cases = [
        pytest.param(phase, variant, id=f"{phase.name}-{variant}")
        for variant in VARIANTS
        if variant in variants
        for phase in PHASES
        if (full and phase.has(variant))
        or (phase.quick and variant == "both")
        or (phase.name in ALONE and variant != "both")
    ]
    metafunc.parametrize(("phase", "variant"), cases)


def permitted_probes(phase: Phase, variant: str) -> dict[str, str]:
    """Return the probes that the design permits, each with the reason."""
    # With the inner barrier alone the prober waits for its table, as every service does.
    endpoint = variant == "outer only" or (variant == "both" and phase.new_namespace)
    proxy = variant == "inner only" and phase.proxied
    jellyfin = NOT_IN_VPN if variant == "inner only" else {}
    return (TO_AN_ENDPOINT if endpoint else {}) | (BY_PROXY if proxy else {}) | jellyfin


def disabled_barriers(lab: LabControl, variant: str, *, blank: bool) -> AbstractContextManager[None]:
    disabled = VARIANTS[variant]
    return barriers.disabled(lab, *disabled, blank=blank) if disabled else nullcontext()


def dropped(lab: LabControl, variant: str) -> int:
    """Return the drop counter of the barrier that probes reach first."""
    return barriers.dropped_packets(lab, "outer" if "inner" in VARIANTS[variant] else "inner")


def assert_loaded(lab: LabControl, variant: str) -> None:
    rules = {barrier: "chain" in barriers.table(lab, barrier) for barrier in ("inner", "outer")}
    assert rules == {barrier: barrier not in VARIANTS[variant] for barrier in rules}


def test_nothing_leaves_in_clear(lab: LabControl, rows: list[Row], phase: Phase, variant: str) -> None:
    permitted = permitted_probes(phase, variant)
    if not phase.blank:
        lab.wait_until_healthy()
    with disabled_barriers(lab, variant, blank=phase.blank):
        if not phase.blank:
            swarm.start_download(lab)
        name = f"{phase.name} {variant}"
        with watching(lab, name, permitted=permitted, installs=phase.installs) as watch:
            earlier = 0 if phase.blank else dropped(lab, variant)
            begun = time.monotonic()
            seconds = phase.run(lab)
            ended = time.monotonic()
            lab.wait_until_healthy()
            recovery = round(seconds if seconds is not None else time.monotonic() - ended, 1)
            assert lab.probed_namespaces(begun), "no round of probes was sent during the fault"
            time.sleep(SETTLED_S)
        found = [(name, watch.seen[name], permitted.get(name)) for name in PROBES] + [("any", len(watch.others), None)]
        rows += [Row(phase.name, variant, name, times, None, recovery, why) for name, times, why in found]
        watch.assert_no_leaks()
        assert_loaded(lab, variant)
        # A table that was loaded again counts from 0.
        assert dropped(lab, variant) not in (0, earlier), "no probe has reached the barrier"
    if not phase.blank:
        swarm.finish_download(lab)
    if variant == "both":
        join(REPORT, [Entry(f"recovery: {phase.name}", recovery, "s", budget=phase.budget)])
        assert phase.budget is None or recovery <= phase.budget


@contextmanager
def without_protection(lab: LabControl) -> Iterator[None]:
    """Disable both barriers, stop the tunnel, and add the routes that the holder removes."""
    with ExitStack() as last, barriers.disabled(lab, "inner", "outer"):
        lab.pi("systemctl stop vpn-monitor && docker stop --time 2 mediaserver-wireguard-1")
        lab.inside("nft delete table inet mediaserver_inner")
        lab.inside(f"ip route replace default via {VPN_GATEWAY} dev eth0")
        try:
            with ipv6.enabled(lab):
                yield
        finally:
            # Until the barriers are loaded: a connection that ends after that would leave its peer retransmitting.
            last.enter_context(lab.prober_paused())
            lab.pi("systemctl restart docker")
            lab.pi("systemctl restart mediaserver && systemctl start vpn-monitor")


def assert_every_probe_is_seen(
    lab: LabControl,
    rows: list[Row],
    variant: str,
    download: Callable[[], object] | None = None,
    *,
    names: Sequence[str] = PROBES,
) -> None:
    variant = f"{variant}, household {lab.household.number}"
    with watching(lab, f"control {variant}") as watch:
        if download:
            download()
        time.sleep(CONTROL_S)
    seen = {name: watch.seen[name] for name in names} | {"any": len(watch.others)}
    if download:
        seen["Transmission"] = sum(packet.target_port == TRACKER_PORT for packet in watch.others)
    rows += [Row("control", variant, name, times, times > 0) for name, times in seen.items()]
    assert [name for name, times in seen.items() if not times] == []


def test_without_barriers_every_probe_is_seen(lab: LabControl, rows: list[Row]) -> None:
    lab.wait_until_healthy()
    with without_protection(lab):
        assert_every_probe_is_seen(lab, rows, "both off")
    lab.wait_until_healthy()


def test_without_a_vpn_every_probe_is_seen(lab: LabControl, rows: list[Row]) -> None:
    """The control is an ordinary container with Transmission, without VPN; the web interface is that container's."""
    lab.wait_until_healthy()
    run = "docker run --detach --rm --name leak-control --network leak-control --publish 9099:9091"
    daemon = "--foreground --config-dir /tmp/control --allowed '*' --no-dht --no-lpd --no-utp --no-portmap"
    image = "$(docker inspect --format '{{.Config.Image}}' mediaserver-transmission-1)"
    networks = f"--subnet {CONTROL_NETWORK}0/24 --ipv6 --subnet {CONTROL_IPV6}"
    lab.pi(f"docker network create {networks} --opt com.docker.network.bridge.name=br-control leak-control")
    try:
        lab.pi(f"{run} --dns 198.18.0.53 --entrypoint transmission-daemon {image} {daemon}")
        with ipv6.lan_neighbour(lab):
            download = partial(swarm.start_download_in, lab, "leak-control")
            assert_every_probe_is_seen(lab, rows, "no VPN", download, names=WITHOUT_VPN)
    finally:
        with lab.prober_paused():
            try:
                swarm.stop_download_in(lab, "leak-control")
            finally:
                lab.pi("docker rm --force leak-control; docker network rm leak-control")
