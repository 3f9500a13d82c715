# SPDX-License-Identifier: GPL-3.0-or-later
"""Invalid variables are refused by name before anything changes.

Only cases that need the real playbook and real measurements; other values are in the unit tests.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import playbook
import pytest

KEY = base64.b64encode(b"private" + bytes(25)).decode()
PEER = base64.b64encode(b"public" + bytes(26)).decode()
PROVIDER = f"""[Interface]
PrivateKey = {KEY}
Address = 10.66.0.2/32
DNS = 10.66.0.1
[Peer]
PublicKey = {PEER}
AllowedIPs = 0.0.0.0/0
Endpoint = 198.18.0.20:51820
"""

BAD: dict[str, tuple[str, Any]] = {
    "no password": ("transmission_password", ""),
    "a notification to an unknown service": ("mediaserver_notify", ["nosuch://s3cr3t"]),
    "an invalid private key": ("gateway_provider_config", PROVIDER.replace(KEY, "c2hvcnQ=")),
    "a hook in the provider's file": (
        "gateway_provider_config",
        PROVIDER.replace("DNS", "PostUp = true\nDNS"),
    ),
    "a provider with partial AllowedIPs": (
        "gateway_provider_config",
        PROVIDER.replace("0.0.0.0/0", "10.0.0.0/8"),
    ),
    "an unknown time zone": ("mediaserver_timezone", "Mars/Olympus"),
    "a missing disk": ("storage_uuid", "00000000-0000-4000-8000-000000000000"),
    "one port for two services": (
        "mediaserver_ports",
        {"transmission": 8096, "jackett": 9117, "jellyfin": 8096},
    ),
    "a subnet inside the tunnel's": ("gateway_subnet", "10.66.0.0/24"),
    "the uid of another account": ("mediaserver_uid", 1),
    "a member listed twice": ("jellyfin_users", [{"name": "child", "password": "crayon"}, {"name": "Child"}]),
    "an unknown setting of Jackett": ("jackett_settings", {"CacheTtll": 60}),
    "text in place of a number": ("mediaserver_uid", "many"),
}


@pytest.mark.parametrize(("variable", "value"), BAD.values(), ids=BAD.keys())
def test_invalid_variable_is_refused_before_changes(inventory: str, variable: str, value: Any) -> None:
    result = playbook.run(inventory, "--extra-vars", json.dumps({variable: value}))

    assert not result.ok, "it was accepted"
    assert variable in result.failures
    assert result.stats["changed"] == 0, [task.name for task in result.changed]
    assert KEY not in result.text, "the output contains a secret"
