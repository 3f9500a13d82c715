# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's services as its own data file has them: names and ports, by namespace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).resolve().parents[2] / "roles" / "mediaserver" / "files" / "services.yml"
# Those that a household has where it says nothing.
SERVICES: dict[str, dict[str, Any]] = {
    name: fields
    for name, fields in yaml.safe_load(PATH.read_text(encoding="utf-8"))["services"].items()
    if not fields.get("optional")
}
IN_VPN, ON_LAN = ("holder", "tunnel", "vpn"), ("lan",)


def names(*namespaces: str) -> tuple[str, ...]:
    """Return the services of these namespaces, of all where none is named."""
    return tuple(name for name, fields in SERVICES.items() if not namespaces or fields["namespace"] in namespaces)


def pages(*namespaces: str) -> tuple[int, ...]:
    """Return the ports of the web interfaces of these services, as the containers have them."""
    ports = [port for name in names(*namespaces) for port in SERVICES[name].get("ports", ())]
    return tuple(port["container"] for port in ports if port.get("web", True))
