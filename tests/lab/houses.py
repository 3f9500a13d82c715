# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the lab's networks and hosts, and says how a household is reached."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any

import images
from engine import LabError, create, docker, in_namespaces, inspect, network, remove, run, running, write
from topology import (
    INTERNET,
    INTERNET_GATEWAY,
    INTERNET_HOST,
    LABEL,
    PREFIX,
    PROVIDERS,
    REGISTRY,
    REGISTRY_PORT,
    RESOLVER,
    TRACKER_PORT,
    WIREGUARD_PORT,
    House,
    Provider,
)

BUILD = Path(__file__).resolve().parents[2] / "build"
FOLDER = BUILD / "lab"
HOUSES = (House(1), House(2))
# systemd, Docker and nft in a container need nearly everything but SYS_RESOURCE, without which --privileged fails.
PI_CAPABILITIES = (
    "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK "
    "IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST "
    "NET_RAW SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT "
    "SYS_PTRACE SYS_RAWIO SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
).split()
BOOT_TIMEOUT_S = 60


def key(name: str) -> tuple[str, str]:
    """Return a WireGuard key pair of the lab, made on the spot and kept in build/lab/keys."""
    path = FOLDER / "keys" / name
    if not path.exists():
        private = docker("run", "--rm", images.tag("provider"), "wg", "genkey")
        write(path, private, mode=0o600)
    private = path.read_text(encoding="utf-8")
    public_path = path.with_suffix(".pub")
    if not public_path.exists():
        write(public_path, docker("run", "--rm", "--interactive", images.tag("provider"), "wg", "pubkey", stdin=private))
    return private.strip(), public_path.read_text(encoding="utf-8").strip()


def secret(name: str) -> str:
    path = FOLDER / "keys" / name
    if not path.exists():
        write(path, secrets.token_urlsafe(18), mode=0o600)
    return path.read_text(encoding="utf-8")


def provider_server(provider: Provider) -> str:
    """What ``wg setconf`` gets on the provider's side: one peer a house."""
    lines = ["[Interface]", f"PrivateKey = {key(provider.name)[0]}", f"ListenPort = {WIREGUARD_PORT}"]
    for house in HOUSES:
        lines += ["", "[Peer]", f"PublicKey = {key(house.name)[1]}", f"AllowedIPs = {provider.client(house)}/32"]
    return "\n".join(lines) + "\n"


def provider_configuration(provider: Provider, house: House) -> str:
    """The file that the provider hands to a household."""
    return (
        "[Interface]\n"
        f"PrivateKey = {key(house.name)[0]}\n"
        f"Address = {provider.client(house)}/32\n"
        f"DNS = {provider.resolver}\n\n"
        "[Peer]\n"
        f"PublicKey = {key(provider.name)[1]}\n"
        "AllowedIPs = 0.0.0.0/0, ::/0\n"
        f"Endpoint = {provider.address}:{WIREGUARD_PORT}\n"
    )


def start_world() -> None:
    """Registry, providers and internet."""
    network(f"{PREFIX}-internet", INTERNET, "--gateway", INTERNET_GATEWAY)
    on_internet = ["--network", f"{PREFIX}-internet", "--cap-add", "NET_ADMIN"]
    shared = FOLDER / "internet"
    shared.mkdir(parents=True, exist_ok=True)
    create(
        f"{PREFIX}-internet",
        images.tag("internet"),
        *(*on_internet, "--ip", INTERNET_HOST, "--env", f"ADDRESS={INTERNET_HOST}", "--env", f"RESOLVER={RESOLVER}"),
        *("--volume", f"{shared}:/lab"),
    )
    for provider in PROVIDERS:
        folder = FOLDER / provider.name
        write(folder / "wg0.conf", provider_server(provider), mode=0o600)
        create(
            provider.name,
            images.tag("provider"),
            *(*on_internet, "--ip", provider.address, "--device", "/dev/net/tun", "--volume", f"{folder}:/lab:ro"),
            *("--env", f"NETWORK={provider.network}", "--env", f"RESOLVER={RESOLVER}"),
            *("--sysctl", "net.ipv4.ip_forward=1"),
        )
    create(
        f"{PREFIX}-registry",
        images.tag("registry"),
        *("--network", f"{PREFIX}-internet", "--ip", REGISTRY, "--publish", f"127.0.0.1::{REGISTRY_PORT}"),
    )
    for name in ("internet", "provider1", "provider2", "registry"):
        start(f"{PREFIX}-{name}")


def start(name: str) -> None:
    if not running(name):
        docker("start", name)


def start_house(house: House) -> None:
    """Router, laptop and Pi on the house's own network; the machine offers no way out of it."""
    # Not --internal: where bridged packets pass the machine's firewall, Docker would drop them on the way to the router.
    no_way_out = "com.docker.network.bridge.enable_ip_masquerade=false"
    network(house.name, house.lan, "--gateway", house.machine, "--opt", no_way_out)
    router, laptop = f"{house.name}-router", f"{house.name}-laptop"
    made = create(
        router,
        images.tag("router"),
        *("--network", f"{PREFIX}-internet", "--ip", house.exit, "--cap-add", "NET_ADMIN"),
        *("--sysctl", "net.ipv4.ip_forward=1"),
        *("--env", f"LAN={house.lan}", "--env", f"GATEWAY={INTERNET_GATEWAY}"),
    )
    if made:
        docker("network", "connect", "--ip", house.router, house.name, router)
    start(router)
    create(laptop, images.tag("laptop"), "--network", house.name, "--ip", house.laptop, "--cap-add", "NET_ADMIN")
    start(laptop)
    start_pi(house)


