# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the lab with its households, and says how each is reached."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import images
import kernel
import pi
from engine import BUILD, FOLDER, LabError, create, docker, network, remove, run, standing, write
from topology import (
    HOUSES,
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
    House,
)
from wireguard import client_configuration, key, preshared, secret
from world import start, start_world, wait_for_registry

ETHERNET_MTU = 1500
IP_AND_TCP = 40
FILM_TIMEOUT_S = 30


def up(count: int) -> None:
    """Have the lab with ``count`` households; what is there already is left alone."""
    make_room()
    FOLDER.mkdir(parents=True, exist_ok=True)
    kernel.note(FOLDER / "kernel.json")
    images.build_all(BUILD / "cache")
    if not (FOLDER / "id_ed25519").exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", LABEL, "-f", str(FOLDER / "id_ed25519"))
    start_world()
    port = wait_for_registry()
    references = {name: images.publish(name, port) for name in images.HOUSEHOLD_IMAGES}
    write(FOLDER / "images.json", json.dumps(references))
    for house in HOUSES[:count]:
        start_house(house)
        describe(house)


def make_room() -> None:
    """Remove what another checkout's lab left behind: an engine that ended, say, before ``down`` did.

    Raises LabError while that lab runs, for then somebody may be at work in it.
    """
    foreign = [one for one in standing() if one.folder != str(FOLDER)]
    for one in foreign:
        if one.runs and one.folder and Path(one.folder).is_dir():
            raise LabError(
                f"another lab is up, of {one.folder}, and there is room for one on a machine. "
                "Once nobody needs it, in that checkout: python tests/lab down"
            )
    for one in foreign:
        remove(one.name)
    for folder in {one.folder for one in foreign if one.folder}:
        kernel.put_back(Path(folder) / "kernel.json")


def start_house(house: House) -> None:
    """Router, laptop and Pi on the house's own network; the machine offers no way out of it."""
    # Not --internal: where bridged packets pass the machine's firewall, Docker would drop them on the way.
    no_way_out = "com.docker.network.bridge.enable_ip_masquerade=false"
    network(house.name, house.lan, "--gateway", house.machine, "--opt", no_way_out)
    router, laptop = f"{house.name}-router", f"{house.name}-laptop"
    made = create(
        router,
        images.tag("router"),
        *("--network", f"{PREFIX}-internet", "--ip", house.exit, "--cap-add", "NET_ADMIN"),
        *("--sysctl", "net.ipv4.ip_forward=1", "--env", f"LAN={house.lan}", "--env", f"LAB={LAB}"),
        *("--env", f"GATEWAY={INTERNET_GATEWAY}", "--env", f"MSS={uplink_mtu() - IP_AND_TCP}"),
    )
    if made:
        docker("network", "connect", "--ip", house.router, house.name, router)
    start(router)
    on_lan = ["--network", house.name, "--ip", house.laptop, "--cap-add", "NET_ADMIN"]
    create(laptop, images.tag("laptop"), *on_lan)
    start(laptop)
    pi.start(house)


def uplink_mtu(routes: Path = Path("/proc/net/route"), devices: Path = Path("/sys/class/net")) -> int:
    """Return what fits through this machine's default route; an Ethernet's 1500 when there is none."""
    for line in routes.read_text(encoding="ascii").splitlines()[1:]:
        device, destination = line.split()[:2]
        if destination == "00000000":
            return min(ETHERNET_MTU, int((devices / device / "mtu").read_text(encoding="ascii")))
    return ETHERNET_MTU


def replace_pi(house: House) -> None:
    """Put a blank Pi in the place of the one that is there."""
    remove(f"{house.name}-pi")
    pi.start(house)
    describe(house)


def reboot_pi(house: House) -> float:
    """Restart the Pi as a reboot does; return the seconds until systemd is up again."""
    return pi.reboot(house)


def provider_configuration(house: House) -> str:
    keys = {one: key(one.name)[1] for one in PROVIDERS}
    shared = {one: preshared(one, house) for one in PROVIDERS}
    return client_configuration(keys, house, key(house.name)[0], shared)


def film() -> dict[str, str]:
    """What the seeder offers, once it has made it."""
    folder = FOLDER / "internet"
    deadline = time.monotonic() + FILM_TIMEOUT_S
    while not (folder / "film.hash").exists():
        if time.monotonic() > deadline:
            raise LabError(f"no torrent after {FILM_TIMEOUT_S} s; see: docker logs {PREFIX}-internet")
        time.sleep(0.2)
    return {
        "announce": f"http://{INTERNET_HOST}:{TRACKER_PORT}/announce",
        "torrent_file": str(folder / "film.torrent"),
        "info_hash": (folder / "film.hash").read_text(encoding="utf-8").strip(),
        "file_name": "household-demo-film.mkv",
        "sha256": (folder / "film.sha256").read_text(encoding="utf-8").strip(),
    }


def describe(house: House) -> dict[str, Any]:
    """Write down how the household is reached and what its inventory needs; return it."""
    known_hosts = FOLDER / f"known_hosts{house.number}"
    write(known_hosts, run("ssh-keyscan", "-T", "10", "-t", "ed25519", house.pi))
    household = {
        "pi": {
            "address": house.pi,
            "user": "pi",
            "key_file": str(FOLDER / "id_ed25519"),
            "known_hosts": str(known_hosts),
            "container": f"{house.name}-pi",
        },
        "lan": house.lan,
        "house_exit": house.exit,
        "laptop": {"container": f"{house.name}-laptop", "address": house.laptop},
        "machine": house.machine,
        "provider_config": provider_configuration(house),
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
        "transmission": {"user": "family", "password": secret(f"transmission{house.number}")},
        "jackett": {"password": secret(f"jackett{house.number}")},
        "jellyfin": {
            "user": "family",
            "password": secret(f"jellyfin{house.number}"),
            "child_password": secret(f"jellyfin-child{house.number}"),
        },
    }
    write(FOLDER / f"household{house.number}.json", json.dumps(household, indent=2) + "\n", mode=0o600)
    return household
