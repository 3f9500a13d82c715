# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's services from its data file: names and ports, by namespace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).resolve().parents[2] / "roles" / "mediaserver" / "files" / "services.yml"
# The services of the stack by default.
SERVICES: dict[str, dict[str, Any]] = {
    name: fields
    for name, fields in yaml.safe_load(PATH.read_text(encoding="utf-8"))["services"].items()
    if not fields.get("optional")
}
IN_VPN, ON_LAN = ("holder", "tunnel", "vpn"), ("lan",)


def names(*namespaces: str) -> tuple[str, ...]:
    """Return the services of these namespaces; without an argument, of all namespaces."""
    return tuple(name for name, fields in SERVICES.items() if not namespaces or fields["namespace"] in namespaces)


def web_interfaces(*namespaces: str) -> dict[str, int]:
    """Return the port that each of these services publishes in every household, as its container has it."""
    ports = {name: SERVICES[name].get("ports", ()) for name in names(*namespaces)}
    return {name: port["container"] for name, every in ports.items() for port in every if "variable" not in port}


def web_ports(*namespaces: str) -> tuple[int, ...]:
    return tuple(web_interfaces(*namespaces).values())
