# SPDX-License-Identifier: GPL-3.0-or-later
"""No packet in clear, whatever happens to the household, by either barrier alone; and every probe seen without."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import observer
import probes
import pytest
import sightings
from bench import REPORT, Entry, join
from phases import PHASES, Phase
from report import Row
from stage import CONTROL_NETWORK, VPN_GATEWAY, Stage

# What each variant switches off.
VARIANTS = {"both": (), "outer only": ("inner",), "inner only": ("outer",)}
# Of the quick matrix: what each barrier holds alone.
ALONE = ("routes flushed, a default by eth0 added", "IPv6 let in, tunnel killed")
SETTLED_S = 3
CONTROL_S = 8
PROBES = (*probes.PROBES, "ui-stranger")
# UDP to an endpoint is no packet in clear, and the outer barrier does not see marks: it lets them pass from whoever
# is in the namespace when it stands alone, also for the moment between a namespace's birth and its own table.
OUTER_LETS = {f"endpoint-{how}" for how in ("unbound", "device", "source")}
# The inner barrier cannot see who is behind Docker's proxy: strangers are the outer one's then.
INNER_LETS = {"ui-stranger"}


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
        if (full and (phase.single or variant == "both"))
        or (phase.quick and variant == "both")
        or (phase.name in ALONE and variant != "both")
    ]
    metafunc.parametrize(("phase", "variant"), cases)


def count(stage: Stage, capture: observer.Capture) -> Counter[str]:
    return sightings.probes_seen(capture.path.read_bytes(), stage.house) + Counter(stage.heard())


@contextmanager
def switched_off(stage: Stage, variant: str, *, blank: bool) -> Iterator[None]:
    with ExitStack() as stack:
        if VARIANTS[variant]:
            stack.enter_context(stage.without(*VARIANTS[variant], blank=blank))
        yield


def test_nothing_leaves_in_clear(stage: Stage, rows: list[Row], phase: Phase, variant: str) -> None:
    lets = OUTER_LETS if variant == "outer only" or phase.newborn else set()
    lets = lets | INNER_LETS if variant == "inner only" and phase.proxied else lets
    if not phase.blank:
        stage.wait_until_well()
    with switched_off(stage, variant, blank=phase.blank):
        if not phase.blank:
            stage.begin_download()
            stage.forget()
        with observer.watching(stage.house, f"{phase.name} {variant}") as capture:
            before = [] if phase.blank else stage.rounds()
            with stage.knocking():
                begun = time.monotonic()
                seconds = phase.happen(stage)
                happened = time.monotonic()
                stage.wait_until_well()
                recovery = seconds if seconds is not None else time.monotonic() - happened
            assert stage.rounds()[len(before) :], "nothing was tried before it was well again"
            time.sleep(SETTLED_S)
        assert stage.namespace() in stage.rounds()[len(before) :], (
            "nothing was tried in the namespace that is there now"
        )
        seen = count(stage, capture)
        known = {"installs": phase.installs, "strangers": lets >= INNER_LETS}
        others = sightings.strange(capture.path.read_bytes(), stage.house, **known)
    rows += [
        Row(phase.name, variant, name, seen[name], None, round(recovery, 1)) for name in PROBES if name not in lets
    ]
    rows.append(Row(phase.name, variant, "any", len(others), None, round(recovery, 1)))
    leaks = {name: times for name, times in seen.items() if name not in lets}
    assert leaks == {}, f"in clear, within {time.monotonic() - begun:.0f} s; the capture is {capture.path}"
    assert [str(packet) for packet in others] == [], f"in clear; the capture is {capture.path}"
    assert capture.packets("udp port 51820"), "the observer saw nothing at all"
    if not phase.blank:
        stage.finish_download()
    if variant == "both":
        join(REPORT, [Entry(f"recovery: {phase.name}", round(recovery, 1), "s", budget=phase.budget)])
        assert phase.budget is None or recovery <= phase.budget
    capture.path.unlink()


@contextmanager
def wide_open(stage: Stage) -> Iterator[None]:
    """Both barriers off, no tunnel, and the ways out that were taken away put back."""
    with stage.without("inner", "outer"):
        stage.pi("systemctl stop vpn-monitor && docker stop --time 2 wireguard")
        stage.inside("nft delete table inet mediaserver_inner")
        stage.inside(f"ip route replace default via {VPN_GATEWAY} dev eth0")
        try:
            with stage.ipv6_let_in():
                yield
        finally:
            with stage.hushed():
                stage.pi("systemctl restart docker")
                stage.pi("systemctl restart mediaserver && systemctl start vpn-monitor")


def test_without_barriers_every_probe_is_seen(stage: Stage, rows: list[Row]) -> None:
    stage.wait_until_well()
    with wide_open(stage):
        stage.forget()
        with observer.watching(stage.house, "control both off") as capture, stage.knocking():
            time.sleep(CONTROL_S)
        seen = count(stage, capture)
    rows += [Row("control", "both off", name, seen[name], seen[name] > 0) for name in PROBES]
    assert [name for name in PROBES if not seen[name]] == []
    stage.wait_until_well()


def test_without_a_vpn_every_probe_is_seen(stage: Stage, rows: list[Row]) -> None:
    """An ordinary container, as people run Transmission who have no VPN. The UI is that container's."""
    stage.wait_until_well()
    run = "docker run --detach --rm --name leak-control --network leak-control --publish 9099:9091"
    daemon = "--foreground --config-dir /tmp/control --allowed '*' --no-dht --no-lpd --no-utp --no-portmap"
    image = "$(docker inspect --format '{{.Config.Image}}' transmission)"
    bridge = "--opt com.docker.network.bridge.name=br-control"
    stage.pi(f"docker network create --subnet {CONTROL_NETWORK}0/24 {bridge} leak-control")
    try:
        stage.pi(f"{run} --dns 198.18.0.53 --entrypoint transmission-daemon {image} {daemon}")
        stage.forget()
        with observer.watching(stage.house, "control no VPN") as capture, stage.knocking():
            time.sleep(CONTROL_S)
        seen = count(stage, capture)
    finally:
        with stage.hushed():
            stage.pi("docker rm --force leak-control; docker network rm leak-control")
    # Docker gives an ordinary container no IPv6; the other control has it.
    here = [name for name in PROBES if not name.startswith("ipv6-")]
    rows += [Row("control", "no VPN", name, seen[name], seen[name] > 0) for name in here]
    assert [name for name in here if not seen[name]] == []
