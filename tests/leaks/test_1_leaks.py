# SPDX-License-Identifier: GPL-3.0-or-later
"""No packet in clear, whatever happens to the household, by either barrier alone; and every probe seen without."""

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
from phases import PHASES, VARIANTS, Phase
from report import Row
from stage import CONTROL_IPV6, CONTROL_NETWORK, VPN_GATEWAY, Stage
from topology import TRACKER_PORT
from watch import TO_A_STRANGER, TO_AN_ENDPOINT, TO_JELLYFIN, watching

# Of the quick matrix: what each barrier holds alone.
ALONE = ("routes flushed, a default by eth0 added", "IPv6 let in, tunnel killed")
SETTLED_S = 3
CONTROL_S = 8
# Of a household without a VPN; its Jellyfin is behind the outer barrier all the same.
WITHOUT_A_VPN = (*probes.PROBES, "ui-stranger")
PROBES = (*WITHOUT_A_VPN, "jellyfin-stranger")


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


def lets(phase: Phase, variant: str) -> dict[str, str]:
    """What the design lets pass: the probe, and why."""
    # With the inner barrier alone the prober waits for it, as every service does.
    endpoint = variant == "outer only" or (variant == "both" and phase.newborn)
    stranger = variant == "inner only" and phase.proxied
    jellyfin = TO_JELLYFIN if variant == "inner only" else {}
    return (TO_AN_ENDPOINT if endpoint else {}) | (TO_A_STRANGER if stranger else {}) | jellyfin


def switched_off(stage: Stage, variant: str, *, blank: bool) -> AbstractContextManager[None]:
    """Have what the variant is without let everything pass."""
    off = VARIANTS[variant]
    return barriers.without(stage, *off, blank=blank) if off else nullcontext()


def dropped(stage: Stage, variant: str) -> int:
    """What the barrier has counted that probes meet first, or alone."""
    return barriers.attempts_out(stage, "outer" if "inner" in VARIANTS[variant] else "inner")


def assert_in_force(stage: Stage, variant: str) -> None:
    rules = {barrier: "chain" in barriers.table(stage, barrier) for barrier in ("inner", "outer")}
    assert rules == {barrier: barrier not in VARIANTS[variant] for barrier in rules}


def test_nothing_leaves_in_clear(stage: Stage, rows: list[Row], phase: Phase, variant: str) -> None:
    let = lets(phase, variant)
    if not phase.blank:
        stage.wait_until_well()
    with switched_off(stage, variant, blank=phase.blank):
        if not phase.blank:
            swarm.begin_download(stage)
        name = f"{phase.name} {variant}"
        with watching(stage, name, lets=let, installs=phase.installs) as watch:
            earlier = 0 if phase.blank else dropped(stage, variant)
            broken = time.monotonic()
            seconds = phase.happen(stage)
            happened = time.monotonic()
            stage.wait_until_well()
            recovery = round(seconds if seconds is not None else time.monotonic() - happened, 1)
            assert stage.tried(broken), "nothing was tried between the break and its end"
            time.sleep(SETTLED_S)
        found = [(name, watch.seen[name], let.get(name)) for name in PROBES] + [("any", len(watch.others), None)]
        rows += [Row(phase.name, variant, name, times, None, recovery, why) for name, times, why in found]
        watch.assert_shut()
        assert_in_force(stage, variant)
        # A table that was loaded anew meanwhile has begun at 0.
        assert dropped(stage, variant) not in (0, earlier), "no probe has come as far as the barrier"
    if not phase.blank:
        swarm.finish_download(stage)
    if variant == "both":
        join(REPORT, [Entry(f"recovery: {phase.name}", recovery, "s", budget=phase.budget)])
        assert phase.budget is None or recovery <= phase.budget


@contextmanager
def wide_open(stage: Stage) -> Iterator[None]:
    """Both barriers off, no tunnel, and the ways out that were taken away put back."""
    with ExitStack() as last, barriers.without(stage, "inner", "outer"):
        stage.pi("systemctl stop vpn-monitor && docker stop --time 2 mediaserver-wireguard-1")
        stage.inside("nft delete table inet mediaserver_inner")
        stage.inside(f"ip route replace default via {VPN_GATEWAY} dev eth0")
        try:
            with ipv6.let_in(stage):
                yield
        finally:
            # Until the barriers stand again: what is begun before, and ended after, its other end hears nothing of.
            last.enter_context(stage.hushed())
            stage.pi("systemctl restart docker")
            stage.pi("systemctl restart mediaserver && systemctl start vpn-monitor")


def assert_every_probe_is_seen(
    stage: Stage,
    rows: list[Row],
    variant: str,
    download: Callable[[], object] | None = None,
    *,
    names: Sequence[str] = PROBES,
) -> None:
    variant = f"{variant}, house {stage.house.number}"
    with watching(stage, f"control {variant}") as watch:
        if download:
            download()
        time.sleep(CONTROL_S)
    seen = {name: watch.seen[name] for name in names} | {"any": len(watch.others)}
    if download:
        seen["Transmission"] = sum(packet.target_port == TRACKER_PORT for packet in watch.others)
    rows += [Row("control", variant, name, times, times > 0) for name, times in seen.items()]
    assert [name for name, times in seen.items() if not times] == []


def test_without_barriers_every_probe_is_seen(stage: Stage, rows: list[Row]) -> None:
    stage.wait_until_well()
    with wide_open(stage):
        assert_every_probe_is_seen(stage, rows, "both off")
    stage.wait_until_well()


def test_without_a_vpn_every_probe_is_seen(stage: Stage, rows: list[Row]) -> None:
    """An ordinary container, as people run Transmission who have no VPN. The UI is that container's."""
    stage.wait_until_well()
    run = "docker run --detach --rm --name leak-control --network leak-control --publish 9099:9091"
    daemon = "--foreground --config-dir /tmp/control --allowed '*' --no-dht --no-lpd --no-utp --no-portmap"
    image = "$(docker inspect --format '{{.Config.Image}}' mediaserver-transmission-1)"
    networks = f"--subnet {CONTROL_NETWORK}0/24 --ipv6 --subnet {CONTROL_IPV6}"
    stage.pi(f"docker network create {networks} --opt com.docker.network.bridge.name=br-control leak-control")
    try:
        stage.pi(f"{run} --dns 198.18.0.53 --entrypoint transmission-daemon {image} {daemon}")
        with ipv6.on_the_lan(stage):
            download = partial(swarm.begin_in, stage, "leak-control")
            assert_every_probe_is_seen(stage, rows, "no VPN", download, names=WITHOUT_A_VPN)
    finally:
        with stage.hushed():
            try:
                swarm.end_in(stage, "leak-control")
            finally:
                stage.pi("docker rm --force leak-control; docker network rm leak-control")