def start_pi(house: House) -> None:
    name = f"{house.name}-pi"
    options = [option for capability in PI_CAPABILITIES for option in ("--cap-add", capability)]
    options += [
        option for kind in ("seccomp", "apparmor", "systempaths") for option in ("--security-opt", f"{kind}=unconfined")
    ]
    options += ["--device-cgroup-rule", "a *:* rwm", "--device", "/dev/net/tun", "--cgroupns", "host"]
    options += ["--volume", f"{cgroup_tree()}:/sys/fs/cgroup", "--tmpfs", "/run", "--tmpfs", "/tmp"]
    options += ["--volume", "/var/lib/docker", "--env", f"ROUTER={house.router}", "--env", f"RESOLVER={RESOLVER}"]
    options += ["--network", house.name, "--ip", house.pi]
    if create(name, images.tag("pi"), *options):
        docker("start", name)
        authorized = (FOLDER / "id_ed25519.pub").read_text(encoding="utf-8")
        home = "install -d -o pi -g pi -m 0700 /home/pi/.ssh && cat > /home/pi/.ssh/authorized_keys"
        in_namespaces(name, "sh", "-c", home, stdin=authorized)
    start(name)
    wait_for_boot(house)


def cgroup_tree() -> str:
    """Return where version 2 of the cgroup tree is mounted: apart on a hybrid machine, else at the top."""
    unified = Path("/sys/fs/cgroup/unified")
    return str(unified if unified.is_dir() else unified.parent)


def wait_for_boot(house: House) -> float:
    """Wait until systemd has finished starting; return the seconds it took from the container's start."""
    name = f"{house.name}-pi"
    begun = time.monotonic()
    state = ""
    while time.monotonic() - begun < BOOT_TIMEOUT_S:
        try:
            state = in_namespaces(name, "sh", "-c", "systemctl is-system-running || true").strip()
        except LabError as error:
            state = str(error)
        if state in ("running", "degraded"):
            return time.monotonic() - begun
        time.sleep(0.3)
    raise LabError(f"{name} did not finish its start in {BOOT_TIMEOUT_S} s: {state}")


def reboot_pi(house: House) -> float:
    """Restart the Pi as a reboot does; return the seconds until systemd is up again."""
    docker("restart", "--time", "60", f"{house.name}-pi")
    return wait_for_boot(house)


def replace_pi(house: House) -> None:
    """Put a blank Pi in the place of the one that is there."""
    remove(f"{house.name}-pi")
    start_pi(house)
    describe(house)


def registry_port() -> int:
    found = inspect("container", f"{PREFIX}-registry")
    if found is None:
        raise LabError("the registry is not there; see: python tests/lab up")
    return int(found["NetworkSettings"]["Ports"][f"{REGISTRY_PORT}/tcp"][0]["HostPort"])


def wait_for_registry() -> int:
    port = registry_port()
    run("curl", "--silent", "--retry", "50", "--retry-delay", "1", "--retry-all-errors", f"http://127.0.0.1:{port}/v2/")
    return port


def describe(house: House) -> dict[str, Any]:
    """Write down how the household is reached and what its inventory needs; return it."""
    known = run("ssh-keyscan", "-T", "10", "-t", "ed25519", house.pi)
    write(FOLDER / f"known_hosts{house.number}", known)
    film = FOLDER / "internet" / "film.torrent"
    deadline = time.monotonic() + BOOT_TIMEOUT_S
    while not film.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    household = {
        "pi": {
            "address": house.pi,
            "user": "pi",
            "key_file": str(FOLDER / "id_ed25519"),
            "known_hosts": str(FOLDER / f"known_hosts{house.number}"),
            "container": f"{house.name}-pi",
        },
        "lan": house.lan,
        "house_exit": house.exit,
        "laptop": {"container": f"{house.name}-laptop", "address": house.laptop},
        "machine": house.machine,
        "provider_config": provider_configuration(PROVIDERS[0], house),
        "provider_config_failover": provider_configuration(PROVIDERS[1], house),
        "providers": [
            {"container": provider.name, "address": provider.address, "resolver": provider.resolver}
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
        "tracker": {
            "announce": f"http://{INTERNET_HOST}:{TRACKER_PORT}/announce",
            "torrent_file": str(film),
            "file_name": "household-demo-film.mkv",
            "sha256": (film.parent / "film.sha256").read_text(encoding="utf-8").strip(),
        },
        "transmission": {"user": "family", "password": secret(f"transmission{house.number}")},
    }
    write(FOLDER / f"household{house.number}.json", json.dumps(household, indent=2) + "\n", mode=0o600)
    return household


def up(count: int) -> None:
    """Have the lab with ``count`` households; what is there already is left alone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
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
