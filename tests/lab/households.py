# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the lab with its households, and describes how to reach each of them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import images
import kernel
import pi
from engine import BUILD, FOLDER, LabError, create, docker, lab_containers, network, remove, run, write
from shared_hosts import start, start_shared_hosts, wait_for_registry
from topology import (
    HOUSEHOLDS,
    INTERNET_GATEWAY,
    INTERNET_HOST,
    LAB,
    LABEL,
    PREFIX,
    PROVIDERS,
    REGISTRY,
    REGISTRY_PORT,
    RESOLVER,
    TRACKER_PORT,
    TUNNEL_RESOLVER,
    LabHousehold,
)
from wireguard import client_configuration, key, preshared, secret

ETHERNET_MTU = 1500
IP_AND_TCP = 40
FILM_TIMEOUT_S = 30


def up(count: int) -> None:
    """Start the lab with ``count`` households; containers that exist already are kept."""
    make_room()
    FOLDER.mkdir(parents=True, exist_ok=True)
    kernel.save(FOLDER / "kernel.json")
    images.build_all(BUILD / "cache")
    if not (FOLDER / "id_ed25519").exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", LABEL, "-f", str(FOLDER / "id_ed25519"))
    start_shared_hosts()
    port = wait_for_registry()
    references = {name: images.publish(name, port) for name in images.HOUSEHOLD_IMAGES}
    write(FOLDER / "images.json", json.dumps(references))
    for household in HOUSEHOLDS[:count]:
        start_household(household)
        describe(household)


def make_room() -> None:
    """Remove what the lab of another checkout has left behind, for example when Docker stopped before ``down``.

    Raises LabError while that lab runs, because it may be in use.
    """
    foreign = [one for one in lab_containers() if one.folder != str(FOLDER)]
    for one in foreign:
        if one.runs and one.folder and Path(one.folder).is_dir():
            raise LabError(
                f"another lab is up, of {one.folder}; a machine can run one lab. "
                "When it is not needed any more, run in that checkout: python tests/lab down"
            )
    for one in foreign:
        remove(one.name)
    for folder in {one.folder for one in foreign if one.folder}:
        kernel.restore(Path(folder) / "kernel.json")


def start_household(household: LabHousehold) -> None:
    """Start router, laptop and Pi on the household's LAN. Its only route to the internet is the router."""
    # Not --internal: where bridged packets pass the machine's firewall, Docker would drop them.
    no_way_out = "com.docker.network.bridge.enable_ip_masquerade=false"
    network(household.name, household.lan, "--gateway", household.machine, "--opt", no_way_out)
    router, laptop = f"{household.name}-router", f"{household.name}-laptop"
    made = create(
        router,
        images.tag("router"),
        *("--network", f"{PREFIX}-internet", "--ip", household.public_address, "--cap-add", "NET_ADMIN"),
        *("--sysctl", "net.ipv4.ip_forward=1", "--env", f"LAN={household.lan}", "--env", f"LAB={LAB}"),
        *("--env", f"GATEWAY={INTERNET_GATEWAY}", "--env", f"MSS={uplink_mtu() - IP_AND_TCP}"),
    )
    if made:
        docker("network", "connect", "--ip", household.router, household.name, router)
    start(router)
    on_lan = ["--network", household.name, "--ip", household.laptop, "--cap-add", "NET_ADMIN"]
    create(laptop, images.tag("laptop"), *on_lan)
    start(laptop)
    pi.start(household)


def uplink_mtu(routes: Path = Path("/proc/net/route"), devices: Path = Path("/sys/class/net")) -> int:
    """Return the MTU of this machine's default route in bytes, at most 1500; 1500 without a default route."""
    for line in routes.read_text(encoding="ascii").splitlines()[1:]:
        device, destination = line.split()[:2]
        if destination == "00000000":
            return min(ETHERNET_MTU, int((devices / device / "mtu").read_text(encoding="ascii")))
    return ETHERNET_MTU


def replace_pi(household: LabHousehold) -> None:
    """Replace the Pi by a blank one."""
    remove(f"{household.name}-pi")
    pi.start(household)
    describe(household)


def reboot_pi(household: LabHousehold) -> float:
    """Reboot the Pi; return the seconds until systemd has finished starting."""
    return pi.reboot(household)


def provider_configuration(household: LabHousehold) -> str:
    keys = {one: key(one.name)[1] for one in PROVIDERS}
    shared = {one: preshared(one, household) for one in PROVIDERS}
    return client_configuration(keys, household, key(household.name)[0], shared)


def film() -> dict[str, str]:
    """Describe the torrent that the seeder offers. Waits until the seeder has created it; raises LabError if not."""
    folder = FOLDER / "internet"
    deadline = time.monotonic() + FILM_TIMEOUT_S
    while not (folder / "film.hash").exists():
        if time.monotonic() > deadline:
            raise LabError(
                f"the seeder has created no torrent in {FILM_TIMEOUT_S} s; see: docker logs {PREFIX}-internet"
            )
        time.sleep(0.2)
    return {
        "announce": f"http://{INTERNET_HOST}:{TRACKER_PORT}/announce",
        "torrent_file": str(folder / "film.torrent"),
        "info_hash": (folder / "film.hash").read_text(encoding="utf-8").strip(),
        "file_name": "household-demo-film.mkv",
        "sha256": (folder / "film.sha256").read_text(encoding="utf-8").strip(),
    }


def describe(household: LabHousehold) -> dict[str, Any]:
    """Write build/lab/householdN.json: how to reach the household and what its inventory needs. Return its content."""
    known_hosts = FOLDER / f"known_hosts{household.number}"
    write(known_hosts, run("ssh-keyscan", "-T", "10", "-t", "ed25519", household.pi))
    description = {
        "pi": {
            "address": household.pi,
            "user": "pi",
            "key_file": str(FOLDER / "id_ed25519"),
            "known_hosts": str(known_hosts),
            "container": f"{household.name}-pi",
        },
        "lan": household.lan,
        "public_address": household.public_address,
        "laptop": {"container": f"{household.name}-laptop", "address": household.laptop},
        "machine": household.machine,
        "provider_config": provider_configuration(household),
        "providers": [
            {"container": provider.name, "address": provider.address, "resolver": TUNNEL_RESOLVER}
            for provider in PROVIDERS
        ],
        "images": json.loads((FOLDER / "images.json").read_text(encoding="utf-8")),
        "registry": f"{REGISTRY}:{REGISTRY_PORT}",
        "internet": {
            "container": f"{PREFIX}-internet",
            "address": INTERNET_HOST,
            "resolver": RESOLVER,
            "address_page": f"http://{INTERNET_HOST}/",
        },
        "tracker": film(),
        "transmission": {"user": "family", "password": secret(f"transmission{household.number}")},
        "jackett": {"password": secret(f"jackett{household.number}")},
        "jellyfin": {
            "user": "family",
            "password": secret(f"jellyfin{household.number}"),
            "child_password": secret(f"jellyfin-child{household.number}"),
        },
    }
    write(FOLDER / f"household{household.number}.json", json.dumps(description, indent=2) + "\n", mode=0o600)
    return description
