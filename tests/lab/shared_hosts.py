# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that all households share: the internet host, the provider's servers and the registry."""

from __future__ import annotations

import subprocess

from engine import FOLDER, LabError, create, docker, inspect, network, run, running, write
from images import tag
from topology import (
    HOUSEHOLDS,
    INTERNET,
    INTERNET_GATEWAY,
    INTERNET_HOST,
    PREFIX,
    PROVIDERS,
    REGISTRY,
    REGISTRY_PORT,
    RESOLVER,
    SERVER_IPV6,
    TUNNEL_RESOLVER,
    Provider,
)
from wireguard import key, preshared, server_configuration

ON_INTERNET = ("--network", f"{PREFIX}-internet", "--cap-add", "NET_ADMIN")


def start(name: str) -> None:
    if not running(name):
        docker("start", name)


def start_shared_hosts() -> None:
    network(f"{PREFIX}-internet", INTERNET, "--gateway", INTERNET_GATEWAY)
    start_internet()
    for provider in PROVIDERS:
        start_provider(provider)
    registry = f"{PREFIX}-registry"
    publish = ["--publish", f"127.0.0.1::{REGISTRY_PORT}"]
    create(registry, tag("registry"), "--network", f"{PREFIX}-internet", "--ip", REGISTRY, *publish)
    start(registry)


def start_internet() -> None:
    name, shared = f"{PREFIX}-internet", FOLDER / "internet"
    shared.mkdir(parents=True, exist_ok=True)
    create(
        name,
        tag("internet"),
        *(*ON_INTERNET, "--ip", INTERNET_HOST, "--volume", f"{shared}:/lab"),
        *("--env", f"ADDRESS={INTERNET_HOST}", "--env", f"RESOLVER={RESOLVER}"),
    )
    start(name)


def start_provider(provider: Provider) -> None:
    folder = FOLDER / provider.name
    clients = {household: key(household.name)[1] for household in HOUSEHOLDS}
    shared = {household: preshared(provider, household) for household in HOUSEHOLDS}
    write(folder / "wg0.conf", server_configuration(key(provider.name)[0], clients, shared), mode=0o600)
    create(
        provider.name,
        tag("provider"),
        *(*ON_INTERNET, "--ip", provider.address, "--device", "/dev/net/tun"),
        *("--volume", f"{folder}:/lab:ro"),
        *("--env", f"ADDRESS={TUNNEL_RESOLVER}/24", "--env", f"RESOLVER={RESOLVER}"),
        *("--env", f"ADDRESS_IPV6={SERVER_IPV6}/64", "--sysctl", "net.ipv6.conf.all.disable_ipv6=0"),
        *("--env", f"PUBLIC={provider.address}", "--env", f"FIRST_PORT={provider.first_port}"),
        *("--sysctl", "net.ipv4.ip_forward=1"),
    )
    start(provider.name)


def connects_from_internet(address: str, port: int) -> bool:
    """Return whether the internet host can connect to this TCP port."""
    ask = ["curl", "--verbose", "--max-time", "2", f"telnet://{address}:{port}"]
    command = ["docker", "exec", "--interactive", f"{PREFIX}-internet", *ask]
    return "Connected to" in subprocess.run(command, capture_output=True, text=True, check=False, input="").stderr


def wait_for_registry() -> int:
    """Wait until the registry answers; return its port on this machine's loopback interface."""
    found = inspect("container", f"{PREFIX}-registry")
    if found is None:
        raise LabError(f"container {PREFIX}-registry does not exist; start the lab: python tests/lab up")
    port = int(found["NetworkSettings"]["Ports"][f"{REGISTRY_PORT}/tcp"][0]["HostPort"])
    retry = ["--retry", "50", "--retry-delay", "1", "--retry-all-errors"]
    run("curl", "--silent", *retry, f"http://127.0.0.1:{port}/v2/")
    return port
