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


def pages(*namespaces: str) -> tuple[int, ...]:
    """Return the ports that these services publish in every household, as the containers have them."""
    ports = [port for name in names(*namespaces) for port in SERVICES[name].get("ports", ())]
    return tuple(port["container"] for port in ports if "variable" not in port)
