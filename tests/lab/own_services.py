# SPDX-License-Identifier: GPL-3.0-or-later
"""Own services of a lab household: two real daemons of Debian that use each other, one in each namespace."""

from __future__ import annotations

from typing import Any

INSIDE, OUTSIDE = "aria2", "web"
INSIDE_PORT, OUTSIDE_PORT = 6800, 8080
# On the Pi. Both differ from the ports in the containers, so ways need bindings of their own.
INSIDE_PUBLISHED, OUTSIDE_PUBLISHED = 16800, 18080
SECRET = "rpc-secret-of-the-lab"


def own_services(**inside: Any) -> list[dict[str, Any]]:
    """Return a value of mediaserver_extra_services; ``inside`` are more fields of the service in the VPN namespace."""
    return [
        {
            **{"name": INSIDE, "image": "{{ demo_lab.images.aria2 }}", "namespace": "vpn"},
            **{"port": INSIDE_PORT, "published_port": INSIDE_PUBLISHED},
            "healthcheck": {"test": f"curl --silent --output /dev/null http://127.0.0.1:{INSIDE_PORT}/jsonrpc"},
            "secret_files": {"rpc": SECRET},
            "reaches": {OUTSIDE: OUTSIDE_PORT},
            "memory": "128m",
            "restart_when_unhealthy": True,
            **inside,
        },
        {
            **{"name": OUTSIDE, "image": "{{ demo_lab.images.web }}", "namespace": "lan"},
            **{"port": OUTSIDE_PORT, "published_port": OUTSIDE_PUBLISHED},
            "healthcheck": {"test": f"curl --silent --output /dev/null http://127.0.0.1:{OUTSIDE_PORT}/"},
            "reaches": {INSIDE: INSIDE_PORT},
            "memory": "64m",
        },
    ]
